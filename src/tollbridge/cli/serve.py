"""`tollbridge serve`: read the configuration, say what is wrong with it, listen."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import click
import msgspec

from tollbridge.assemble.gateway import Assembled
from tollbridge.calls.deployment import Deployment
from tollbridge.cli.ending import FAILED, end
from tollbridge.cli.greeting import ShownKey, greeting
from tollbridge.cli.place import KEY_VARIABLES
from tollbridge.cli.process import Process
from tollbridge.cli.workers import Once, refuse_taken, supervise
from tollbridge.config.environment import read_dotenv
from tollbridge.config.findings import Findings
from tollbridge.config.load import load
from tollbridge.config.master_key import weak_key
from tollbridge.config.mcp import read_said
from tollbridge.config.settings import Config, McpServer
from tollbridge.errors import ConfigError, StoreError
from tollbridge.home import Home
from tollbridge.routing.groups import Group
from tollbridge.server.http.listener import Listener
from tollbridge.server.identify import Authenticator, MasterKey, OpenDoor

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DEMO_MODEL = "demo/hello"
PORT = 4000
PORT_MAX = 65535


class Door(msgspec.Struct, frozen=True):
    """Who is let in, and how the greeting shows the key. `shown`: called when it has."""

    authenticator: Authenticator
    key: ShownKey
    shown: Callable[[], None] = lambda: None


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--config", "-c", "named", type=click.Path(path_type=Path), help="The config.yaml (LiteLLM's format).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", "-p", type=click.IntRange(0, PORT_MAX), default=None, help=f"Default: PORT, or {PORT}.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes on one port.")
@click.option("--local-limits", is_flag=True, help="Needed with --workers: each keeps counts of its own.")
@click.option("--mcp", "mcp", multiple=True, metavar="NAME=COMMAND", help="One more MCP server, started by a command.")
@click.option("--open", "is_open", is_flag=True, help="Ask for no key; on a loopback address only.")
@click.option("--log", default="-", show_default=True, help="Request log: a file, - for stderr, or none.")
@click.option("--detailed_debug", "--detailed-debug", "debug", is_flag=True, help="Log each step, without secrets.")
def serve(
    file: Path | None,
    named: Path | None,
    host: str,
    port: int | None,
    workers: int,
    local_limits: bool,
    mcp: tuple[str, ...],
    is_open: bool,
    log: str,
    debug: bool,
) -> None:
    """Start the gateway. FILE is the same as --config FILE.

    Without a configuration it serves demo/... offline, and every provider whose key is in the environment
    (OPENAI_API_KEY, ANTHROPIC_API_KEY, ...) as provider/model.

    Runs until Ctrl-C, SIGTERM or SIGHUP, and then ends what is under way.

    Exit codes: 0 stopped, 1 failed (a port that is taken, a database that does not answer), 2 what was given cannot be
    used (see `tollbridge check`).

    Example: tollbridge serve config.yaml --port 4000
    """
    try:
        port = _port(os.environ) if port is None else port
        if workers > 1 and not local_limits:
            raise ConfigError(
                f"With --workers {workers} each process counts limits (requests and tokens a minute) for itself, "
                f"so that a key may use up to {workers} times its limits, and hears a second or two later what the "
                "others let it spend of its budget. Add --local-limits where that is fine; keys and the ledger are "
                "shared. Else leave --workers out."
            )
        config, environ = read_config(file or named, os.environ, is_open)
        config = msgspec.structs.replace(config, mcp_servers=(*config.mcp_servers, *map(started, mcp)))
        home = Home.of(environ)
        is_open = is_open or (config.general.open_on_loopback and host in LOOPBACK)
        door = open_door(host) if is_open else locked_door(config, environ, home)
        process = Process(
            config=config,
            environ=environ,
            home=home,
            authenticator=door.authenticator,
            host=host,
            port=port,
            log=log,
            debug=debug or config.settings.verbose,
            reuse_port=workers > 1,
        )
        if workers == 1:
            sys.exit(process.run(partial(greet, door, config.general.public_url)))
        if port == 0:
            raise ConfigError("Several workers need a port by number.")
        refuse_taken(host, port)
        greeting_of_all = partial(greet_worker, Once(), door, config.general.public_url)
        sys.exit(supervise(workers, partial(process.run, greeting_of_all)))
    except (ConfigError, StoreError) as error:
        end(error)
    except OSError as error:
        click.echo(f"error: cannot listen on {host}:{port}: {_why(error)}", err=True)
        sys.exit(FAILED)


def read_config(
    path: Path | None, process_environ: Mapping[str, str], is_open: bool
) -> tuple[Config, Mapping[str, str]]:
    """The configuration and the environment it speaks of. Tells findings on stderr; raises ConfigError on an error."""
    findings = Findings()
    beside = (Path.cwd(),) if path is None else (path.parent, Path.cwd())
    environ = read_dotenv(process_environ, findings, *beside)
    loaded = load(path, environ, open_door=is_open)
    for finding in (*findings.all(), *loaded.findings):
        click.echo(str(finding), err=True)
    if loaded.config is None:
        raise ConfigError(f"{path} cannot be used; see above.")
    return loaded.config, loaded.environ


def started(said: str) -> McpServer:
    """`--mcp`. Raises ConfigError."""
    name, _, command = said.partition("=")
    try:
        words = shlex.split(command)
        server, _ = read_said({"server_name": name, "command": words[0] if words else "", "args": words[1:]})
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"--mcp {name}: write NAME=COMMAND: {error}.") from error
    return msgspec.structs.replace(server, where="--mcp:1:1")


def locked_door(config: Config, environ: Mapping[str, str], home: Home) -> Door:
    """The master key: the configuration's, the environment's, or one made at the first start and kept."""
    header = config.general.key_header_name
    if config.general.master_key is not None:
        weakness = weak_key(config.general.master_key.reveal())
        if weakness is not None:
            raise ConfigError(f"general_settings.master_key is no key to guard a gateway: {weakness}.")
        return Door(MasterKey(config.general.master_key.reveal(), header), _of_file(config.master_key_variable))
    named = next((name for name in KEY_VARIABLES if environ.get(name)), None)
    if named is not None:
        weakness = weak_key(environ[named])
        if weakness is not None:
            raise ConfigError(f"{named} is no key to guard a gateway: {weakness}. Choose a long random one.")
        return Door(MasterKey(environ[named], header), ShownKey.in_variable(named, f"that of ${named}"))
    key, unshown = home.master_key()
    file = home.path / "master_key"
    if unshown:
        shown = ShownKey.plain(key, f"{key}\n          made for this gateway, kept in {file}, not shown again")
        return Door(MasterKey(key, header), shown, home.showed_master_key)
    return Door(MasterKey(key, header), ShownKey.in_file(file))


def _of_file(variable: str | None) -> ShownKey:
    """The configuration's key, by the variable that it names. What is pasted into another terminal finds only what is
    set there: neither a key that stands in the file nor a variable of `.env`."""
    name = variable or KEY_VARIABLES[0]
    if variable is not None and os.environ.get(variable):
        return ShownKey.in_variable(name, f"general_settings.master_key: that of ${name}")
    told = f"general_settings.master_key\n          set {name} to it where you paste what is below"
    return ShownKey.in_variable(name, told)


def open_door(host: str) -> Door:
    if host not in LOOPBACK:
        raise ConfigError(f"--open lets everybody in as the admin: it needs a loopback address, not {host}.")
    click.echo("WARNING: the gateway is open: whoever reaches this loopback address is the admin.", err=True)
    return Door(OpenDoor(), ShownKey.plain("any", "any, or none (open)"))


def greet(door: Door, url: str | None, listener: Listener, assembled: Assembled) -> None:
    for problem in assembled.problems:
        click.echo(problem, err=True)
    groups = assembled.gateway.engine.routes.groups
    names = [name for name in groups.listed() if groups.serves(name)]
    plain = next(
        (name for name in names if "*" not in name and groups.knows(name) and _converses(groups.resolve(name))), None
    )
    model = DEMO_MODEL if plain is None and groups.knows(DEMO_MODEL) else plain or "<model>"
    click.echo(greeting(url or listener.url, door.key, names, model, assembled.mcp.servers))
    door.shown()


def _converses(group: Group[Deployment]) -> bool:
    return any(one.converses for one in group.members)


def greet_worker(once: Once, door: Door, url: str | None, listener: Listener, assembled: Assembled) -> None:
    """One greeting for all: a key that nobody saw yet is shown once."""
    if once.taken():
        greet(door, url, listener, assembled)
    click.echo(f"A worker listens on {listener.url}")


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT", "").strip()
    if not text:
        return PORT
    if not text.isdecimal() or int(text) > PORT_MAX:
        raise ConfigError(f"PORT is {text!r}; a port is a number from 0 to {PORT_MAX}.")
    return int(text)


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "something listens there already; choose another port with --port or the variable PORT."
    return str(error.strerror or error)
