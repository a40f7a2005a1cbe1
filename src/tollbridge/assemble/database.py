"""Where the database is: as the configuration says, else the environment, else SQLite in the state directory."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.config.settings import Config
from tollbridge.home import Home

URL_VARIABLE = "TOLLBRIDGE_DATABASE_URL"


def database_url(config: Config, environ: Mapping[str, str], home: Home) -> str:
    """Holds a password where PostgreSQL's does: not to be shown."""
    if config.general.database_url is not None:
        return config.general.database_url.reveal()
    return environ.get(URL_VARIABLE) or home.database_url()
