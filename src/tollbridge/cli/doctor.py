"""`tollbridge doctor`: what is wrong around a gateway, before it starts or while it runs, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click
import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.gateway import provider_rows, transport
from tollbridge.assemble.offline import offline
from tollbridge.calls.build import build
from tollbridge.cli import mcp_lines
from tollbridge.cli.check import examine
from tollbridge.cli.columns import printable
from tollbridge.cli.examining import (
    Found,
    database,
    journal,
    known_at,
    libraries,
    network,
    port,
    state_directory,
    worst,
)
from tollbridge.cli.indented import indented
from tollbridge.cli.mcp_desk import local
from tollbridge.cli.place import Place, place
from tollbridge.cli.screen import is_terminal, painted
from tollbridge.errors import APIError, ConfigError, TollbridgeError
from tollbridge.providers.ready import available
from tollbridge.providers.rows.local import DEMO_HOST
from tollbridge.providers.table import ROWS
from tollbridge.transport.base import Origin
from tollbridge.transport.inprocess import ByHost, InProcess

PORT = 4000
TIMEOUT_S = 5.0
MCP_S = 60.0
ALIKE_MAX = 5
"""Of findings that are mended alike: how to mend them says more."""
MARKS = {"good": ("ok", "green"), "warning": ("WARN", "yellow"), "error": ("WRONG", "red")}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints; this shape is kept."""

    errors: int
    warnings: int
    found: Sequence[Found]


@click.command()
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="The config.yaml; without, what the environment serves."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it shall listen.")
@click.option("--port", "-p", "number", type=click.IntRange(1, 65535), help=f"Default: PORT, or {PORT}.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1, 60), default=TIMEOUT_S, show_default=True,
              help="Seconds that each provider's host has to answer.")  # fmt: skip
