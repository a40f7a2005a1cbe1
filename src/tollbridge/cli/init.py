"""`tollbridge init`: a commented config.yaml for the providers whose variables are set. No secret is written, only the
name of the variable that holds it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.gateway import provider_rows
from tollbridge.assemble.misgivings import misgivings
from tollbridge.assemble.offline import offline
from tollbridge.cli.ending import FAILED, end
from tollbridge.cli.indented import indented
from tollbridge.config.environment import read_dotenv
from tollbridge.config.findings import Findings
from tollbridge.config.load import load_value
from tollbridge.config.settings import Config
from tollbridge.errors import ConfigError
from tollbridge.providers.ready import available, half_set_up
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.transport.inprocess import ByHost, InProcess

MODE = 0o600
HEAD = """\
# Tollbridge's configuration, in LiteLLM's format.
#
#   tollbridge check {file}            says what is wrong with it, and what it would serve
#   tollbridge serve {file}            serves it on http://127.0.0.1:4000
#
# No secret stands here: os.environ/NAME is read from the environment, or from .env beside this file.

# What clients ask for -> who answers. Entries with the same model_name share its requests.
model_list:
"""
OFFLINE = """\
  # Answers without a key and without a network: to see the whole path with.
  - model_name: "demo/*"
    litellm_params:
      model: "demo/*"
"""
NONE_FOUND = """\

  # No provider's variable was set when this was written. With a key it is three lines:
  # - model_name: "anthropic/*" # every model of the provider; or one name of your own, such as claude
  #   litellm_params:
  #     model: "anthropic/*" # then anthropic/claude-sonnet-4-5
  #     api_key: os.environ/ANTHROPIC_API_KEY
"""
TAIL = """
router_settings:
  num_retries: 2 # more attempts after one that failed in a way that may pass
  # fallbacks: [{"anthropic/claude-sonnet-4-5": ["openai/gpt-4.1"]}]
  # model_group_alias: {gpt-4o: "openai/gpt-4.1"} # a name that programs already use

# general_settings:
#   master_key: os.environ/TOLLBRIDGE_MASTER_KEY # absent: one is made at the first start, and kept in ~/.tollbridge
#   database_url: os.environ/DATABASE_URL # absent: SQLite in ~/.tollbridge

# MCP servers, served at /mcp; `tollbridge mcp add` writes them here, `mcp import` takes over another client's.
# mcp_servers:
#   time:
#     command: uvx
#     args: [mcp-server-time]
"""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints; this shape is kept. `providers`: by name, the variables that each is found by."""

    file: str
    providers: Mapping[str, Sequence[str]]


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("config.yaml"))
@click.option("--force", is_flag=True, help="Write it also where there is such a file, whose content is then gone.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written where, as JSON.")
def init(file: Path, force: bool, as_json: bool) -> None:
    """Write a commented config.yaml for the providers whose variables are set, here or in .env; for the offline demo
    model in any case. FILE may be `-`: then it is printed.

    No key is written, only the name of the variable that holds it.

    Exit codes: 0 written, 1 there is such a file already, 2 it cannot be written.

    \b
    Example:
      tollbridge init
      tollbridge init team.yaml --force
      tollbridge init - > config.yaml
    """
    environ = read_dotenv(os.environ, Findings(), Path.cwd())
    rows = sorted((row for row in available(environ, ROWS) if row.name != DEMO.name), key=lambda row: row.name)
    found = {row.name: variables(row, environ) for row in rows}
    name = "config.yaml" if str(file) == "-" else str(file)
    lacking = [one.row for one in half_set_up(environ, ROWS)]
    text = configuration(sorted((*rows, *lacking), key=lambda row: row.name), environ, name)
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    _write(file, text, force)
    if as_json:
        told = Begun(file=str(file), providers=found)
        click.echo(indented(told))
        return
    if lacking:
        names = ", ".join(row.name for row in lacking)
        click.echo(f"Of {names} something is missing beside the key: why is a comment there.", err=True)
    served = ", ".join(f"{provider}/*" for provider in ("demo", *found))
    click.echo(f"{file} is written, for {served}.")
    if not found:
        click.echo("No provider's variable is set; `tollbridge providers` lists them.")
    click.echo(f"Next: tollbridge check {file}, tollbridge serve {file}")


def configuration(rows: Sequence[Provider], environ: Mapping[str, str], file: str) -> str:
    """One that `check` has nothing to say about: what would not serve as it is, is written as a comment, with why."""
    entries = {f"{row.name}/*": _entry(row, environ) for row in rows}
    why = _idle(rows, environ)
    written = "".join(text if name not in why else _commented(text, why[name]) for name, text in entries.items())
    return HEAD.format(file=file) + OFFLINE + (written or NONE_FOUND) + TAIL


def _idle(rows: Sequence[Provider], environ: Mapping[str, str]) -> Mapping[str, str]:
    """By the name of an entry: why it would not serve."""
    models = [{"model_name": f"{row.name}/*", "litellm_params": {"model": f"{row.name}/*"}} for row in rows]
    config = load_value({"model_list": models}, environ, "init").config or Config()
    maker = Maker(config, environ, provider_rows(config), ByHost({}, InProcess(offline())))
    maker.groups()
    found = misgivings(maker)
    return {one.entry.model_name: one.message for one in found if not one.serves}


def _commented(entry: str, why: str) -> str:
    lines = entry.strip("\n").split("\n")
    told = f"  # {why[0].upper()}{why[1:]}"
    return "\n" + "\n".join([lines[0], told, *(f"  # {line[2:]}" for line in lines[1:])]) + "\n"


def variables(row: Provider, environ: Mapping[str, str]) -> list[str]:
    """Those that are set, of the ones that it reads."""
    return [name for name in (*row.key_env, *row.token_env, *row.base_env) if environ.get(name)]


def _entry(row: Provider, environ: Mapping[str, str]) -> str:
    known = variables(row, environ)
    key = next((name for name in row.key_env if environ.get(name)), None)
    base = next((name for name in row.base_env if environ.get(name)), None)
    lines = [
        f"  # {row.name}: {'found by ' + ', '.join(known) if known else 'its credentials are those of this machine'}",
        f'  - model_name: "{row.name}/*"',
        "    litellm_params:",
        f'      model: "{row.name}/*"',
    ]
    if key is not None:
        lines.append(f"      api_key: os.environ/{key}")
    if base is not None:
        lines.append(f"      api_base: os.environ/{base}")
    return "\n" + "\n".join(lines) + "\n"


def _write(file: Path, text: str, force: bool) -> None:
    """Ends the process where it is not done."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with os.fdopen(os.open(file, flags, MODE), "w", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        click.echo(f"error: {file} is there already: name another file, or say --force.", err=True)
        sys.exit(FAILED)
    except OSError as error:
        end(ConfigError(f"{file} cannot be written: {error.strerror or error}."))
