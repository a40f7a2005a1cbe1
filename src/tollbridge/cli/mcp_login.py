"""`tollbridge mcp login`, `logout` and `logins`: signing in at MCP servers, through a gateway that runs, or by its
configuration and database alone.

The answer of the authorization server comes to a port of this machine, which listens for it alone and as long; it is
handed to the gateway, which keeps the token, or kept here as the gateway would keep it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import webbrowser
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import click

from tollbridge.cli import mcp_lines
from tollbridge.cli.ending import errors_told
from tollbridge.cli.gateway import KEY_VARIABLE, URL_VARIABLE
from tollbridge.cli.mcp_desk import Signing, local, remote
from tollbridge.errors import APIError, ConfigError
from tollbridge.mcp.oauth.pages import headers, page
from tollbridge.model.json import JsonObject

PORT = 8976
WAIT_S = 300.0
HEAD_BYTES_MAX = 16 * 1024


def asked(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which gateway."""
    command = click.option(
        "--config", type=click.Path(path_type=Path), help="A configuration: no gateway needs to run; as its admin."
    )(command)
    command = click.option("--key", help=f"Its key; else ${KEY_VARIABLE}, else, on this machine, the admin's.")(command)
    return click.option("--url", help=f"A gateway that runs; else ${URL_VARIABLE}, else http://127.0.0.1:4000.")(
        command
    )


def desk_of(config: Path | None, url: str | None, key: str | None) -> AbstractAsyncContextManager[Signing]:
    """Raises ConfigError."""
    if config is None:
        return remote(url, key)
    if url is not None or key is not None:
        raise ConfigError("Either --config, or --url and --key.")
    return local(config, kept=True)


@click.command()
@click.argument("server")
@click.option("--port", default=PORT, show_default=True, help="Of this machine, where the answer comes; 0 for any.")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@asked
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def login(
    server: str, port: int, no_browser: bool, url: str | None, key: str | None, config: Path | None, as_json: bool
) -> None:
    """Sign in at SERVER, for the key: its token is kept by the gateway, and used for that key alone. The admin signs in
    for everybody where the configuration says `sign_in: shared`. With --config it is the admin who signs in.

    Exit codes: 0 signed in, 1 it came to nothing, 2 the gateway's address cannot be used.

    Example: tollbridge mcp login github --url https://gateway.example --key sk-...
    """

    def show(there: str) -> None:
        click.echo(f"Sign in here:\n  {there}", err=True)
        if not no_browser:
            webbrowser.open(there)

    with errors_told():
        name = asyncio.run(_login(server, port, desk_of(config, url, key), show))
    click.echo(json.dumps({"server": name, "signed_in": True}) if as_json else f"signed in at {name}")


@click.command()
@click.argument("server")
@asked
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def logout(server: str, url: str | None, key: str | None, config: Path | None, as_json: bool) -> None:
    """Sign out at SERVER: the gateway forgets the key's token, and gives it back where the server takes it.

    Exit codes: 0 signed out, 1 nobody was signed in, or the gateway does not answer.

    Example: tollbridge mcp logout github
    """

    async def signed_out() -> bool:
        async with desk_of(config, url, key) as desk:
            return await desk.sign_out(server)

    with errors_told():
        gone = asyncio.run(signed_out())
    if as_json:
        click.echo(json.dumps({"server": server, "signed_out": gone}))
    else:
        click.echo(f"signed out at {server}" if gone else f"nobody was signed in at {server}")
    sys.exit(0 if gone else 1)


@click.command()
@asked
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def logins(url: str | None, key: str | None, config: Path | None, as_json: bool) -> None:
    """List where the key is signed in; for the admin, who is signed in where.

    Exit codes: 0 done, 1 the gateway does not answer.

    Example: tollbridge mcp logins
    """

    async def found() -> list[JsonObject]:
        async with desk_of(config, url, key) as desk:
            return await desk.sign_ins()

    with errors_told():
        listed = asyncio.run(found())
    if as_json:
        click.echo(json.dumps(listed, indent=2))
    else:
        click.echo(mcp_lines.logins(listed))


async def _login(
    server: str, port: int, opening: AbstractAsyncContextManager[Signing], show: Callable[[str], None]
) -> str:
    """The server's name. Raises APIError, ConfigError."""
    answered: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    begun: JsonObject = {}

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            target = line.decode("latin-1").split(" ")[1] if line.count(b" ") == 2 else "/"
            while (await reader.readline()).strip():
                pass
            said = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
            if said.get("state", "") == begun.get("state") and not answered.done():
                answered.set_result(said)
            shown = page("Go back to the terminal", ["It says whether you are signed in. You may close this page."])
            head = b"".join(b"%b: %b\r\n" % pair for pair in headers())
            writer.write(b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\nconnection: close\r\n\r\n" % (head, len(shown)))
            writer.write(shown)
            await writer.drain()
        finally:
            writer.close()

    try:
        listener = await asyncio.start_server(listen, "127.0.0.1", port, limit=HEAD_BYTES_MAX)
    except OSError as error:
        raise APIError(f"Port {port} of this machine is taken: name another with --port.") from error
    async with listener, opening as desk:
        here = listener.sockets[0].getsockname()[1]
        begun |= await desk.begin_sign_in(server, f"http://127.0.0.1:{here}/callback")
        show(str(begun["authorization_url"]))
        try:
            said = await asyncio.wait_for(answered, WAIT_S)
        except TimeoutError as error:
            raise APIError("Nobody signed in within five minutes.") from error
        told = await desk.finish_sign_in({**said})
    return str(told["server"])
