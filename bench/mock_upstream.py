"""A mock provider that speaks OpenAI chat and Responses and Anthropic Messages, as JSON and as SSE.

    python -m bench.mock_upstream --port 0                  prints its port
    python -m bench.mock_upstream --port 0 --tls DIRECTORY  the same over TLS; DIRECTORY/cert.pem is its certificate

`bench.mock.script` says how a request is told what shall happen to it. What happened is readable:

    GET  /__bill       what it would charge, line by line (by the id of the answer) and in sum
    GET  /__stats      requests, refused, cancelled, bytes, open connections
    GET  /__captures   the last requests as they came
    POST /__script     {"model": "m", "steps": ["status=429", ""], "always": "delay_ms=20"}
    POST /__reset      forget all of it

In a test, in process: `async with serving() as mock: ... mock.port, mock.provider.books`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from bench.mock.connection import Connection
from bench.mock.provider import Provider

OPENSSL = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {}/key.pem -out {}/cert.pem"
)


class Mock(msgspec.Struct, frozen=True):
    provider: Provider
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"


def tls_context(directory: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own for 127.0.0.1 and localhost, made there if it is missing."""
    if not (directory / "cert.pem").exists():
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run([word.format(directory) for word in OPENSSL.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    return context


@asynccontextmanager
async def serving(
    provider: Provider | None = None, port: int = 0, host: str = "127.0.0.1", tls: Path | None = None
) -> AsyncIterator[Mock]:
    """Listen until the block ends; then every connection is closed."""
    desk = provider or Provider()
    context = tls_context(tls) if tls else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(desk), host, port, ssl=context, backlog=2048)
    try:
        yield Mock(desk, server.sockets[0].getsockname()[1], tls is not None)
    finally:
        server.close()
        for transport in list(desk.connections):
            transport.abort()
        await server.wait_closed()


async def serve(arguments: argparse.Namespace) -> None:
    provider = Provider(arguments.keep, arguments.captures, marks=arguments.marks)
    for alias in arguments.model:
        name, _, script = alias.partition("=")
        provider.order(name, always=script)
    async with serving(provider, arguments.port, arguments.host, arguments.tls) as mock:
        print(mock.port, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", type=Path, metavar="DIRECTORY", help="speak TLS; the certificate is made here")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=SCRIPT", help="what a model does")
    parser.add_argument("--keep", type=int, default=100_000, help="lines of the bill that are kept (sums are exact)")
    parser.add_argument("--captures", type=int, default=64, help="requests that are kept")
    parser.add_argument("--marks", action="store_true", help="`mark-WORD` in a prompt stands on the bill")
    arguments = parser.parse_args()
    gc.freeze()
    gc.set_threshold(50_000)  # requests leave no cycles
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        try:
            runner.run(serve(arguments))
        except KeyboardInterrupt:
            sys.exit(0)


def fast_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed."""
    try:
        import uvloop  # optional: absent on Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
