"""SQLAlchemy's asynchronous engine without its ORM.

`sqlalchemy.ext.asyncio` imports sessions, and with them the whole ORM: a tenth of a second of each start, and 8 MB of
each process, for nothing that is used here. So its module `engine` is loaded in a package that has not run. The package
is taken away again: whoever imports it after this gets it whole, with this very engine in it.

    from tollbridge.store.core_only import AsyncConnection, AsyncEngine, create_async_engine
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
else:
    PACKAGE = "sqlalchemy.ext.asyncio"
    if PACKAGE in sys.modules:
        _engine = import_module(f"{PACKAGE}.engine")
    else:
        sys.modules[PACKAGE] = module_from_spec(find_spec(PACKAGE))
        try:
            _engine = import_module(f"{PACKAGE}.engine")
        finally:
            del sys.modules[PACKAGE]
    AsyncConnection, AsyncEngine = _engine.AsyncConnection, _engine.AsyncEngine
    create_async_engine = _engine.create_async_engine

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
