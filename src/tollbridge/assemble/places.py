"""The providers as places: where files and batches are kept, and what is passed through leads to.

Who means a provider by its name means the first of `model_list` that says `use_in_pass_through`, else the first that is
there, else what the environment is enough for. One that answers in this process is no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.place import Place, place
from tollbridge.config.settings import Config
from tollbridge.errors import APIError
from tollbridge.providers.names import locate
from tollbridge.providers.ready import available
from tollbridge.providers.resolve import NOTHING, Given
from tollbridge.providers.root import root_of
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO


class Places(msgspec.Struct, frozen=True, eq=False):
    """`named`: by the provider's name. `accounts`: all of them, by who we are there."""

    named: Mapping[str, Place]
    accounts: Mapping[str, Place]


def places(config: Config, environ: Mapping[str, str], rows: Mapping[str, Provider], maker: Maker) -> Places:
    """What cannot serve is left out: as a deployment it was told of already."""
    timeouts = maker.timeouts_for(None, None)[1]
    named: dict[str, Place] = {}
    accounts: dict[str, Place] = {}
    for row, given in _given(config, environ, rows, maker):
        if row.name != DEMO.name:
            try:
                found = place(root_of(row, given, environ, rows), timeouts)
            except (APIError, ValueError):
                continue
            found = accounts.setdefault(found.account, found)
            named.setdefault(row.name, found)
    return Places(named, accounts)


def _given(
    config: Config, environ: Mapping[str, str], rows: Mapping[str, Provider], maker: Maker
) -> Iterator[tuple[Provider, Given]]:
    for entry in sorted(config.models, key=lambda entry: not entry.passes_through):
        if entry.disabled is not None or entry.mock_response is not None or entry.model == "*":
            continue
        given = maker.wanted(entry).given
        try:
            row, _ = locate(entry.model, rows, provider=entry.custom_llm_provider, api_base=entry.api_base)
        except APIError:
            continue
        yield row, given
    for row in available(environ, rows):
        yield row, NOTHING
