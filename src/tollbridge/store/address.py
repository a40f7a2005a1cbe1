"""Where a database is: `sqlite:////path` or `postgresql://user:password@host/name`. Shown without its password."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tollbridge.errors import StoreError

NO_DRIVER = "PostgreSQL needs a driver: pip install 'tollbridge[pg]'."
Dialect = Literal["sqlite", "postgresql"]

_POSTGRESQL = ("postgresql", "postgres")
_TAKEN = frozenset({"host", "port", "sslmode", "application_name", "options"})
"""Of a PostgreSQL URL's query: the words of libpq that reach the server."""


class Address(msgspec.Struct, frozen=True):
    """`engine_url`: with SQLAlchemy's driver. `connect`: arguments of the driver's `connect`. `file`: SQLite's."""

    dialect: Dialect
    name: str
    engine_url: URL
    connect: Mapping[str, Any] = {}
    file: Path | None = None

    @classmethod
    def read(cls, url: str) -> Address:
        """Raises StoreError where it is none that can be used."""
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
            raise StoreError("The database's URL cannot be read; write sqlite:////path or postgresql://...") from error
        if parsed.drivername == "sqlite":
            return cls._sqlite(parsed)
        if parsed.drivername in _POSTGRESQL:
            return cls._postgresql(parsed)
        raise StoreError(
            f"{parsed.drivername}:// is no database that can be used; write sqlite:////path or postgresql://..."
        )

    @classmethod
    def _sqlite(cls, url: URL) -> Address:
        if not url.database or url.database == ":memory:" or url.query or url.host:
            raise StoreError("A SQLite database is a file: sqlite:////absolute/path/tollbridge.db, without a query.")
        file = Path(url.database).expanduser().absolute()
        return cls("sqlite", str(file), URL.create("sqlite+aiosqlite", database=str(file)), file=file)

    @classmethod
    def _postgresql(cls, url: URL) -> Address:
        unknown = sorted(set(url.query) - _TAKEN)
        if unknown:
            raise StoreError(
                f"The database's URL says {', '.join(unknown)}, which is not known here; take it out. "
                f"Known are {', '.join(sorted(_TAKEN))}."
            )
        query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
        connect: dict[str, Any] = {}
        if "sslmode" in query:
            connect["ssl"] = query.pop("sslmode")
        settings = {name: query.pop(name) for name in ("application_name", "options") if name in query}
        connect["server_settings"] = {"application_name": "tollbridge", **settings}
        engine_url = url.set(drivername="postgresql+asyncpg", query=query)
        name = url.set(query={}).render_as_string(hide_password=True)
        return cls("postgresql", name, engine_url, connect)


def check_driver(address: Address) -> None:
    """Raises StoreError where it is not installed."""
    if address.dialect == "postgresql" and find_spec("asyncpg") is None:
        raise StoreError(NO_DRIVER)
