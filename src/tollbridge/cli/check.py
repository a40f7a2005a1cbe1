"""`tollbridge check`: what is wrong with a configuration, in a compiler's manner, and what it would serve.

Exit codes: 0 nothing to say, 1 warnings, 2 errors.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import msgspec

from tollbridge.assemble.aws import signing
from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.gateway import provider_rows
from tollbridge.assemble.mcp import definition
from tollbridge.assemble.misgivings import misgivings, tell_nothing_served, tell_unusable_proxies
from tollbridge.assemble.offline import offline
from tollbridge.assemble.reading_hooks import tell_uncalled
from tollbridge.cli.indented import indented
from tollbridge.config.crosscheck import Names, names_of
from tollbridge.config.document import Table
from tollbridge.config.environment import Environment, read_dotenv
from tollbridge.config.explain import Explained, Renaming, renamed, renamings
from tollbridge.config.explain import explain as explanations
from tollbridge.config.findings import Finding, Findings, Place
from tollbridge.config.include import Gathered
from tollbridge.config.load import load
from tollbridge.config.masking import mask, mask_line
from tollbridge.config.settings import Config, McpServer
from tollbridge.errors import APIError, ConfigError, StoreError
from tollbridge.home import Home
from tollbridge.mcp.definition import Command
from tollbridge.providers.extras import MISSING
from tollbridge.providers.ready import available, half_set_up
from tollbridge.providers.resolve import resolve
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.store.address import Address, check_driver
from tollbridge.transport.inprocess import ByHost, InProcess

LINE_MAX = 160


class Served(msgspec.Struct):
    """A public name, the models that would answer to it, those that would not, and of the first those whose price is
    not known."""

    name: str
    deployments: list[str] = []
    disabled: list[str] = []
    unpriced: list[str] = []


class McpServed(msgspec.Struct):
    """An MCP server: `at` is its command or the origin of its URL, behind which keys may stand."""

    name: str
    at: str
    access_groups: Sequence[str] = ()


class Outlook(msgspec.Struct, kw_only=True):
    """What a start would serve."""

    models: list[Served] = []
    aliases: Mapping[str, str] = {}
    fallbacks: Mapping[str, Sequence[str]] = {}
    context_window_fallbacks: Mapping[str, Sequence[str]] = {}
    content_policy_fallbacks: Mapping[str, Sequence[str]] = {}
    default_fallbacks: Sequence[str] = ()
    providers: Sequence[str] = ()
    mcp_servers: Sequence[McpServed] = ()


class Report(msgspec.Struct, kw_only=True):
    """What `--json` prints; this shape is kept. `serves` is null where an error forbids a start; `explained` is null
    without `--explain`."""

    errors: int
    warnings: int
    findings: Sequence[Finding]
    serves: Outlook | None
    explained: Sequence[Explained] | None = None


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--config", "-c", "named", type=click.Path(path_type=Path), help="The same as FILE, as `serve` takes it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--explain", is_flag=True, help="Say of each key of LiteLLM's what becomes of it here.")
@click.option("--fix", is_flag=True, help="Write the better names of keys into the file first.")
@click.option("--open", "is_open", is_flag=True, help="As if served with --open: a weak master key is no error.")
def check(
    file: Path | None, named: Path | None, form: str, as_json: bool, explain: bool, fix: bool, is_open: bool
) -> None:
    """Say what is wrong with a configuration, and what it would serve.

    Without FILE: what the environment alone would serve. Starts nothing and opens no connection, so that it cannot say
    whether a key is good or a database answers; all else that `serve` warns of is told here too.

    Exit codes: 0 nothing to say, 1 warnings, 2 errors.

    Example: tollbridge check config.yaml --explain
    """
    path = file or named
    if (fix or explain) and path is None:
        raise click.UsageError("--explain and --fix want a FILE.")
    as_json = as_json or form == "json"
    if fix and path is not None:
        for change in mend(path, os.environ):
            click.echo(change, err=as_json)
    report = examine(path, os.environ, is_open=is_open)
    if explain and path is not None:
        report = msgspec.structs.replace(report, explained=explanations(read_nodes(path, os.environ), report.findings))
    if as_json:
        click.echo(indented(report))
    else:
        told = table(report.explained or ())
        click.echo("\n".join([*excerpts(report.findings), *told, *summary(path, report)]))
    sys.exit(2 if report.errors else 1 if report.warnings else 0)


def examine(path: Path | None, process_environ: Mapping[str, str], *, is_open: bool = False) -> Report:
    found = Findings()
    environ = read_dotenv(process_environ, found, *([] if path is None else [path.parent]), Path.cwd())
    loaded = load(path, environ, open_door=is_open)
    found.add(loaded.findings)
    serves = outlook(loaded.draft, loaded.environ, found)
    _check_database(loaded.draft, loaded.environ, found)
    _check_mcp_servers(loaded.draft, loaded.environ, found)
    tell_uncalled(loaded.draft.settings.callbacks, path, found)
    if loaded.config is not None:
        tell_nothing_served(loaded.config, found)
        tell_unusable_proxies(loaded.environ, found)
    findings = found.all()
    errors = sum(finding.severity == "error" for finding in findings)
    return Report(
        errors=errors,
        warnings=len(findings) - errors,
        findings=findings,
        serves=None if loaded.config is None else serves,
    )


def read_nodes(path: Path, process_environ: Mapping[str, str]) -> Table:
    """The file and all that it includes, as it is written."""
    findings = Findings()
    environ = read_dotenv(process_environ, findings, path.parent, Path.cwd())
    return Gathered(environ, findings).read(path)


def mend(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Writes better names of keys into the files, each whole or not at all. Returns what was changed."""
    by_file: dict[str, list[Renaming]] = {}
    for change in renamings(read_nodes(path, environ)):
        by_file.setdefault(change.place.file, []).append(change)
    told = []
    for file, changes in by_file.items():
        target = Path(file)
        before = target.read_bytes().decode("utf-8-sig")
        after = renamed(before, changes)
        if after != before:
            write_whole(target, after)
            told += [f"{one.place}: {one.before} is now {one.after}" for one in changes]
    return told