@click.option("--offline", "alone", is_flag=True, help="Ask nobody: neither providers' hosts nor MCP servers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(config: Path | None, host: str, number: int | None, timeout_s: float, alone: bool, as_json: bool) -> None:
    """Find what is wrong, and say how to mend it.

    Looked at are: the configuration and the keys it names, versions, the state directory and the room on its disk, the
    database, the port, whether the host of each provider is reached (HTTPS_PROXY and NO_PROXY are honoured; no key is
    sent), the clock, and the MCP servers. Nothing is changed.

    Exit codes: 0 all is well, 1 warnings, 2 something is wrong.

    \b
    Example:
      tollbridge doctor --config config.yaml
      tollbridge doctor --offline --json | jq '.found[] | select(.state != "good")'
    """
    found = asyncio.run(_looked(config, host, number, timeout_s, alone=alone))
    code = worst(found)
    if as_json:
        states = [one.state for one in found]
        report = Report(errors=states.count("error"), warnings=states.count("warning"), found=found)
        click.echo(indented(report))
    else:
        click.echo("\n".join(_lines(found)))
    sys.exit(code)


async def _looked(config: Path | None, host: str, number: int | None, timeout_s: float, *, alone: bool) -> list[Found]:
    found = [*libraries(), *_configuration(config)]
    try:
        here = place(config)
    except ConfigError:
        return found  # what is wrong with it was told
    found += state_directory(here.home)
    found += journal(here.home, known_at(here.database_url))
    found.append(database(here.database_url))
    said = here.environ.get("PORT", "").strip()
    found.append(port(host, number or (int(said) if said.isdecimal() and 0 < int(said) < 65536 else PORT)))
    if not alone:
        network_of = transport(here.config, here.environ)
        try:
            found += await network(origins(here), network_of, here.environ, timeout_s)
        finally:
            await network_of.close()
        if here.config.mcp_servers and config is not None:
            found += await _mcp(config)
    return found


def _configuration(path: Path | None) -> Iterator[Found]:
    report = examine(path, os.environ)
    named = "the environment" if path is None else str(path)
    mend = "tollbridge check" if path is None else f"tollbridge check {path}"
    for finding in report.findings:
        yield Found(about="configuration", state=finding.severity, said=str(finding), mend=mend)
    if report.serves is not None:
        names = [model.name for model in report.serves.models if model.deployments]
        if names:
            shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
            yield Found(about="configuration", state="good", said=f"{named} serves {shown}")
        else:
            mend = "Write a model_list: tollbridge init."
            yield Found(about="configuration", state="warning", said=f"{named} serves no model", mend=mend)


def origins(here: Place) -> Mapping[Origin, list[str]]:
    """Where requests would go, each with the names that lead there. What cannot be made was told already."""
    config, environ, rows = here.config, here.environ, provider_rows(here.config)
    maker = Maker(config, environ, rows, ByHost({}, InProcess(offline())))
    wanted = [
        (entry.model_name, msgspec.structs.replace(maker.wanted(entry), model=entry.model.replace("*", "any", 1)))
        for entry in config.models
        if entry.disabled is None and entry.mock_response is None and entry.model != "*"
    ]
    found: dict[Origin, list[str]] = {}
    for name, one in wanted:
        try:
            found.setdefault(build(one, environ, rows).origin, []).append(name)
        except (APIError, ValueError):
            continue
    if config.source is None:
        groups = maker.of_environment()
        for row in available(environ, ROWS):
            try:
                (deployment,) = groups.resolve(f"{row.name}/any").members
            except APIError:
                continue
            found.setdefault(deployment.origin, []).append(f"{row.name}/*")
    return {origin: list(dict.fromkeys(names)) for origin, names in found.items() if origin.host != DEMO_HOST}


async def _mcp(config: Path) -> list[Found]:
    about = "mcp"
    try:
        async with asyncio.timeout(MCP_S), local(config) as desk:
            told = await desk.diagnoses(None)
    except TimeoutError:
        return [Found(about=about, state="error", said=f"no answer within {MCP_S:g} s", mend="tollbridge mcp doctor")]
    except TollbridgeError as error:
        return [Found(about=about, state="error", said=error.message, mend="tollbridge mcp doctor")]
    found = []
    for one in told:
        name = one["server_name"]
        wrong = [str(why) for why in (one.get("health_check_error"), *(one.get("problems") or [])) if why]
        if mcp_lines.well(one):
            found.append(Found(about=about, state="good", said=f"{name} is well, with {one.get('tools', 0)} tools"))
        else:
            mend = f"tollbridge mcp doctor {name} --config {config}"
            said = f"{name}: {'; '.join(wrong) or 'some of its tools are left out'}"
            found.append(Found(about=about, state="error" if wrong else "warning", said=said, mend=mend))
    return found


def _lines(found: Sequence[Found]) -> Iterator[str]:
    width = max(len(one.about) for one in found)
    for (about, mend), alike in groupby(found, lambda one: (one.about, one.mend)):
        those = sorted(alike, key=lambda one: one.state != "error")
        shown = those[:ALIKE_MAX] if mend else those
        for one in shown:
            mark, colour = MARKS[one.state]
            head, *rest = _wrapped(one.said, width + 9)
            yield f"{painted(f'{mark:<5}', sys.stdout, fg=colour)}  {about:<{width}}  {head}"
            yield from (f"{'':5}  {'':<{width}}  {line}" for line in rest)
        if len(shown) < len(those):
            yield f"{'':5}  {'':<{width}}  and {len(those) - len(shown)} more"
        for line in _wrapped(mend, width + 9) if mend else ():
            yield f"{'':5}  {'':<{width}}  {painted(line, sys.stdout, dim=True)}"
    errors, warnings = (sum(one.state == state for one in found) for state in ("error", "warning"))
    yield ""
    yield "All is well." if not errors and not warnings else f"{errors} wrong, {warnings} to be warned of."


def _wrapped(text: str, before: int) -> list[str]:
    """On a terminal, lines that fit after so many columns; a path is not broken."""
    lines = [printable(line) for line in text.splitlines() or [""]]
    if not is_terminal(sys.stdout):
        return lines
    room = max(20, shutil.get_terminal_size().columns - before)
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) or [""]
    ]
