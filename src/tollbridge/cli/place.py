"""Where a gateway keeps its state, for commands that look into it."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from tollbridge.config.environment import read_dotenv
from tollbridge.config.findings import Findings
from tollbridge.config.load import load
from tollbridge.config.settings import Config
from tollbridge.errors import ConfigError
from tollbridge.home import Home

configured = click.option(
    "--config", "-c", "config", type=click.Path(path_type=Path), help="The config.yaml that names the database."
)


AUDIT = "audit.log"
"""In the state directory: what commands changed."""
KEY_VARIABLES = ("TOLLBRIDGE_MASTER_KEY", "LITELLM_MASTER_KEY")


class Place(msgspec.Struct, frozen=True, eq=False):
    """`database_url` may hold a password. `environ`: with what stands in `.env`."""

    home: Home
    database_url: str
    config: Config
    environ: Mapping[str, str]

    def is_admins(self, key: str) -> bool:
        """It is the key by which a gateway that was started in this place knows its admin."""
        configured = self.config.general.master_key
        known = [self.home.known_master_key(), *(self.environ.get(name) for name in KEY_VARIABLES)]
        known.append(None if configured is None else configured.reveal())
        return any(hmac.compare_digest(key.encode(), one.encode()) for one in known if one)


ADMINS_KEY = "general_settings.master_key"


def place(path: Path | None, *, admin: bool = True) -> Place:
    """As `serve` would find it with the same `--config`. Raises ConfigError; tells findings on stderr.

    `admin`: False where the master key may be missing: a variable that only the gateway has is then no error, and told.
    """
    findings = Findings()
    environ = read_dotenv(os.environ, findings, *([] if path is None else [path.parent]), Path.cwd())
    loaded = load(path, environ, open_door=True)
    config = loaded.config
    wrong = [one for one in loaded.findings if one.severity == "error"]
    if config is None and not admin and all(one.path == ADMINS_KEY for one in wrong):
        config = loaded.draft
        for finding in wrong:
            click.echo(msgspec.structs.replace(finding, severity="warning"), err=True)
    if config is None:
        for finding in loaded.findings:
            click.echo(str(finding), err=True)
        raise ConfigError(f"{path} cannot be used; see above.")
    home = Home.of(loaded.environ)
    return Place(home, home.database_url(config.general.database_url), config, loaded.environ)
