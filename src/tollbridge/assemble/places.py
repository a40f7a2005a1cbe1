"""The providers as places: where files and batches are kept, and what is passed through leads to.

Of each provider there is one: the first of `model_list` that says `use_in_pass_through`, else the first that is there,
else what the environment is enough for. One that answers in this process is no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tollbridge.assemble.deployments import Maker
from tollbridge.calls.place import Place, place
from tollbridge.config.settings import Config
from tollbridge.errors import APIError
from tollbridge.providers.names import locate
from tollbridge.providers.resolve import NOTHING, Given, available
from tollbridge.providers.root import root_of
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO


def places(config: Config, environ: Mapping[str, str], rows: Mapping[str, Provider], maker: Maker) -> dict[str, Place]:
    """By the provider's name. What cannot serve is left out: as a deployment it was told of already."""
    timeouts = maker.timeouts_for(None, None)[1]
    found: dict[str, Place] = {}
    for row, given in _given(config, environ, rows, maker):
        if row.name not in found and row.name != DEMO.name:
            try:
                found[row.name] = place(root_of(row, given, environ, rows), timeouts)
            except (APIError, ValueError):
                continue
    return found


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