def write_whole(path: Path, text: str) -> None:
    path = path.resolve()  # of a link, what it leads to
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.write_bytes(text.encode())
    shutil.copymode(path, written)
    written.replace(path)


LINK, WORDS_OF_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)"), r"\1"
WORDS = {
    "same": "works the same",
    "better": "works better",
    "nothing": "nothing to change",
    "absent": "not supported",
    "refused": "refused",
}


def table(explained: Sequence[Explained]) -> list[str]:
    """A line for each key, those of one word together."""
    width = min(60, max((len(one.key) for one in explained), default=0))
    lines = []
    for word, title in WORDS.items():
        of_word = [one for one in explained if one.word == word]
        if of_word:
            lines.append(f"{title} ({len(of_word)})")
            lines += [f"  {one.key:<{width}}  {LINK.sub(WORDS_OF_LINK, one.note)}".rstrip() for one in of_word]
    return lines


def _check_database(config: Config, environ: Environment, findings: Findings) -> None:
    """Whether its URL can be used here: nothing is connected to."""
    configured = config.general.database_url
    place = config.database_place or Place("the environment")
    try:
        check_driver(Address.read(Home.of(environ).database_url(configured)))
    except StoreError as error:
        path = "TOLLBRIDGE_DATABASE_URL" if configured is None else "general_settings.database_url"
        findings.error(place, str(error), path)


def _check_mcp_servers(config: Config, environ: Environment, findings: Findings) -> None:
    """Whether a start could make them of what is there: nobody is reached."""
    folder = None if config.source is None else config.source.parent
    for server in config.mcp_servers:
        try:
            made = definition(server, environ, folder=folder)
            if made.command is not None:
                _check_program(made.command, server, environ, findings)
            if made.address is not None:
                signing(server, made.address.origin, InProcess(offline()), environ, configured=True)
        except ConfigError as error:
            where, told = _placed(str(error), server)
            findings.error(where, told)


def _check_program(command: Command, server: McpServer, environ: Environment, findings: Findings) -> None:
    """Whether there is such a program here. A relative path is one from where the server is started."""
    name = command.command
    if os.path.dirname(name) and not os.path.isabs(name):
        return
    place = server.places.get("command", Place.read(server.where))
    if findings.told(place):  # arguments stand in it, say
        return
    if shutil.which(name, path=command.env.get("PATH") or environ.get("PATH")) is None:
        where = "no file that can be run" if os.path.isabs(name) else "no program of this name on PATH"
        findings.warning(place, f"there is {where} here: the server cannot be started", f"mcp_servers.{server.name}")


def _placed(told: str, server: McpServer) -> tuple[Place, str]:
    """What is told of a server: where, and what."""
    for place in (*server.places.values(), Place.read(server.where)):
        if told.startswith(f"{place}: "):
            return place, told.removeprefix(f"{place}: ")
    return Place.read(server.where), told


def outlook(config: Config, environ: Environment, findings: Findings) -> Outlook:
    """What a start would serve. Deployments that cannot be made join the findings."""
    if config.source is None:
        return Outlook(models=[Served(f"{DEMO.name}/*", [f"{DEMO.name}/*"]), *_of_environment(environ, findings)])
    try:
        rows = provider_rows(config)
    except ConfigError:  # it stands among the findings, with its place
        rows = ROWS
    maker = Maker(config, environ, rows, ByHost({}, InProcess(offline())))
    maker.groups()
    found = misgivings(maker)
    for one in found:
        findings.warning(one.entry.where, one.message)
    idle = {one.entry.id for one in found if not one.serves}
    unpriced = {entry.id for one in found if one.serves for entry in (one.entry, *one.also)}
    groups: dict[str, Served] = {}
    for entry in config.models:
        group = groups.setdefault(entry.model_name, Served(entry.model_name))
        out = entry.disabled is not None or entry.id in idle
        (group.disabled if out else group.deployments).append(entry.model)
        if entry.id in unpriced:
            group.unpriced.append(entry.model)
    router, names = config.router, names_of(config.models)
    aliases = {name: alias.model for name, alias in router.aliases.items() if names.known(alias.model)}
    names = names.with_aliases(aliases)
    return Outlook(
        models=list(groups.values()),
        aliases=aliases,
        fallbacks=_in_stead(router.fallbacks, names),
        context_window_fallbacks=_in_stead(router.context_window_fallbacks, names),
        content_policy_fallbacks=_in_stead(router.content_policy_fallbacks, names),
        default_fallbacks=[name for name in router.default_fallbacks if names.known(name)],
        providers=[str(row.get("name", "")) for row in config.providers],
        mcp_servers=[_mcp_served(server) for server in config.mcp_servers],
    )


