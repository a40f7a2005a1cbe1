"""One server process: a loop, a listener, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from io import FileIO

import msgspec

from tollbridge.assemble.accounts import Accounts, management
from tollbridge.assemble.gateway import Assembled, assemble, cors, limits
from tollbridge.cli.stopping import Stop, tell
from tollbridge.config.settings import Config
from tollbridge.errors import ConfigError
from tollbridge.home import Home
from tollbridge.observe import Observer, RequestLog
from tollbridge.observe.log_file import LogFile
from tollbridge.observe.masked import LINE, MaskingFormatter
from tollbridge.server.app import App
from tollbridge.server.forwarded import Forwarding
from tollbridge.server.http.listener import Listener, Tls
from tollbridge.server.identify import Authenticator

SETTLE_S = 0.2
"""Answers say `Connection: close` for this long before the socket closes."""

GC_THRESHOLDS = (10_000, 10, 10)
"""A request makes some fifty objects and hardly a cycle: the default (700) looks for garbage every dozen requests,
which cost 1 us of each."""

Greet = Callable[[Listener, Assembled], None]


class Process(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a worker needs to run. `log`: "-" is stderr, "none" writes no request log, else a file to append to."""

    config: Config
    environ: Mapping[str, str]
    home: Home
    authenticator: Authenticator
    host: str
    port: int
    log: str = "-"
    debug: bool = False
    reuse_port: bool = False

    def run(self, greet: Greet, lifeline: int | None = None) -> int:
        """Serves until it is to stop (see `Stop`); the exit status. Raises OSError where the address is taken."""
        logging.basicConfig(level=logging.INFO)
        for handler in logging.getLogger().handlers:
            handler.setFormatter(MaskingFormatter(LINE))
        logging.getLogger("alembic").setLevel(logging.WARNING)  # a migration is told by us
        if self.debug:
            logging.getLogger("tollbridge").setLevel(logging.DEBUG)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(self._serve(greet, lifeline))

    async def _serve(self, greet: Greet, lifeline: int | None) -> int:
        with application(self.config, self.environ, self.home, self.authenticator, self.log) as (
            app,
            assembled,
            accounts,
        ):
            listener = await self._listen(app)
            accounts.start(alone=not self.reuse_port)
            stop = Stop(lifeline)
            greet(listener, assembled)
            gc.freeze()  # unlooked at: there is next to no garbage, and to find that out is a twentieth of a start
            gc.set_threshold(*GC_THRESHOLDS)
            await stop.begun.wait()
            assembled.gateway.load.ready = False
            await self._leave(listener, stop.hurried)
            await assembled.gateway.engine.transport.close()
            await assembled.mcp.close()
            await accounts.stop()
        return 0

    async def _listen(self, app: App) -> Listener:
        general = self.config.general
        tls = general.tls
        return await Listener.open(
            app,
            host=self.host,
            port=self.port,
            limits=limits(self.config),
            forwarding=forwarding(self.config),
            root_path=general.root_path,
            tls=None
            if tls is None
            else Tls(certificate=str(tls.cert), key=str(tls.key), client_ca=str(tls.client_ca or "")),
            reuse_port=self.reuse_port,
        )

    async def _leave(self, listener: Listener, hurried: asyncio.Event) -> None:
        """What is under way finishes within the grace; a second signal ends it at once."""
        grace_s = self.config.general.shutdown_grace_s
        drain = asyncio.ensure_future(listener.drain(grace_s, SETTLE_S))
        hurry = asyncio.ensure_future(hurried.wait())
        if under_way := listener.in_flight:
            what = "1 request" if under_way == 1 else f"{under_way} requests"
            told = f"finishing {what}, for {grace_s:g} s at most (shutdown_grace_s); again to stop at once"
            tell(f"tollbridge: {told}")
        await asyncio.wait({drain, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not drain.done():
            drain.cancel()
            await listener.close()


@contextlib.contextmanager
def application(
    config: Config, environ: Mapping[str, str], home: Home, authenticator: Authenticator, log: str
) -> Iterator[tuple[App, Assembled, Accounts]]:
    """What stands behind a listener, ours or another's, with its request log, its database and its journal open."""
    with contextlib.ExitStack() as stack:
        observers: list[Observer] = []
        lines = None
        if log != "none":
            lines = RequestLog(stack.enter_context(contextlib.closing(_opened(log))))
            stack.callback(lines.close)
            observers.append(lines)
        accounts = Accounts(config, home)
        stack.callback(accounts.close)
        assembled = assemble(config, environ, home, authenticator, observers, accounts)
        if lines is not None:
            lines.show(assembled.gateway.metrics)
        managing = management(accounts, assembled.gateway, lambda: app.served())
        app = App(assembled.gateway, cors(config), (*managing, *assembled.routes()))
        yield app, assembled, accounts


def forwarding(config: Config) -> Forwarding:
    return Forwarding(config.general.trusted_proxies, standard=config.general.forwarded_standard)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it is installed."""
    try:
        import uvloop  # optional: not on Windows
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _opened(log: str) -> FileIO | LogFile:
    if log == "-":
        return open(sys.stderr.fileno(), "ab", buffering=0, closefd=False)
    try:
        return LogFile(log)
    except OSError as error:
        raise ConfigError(f"The request log cannot be written to {log}: {error.strerror or error}.") from error
