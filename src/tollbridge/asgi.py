"""The whole gateway as an ASGI application, for a server of one's own choice:

    TOLLBRIDGE_CONFIG=config.yaml uvicorn --factory tollbridge.asgi:create --http httptools --no-proxy-headers

The environment says what the command line says to `tollbridge serve`: TOLLBRIDGE_CONFIG is the file (absent: none),
TOLLBRIDGE_LOG the request log (a file, "none", or "-" for stderr). Address, TLS, workers, framing and timeouts of
connections are that server's; it alone knows where it listens, so that nothing is ever open without a key.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from tollbridge.assemble.gateway import limits
from tollbridge.cli.process import application, forwarding
from tollbridge.cli.serve import locked_door, read_config
from tollbridge.home import Home
from tollbridge.server.as_asgi import AsAsgi


def create() -> AsAsgi:
    """One application for one process and one event loop; call it after a fork. Raises ConfigError, after it told
    stderr what is wrong with the configuration."""
    named = os.environ.get("TOLLBRIDGE_CONFIG")
    config, environ = read_config(Path(named) if named else None, os.environ, is_open=False)
    home = Home.of(environ)
    door = locked_door(config, environ, home)
    stack = contextlib.ExitStack()
    log = os.environ.get("TOLLBRIDGE_LOG") or "-"
    app, assembled, accounts = stack.enter_context(application(config, environ, home, door.authenticator, log))
    for problem in assembled.problems:
        print(problem, file=sys.stderr)
    print(f"Tollbridge under ASGI  key {door.key.text}", file=sys.stderr)
    door.shown()

    async def startup() -> None:
        accounts.start()

    async def shutdown() -> None:
        await assembled.gateway.engine.transport.close()
        await assembled.mcp.close()
        await accounts.stop()
        stack.close()

    return AsAsgi(
        app,
        limits=limits(config),
        forwarding=forwarding(config),
        root_path=config.general.root_path,
        startup=startup,
        shutdown=shutdown,
    )