def _in_stead(fallbacks: Mapping[str, Sequence[str]], names: Names) -> Mapping[str, Sequence[str]]:
    """Without those who are no models, of which the findings tell."""
    told = {
        name: [target for target in targets if names.known(target)]
        for name, targets in fallbacks.items()
        if name == "*" or names.known(name)
    }
    return {name: targets for name, targets in told.items() if targets}


def _of_environment(environ: Environment, findings: Findings) -> Iterator[Served]:
    """The providers that the environment is enough for. Those whose library is missing join the findings."""
    for row in available(environ, ROWS):
        name = f"{row.name}/*"
        try:
            resolve("any", custom_llm_provider=row.name, environ=environ, rows=ROWS)
        except APIError as error:
            if error.code == MISSING:
                findings.warning(Place("the environment"), f"{name} does not serve: {error.message}")
                yield Served(name, disabled=[name])
                continue
        if row.name != DEMO.name:
            yield Served(name, [name])
    for one in half_set_up(environ, ROWS):
        findings.warning(Place("the environment"), one.told())


def excerpts(findings: Sequence[Finding]) -> list[str]:
    """Each finding, and the line it is about with a mark below its column. Secrets in the line are masked."""
    lines: list[str] = []
    sources: dict[str, list[str]] = {}
    for finding in findings:
        lines.append(str(finding))
        if finding.file not in sources:
            sources[finding.file] = _source(finding.file)
        source = sources[finding.file]
        if finding.line <= len(source) and source[finding.line - 1].strip():
            shown, column = window(source[finding.line - 1].replace("\t", " ").rstrip(), finding.column)
            lines += [f"{finding.line:>6} | {shown}", f"{'':>6} | {' ' * column}^"]
    return lines


def window(line: str, column: int) -> tuple[str, int]:
    """The part of a line around a column (from 1), without its secrets, and where in that part the column is (from
    0)."""
    masked = mask_line(line)
    at = len(mask_line(line[: column - 1])) if masked != line else column - 1
    at = min(at, len(masked))
    if len(masked) <= LINE_MAX:
        return masked, at
    start = max(0, min(at - LINE_MAX // 2, len(masked) - LINE_MAX))
    before, after = "..." if start else "", "..." if start + LINE_MAX < len(masked) else ""
    return f"{before}{masked[start : start + LINE_MAX]}{after}", at - start + len(before)


def _source(file: str) -> list[str]:
    try:
        return Path(file).read_text("utf-8", "replace").split("\n")
    except (OSError, ValueError):
        return []


def summary(path: Path | None, report: Report) -> list[str]:
    """The last lines: how much was found, and who would be served."""
    named = "the environment" if path is None else str(path)
    counted = f"{named}: {_counted(report.errors, 'error')}, {_counted(report.warnings, 'warning')}"
    serves = report.serves
    if serves is None or report.errors:
        return [f"{counted}; nothing is served before the errors are mended"]
    if not serves.models:
        return [counted, "would serve no model: there is no model_list", *_over_mcp(serves)]
    width = min(40, max(len(model.name) for model in serves.models))
    return [
        counted,
        "would serve",
        *(f"  {model.name:<{width}}  {_behind(model)}" for model in serves.models),
        *(f"  {name} = {target}" for name, target in serves.aliases.items()),
        *(f"  {name}, when it fails: {', '.join(targets)}" for name, targets in serves.fallbacks.items()),
        *([f"  all, when they fail: {', '.join(serves.default_fallbacks)}"] if serves.default_fallbacks else []),
        *_over_mcp(serves),
    ]


def _over_mcp(serves: Outlook) -> list[str]:
    if not serves.mcp_servers:
        return []
    width = min(40, max(len(server.name) for server in serves.mcp_servers))
    return ["would serve at /mcp", *(f"  {server.name:<{width}}  {server.at}" for server in serves.mcp_servers)]


def _mcp_served(server: McpServer) -> McpServed:
    at = f"{server.command} ..." if server.url is None else mask(server.url.reveal())
    return McpServed(server.name, at, server.groups)


def _behind(model: Served) -> str:
    told = ", ".join(dict.fromkeys(model.deployments)) or "nobody"
    if len(model.deployments) > 1:
        told += f" ({len(model.deployments)} deployments)"
    if model.unpriced:
        told += f"; no price is known for {', '.join(dict.fromkeys(model.unpriced))}"
    return f"{told}; disabled: {', '.join(model.disabled)}" if model.disabled else told


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
