"""Brings a database to the newest version of the schema. Imported only where it is not there yet."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def migrate(connection: Connection) -> None:
    """Within the transaction that `connection` is in, whole or not at all: both databases can undo a change of
    their tables."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("tollbridge.store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
