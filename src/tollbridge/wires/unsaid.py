"""What a translated request leaves behind because only its own format has a field for it.

Each value keeps in `extra` what the neutral model has no word for, and a writer of another format does not write it.
A Caveat names each of these fields as the client called it, where it is first met: `detail` of a picture, `citations`
of a document, `defer_loading` of a tool. Ids, positions and the like say nothing of what is wanted, and go without a
word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Media, Part, Text, ToolResult
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat

_NO_WISH = frozenset(
    {"id", "index", "logprobs", "annotations", "name", "phase", "position", "refusal", "role", "status", "type"}
    | {"thought", "reasoning", "reasoning_content", "reasoning_details"}
)
_HOLDERS = frozenset({"image_url", "input_audio", "file", "function", "json_schema", "video_url"})
"""Objects of which the rest was read."""

_READ = frozenset({"file.format", "image_url.format", "video_url.format"})
"""What was read, and stays as it was for its own format."""

CAVEATS_MAX = 12
"""Fields that have a Caveat of their own; one names all others."""

_SYSTEM = ("system", "developer")

_TAKEN: Mapping[str, frozenset[str]] = {"cohere": frozenset({"detail", "image_url.detail"})}
"""What a format has all the same, by its name."""


def unsaid(request: Request, to: str = "", took: frozenset[str] = frozenset()) -> tuple[Caveat, ...]:
    """Of a request that another format is written from. `to`: its name. `took`: fields that were written there all the
    same."""
    taken = _READ | _TAKEN.get(to, frozenset()) | took
    found: dict[str, str] = {}
    for where, name in _fields(request):
        if name not in taken:
            found.setdefault(name, where)
    if not found:
        return ()
    caveats = [_lost(f"{where}.{name}", f"Only the client's format has `{name}`.") for name, where in found.items()]
    if len(caveats) <= CAVEATS_MAX:
        return tuple(caveats)
    more = ", ".join(f"`{name}`" for name in list(found)[CAVEATS_MAX:])
    rest = caveats[CAVEATS_MAX]
    return (*caveats[:CAVEATS_MAX], _lost(rest.where, f"Only the client's format has these fields: {more}."))


def _lost(where: str, detail: str) -> Caveat:
    return Caveat(code="dropped_field", where=where, detail=detail)


def nothing_left(body: JsonObject, request: Request, caveats: Iterable[Caveat]) -> Caveat | None:
    """Of a body without a single turn: the first part of one that was left out of it. None where something is said, or
    where the client said nothing."""
    said = next((body[name] for name in ("messages", "contents", "input") if name in body), None)
    if not (said.get("prompt") == "" if isinstance(said, dict) else _is_silent(said)):
        return None
    spoken = {f"$.messages[{at}]" for at, one in enumerate(request.messages) if one.role != "system"}
    return next((one for one in caveats if one.code == "dropped_part" and one.where.split(".parts")[0] in spoken), None)


def _is_silent(said: Json) -> bool:
    """Formats where system messages stand among the others, and a message stays without its parts."""
    return isinstance(said, list) and all(
        isinstance(one, dict) and (one.get("role") in _SYSTEM or _is_empty(one)) for one in said
    )


def _is_empty(message: JsonObject) -> bool:
    return message.get("content", message) in ("", None, []) and not message.get("tool_calls")


def _fields(request: Request) -> Iterator[tuple[str, str]]:
    for number, message in enumerate(request.messages):
        where = f"$.messages[{number}]"
        if message.name is not None:
            yield where, "name"
        for name in _wishes(message.extra):
            yield where, name
        for part in message.parts:
            for name in _of_part(part):
                yield f"{where}.", name  # `$.messages[0]..detail`: somewhere within
    for number, tool in enumerate(request.tools):
        for name in _wishes(getattr(tool, "extra", {})):
            yield f"$.tools[{number}]", name


def _of_part(part: Part) -> Iterator[str]:
    match part:
        case Text() | Media():
            yield from _wishes(part.extra)
        case ToolResult():
            for inner in part.content:
                yield from _of_part(inner)


def _wishes(extra: JsonObject) -> Iterator[str]:
    for name, value in extra.items():
        if name in _NO_WISH or name.startswith("(") or _says_nothing(value):
            continue
        if name in _HOLDERS and isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in _wishes(value))
        else:
            yield name


def _says_nothing(value: Json) -> bool:
    return value in (None, {}, [], "auto")
