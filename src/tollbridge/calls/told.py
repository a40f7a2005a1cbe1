"""The Caveats of a request, as its client is told them: at the places of its own body, and none for what it could as
well have left unsaid."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tollbridge.calls.ask import Ask, decode
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import MARK
from tollbridge.wires.defaults import says_nothing
from tollbridge.wires.places import Places

_ONE_CALL = ("$.parallel_tools", "$.parallel_tool_calls")
"""One call at a time, where the client's own words for it are elsewhere or it has none: then it is asked for by us, for
a client that can take no more, or for an answer that is told as a call."""

_OF_FIELDS = frozenset({"dropped_param", "dropped_field", "approximated"})


def told(caveats: Iterable[Caveat], places: Places, lacks: frozenset[str]) -> tuple[Caveat, ...]:
    """`lacks`: what the target cannot do."""
    return tuple([one for one in places.told(caveats) if not _says_nothing(one, places, lacks)])


def refusal(caveat: Caveat) -> str:
    """What is said of a loss where the request is refused for it. Without a full stop."""
    return caveat.refused or caveat.detail.rstrip(".")


def places_of(ask: Ask, request: Request | None = None, added: int = 0) -> Places:
    """`request`: as it was read; None where the body goes on as it came. `added`: messages put before its own."""
    asked = ask.client or ask
    return Places(asked.dialect.name, asked.fields, _decoded, request, added)


def _decoded(raw: msgspec.Raw) -> Json:
    return decode(bytes(raw))


def at_clients_place(error: BadRequestError, places: Places) -> BadRequestError:
    """What a writer refuses, by the client's path too."""
    if error.param is None:
        return error
    where = f"$.{error.param}"
    place = places.place(where)
    if place != where:
        error.message = error.message.replace(where, place)
        error.param = place.removeprefix("$.")
    return error


def _says_nothing(caveat: Caveat, places: Places, lacks: frozenset[str]) -> bool:
    if caveat.code not in _OF_FIELDS or "[" in caveat.where or ".." in caveat.where or caveat.where.endswith(MARK):
        return False
    if caveat.where in _ONE_CALL:
        return not places.has("parallel_tool_calls") or places.value("parallel_tool_calls") is True
    place = caveat.where.removeprefix("$.")
    return places.has(place.partition(".")[0]) and says_nothing(places.dialect, place, places.value(place), lacks)
