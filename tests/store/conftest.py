"""The databases that the tests of this room run on."""

from tests.databases import database, database_url, empty_database_url

__all__ = ["database", "database_url", "empty_database_url"]
