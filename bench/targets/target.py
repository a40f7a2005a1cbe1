"""The contract of a target."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Protocol

import msgspec

from bench.scenarios import Scenario


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a target shall live. `scenarios` are all that it will be asked, so that it can write its models down.
    `home`: a state directory that is filled (`bench.stock`), `keys`: those that may ask; for who keeps keys. `models`:
    so many deployments, those of the scenarios among them."""

    port: int
    upstream_port: int
    directory: Path
    workers: int
    home: Path
    keys: tuple[str, ...] = ()
    models: int = 1
    scenarios: tuple[Scenario, ...]


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` go with each request; those of `admin`, who may make keys, with what is asked without accounting.
    `keys` ask in turn."""

    argv: list[str]
    headers: dict[str, str]
    admin: dict[str, str] = {}
    keys: tuple[str, ...] = ()
    env: dict[str, str] = {}
    start_within_s: float = 15.0


class Target(Protocol):
    """`slowness` lengthens saturation and, squared, divides concurrent streams: a hundred answers a second need longer
    to show a figure, and 500 paced streams would only show that the target is overrun."""

    name: str
    about: str
    slowness: int
    accounts: bool
    """It keeps keys and a ledger, in a state directory."""

    def missing(self) -> str | None:
        """Why it cannot run here, in words that say what to install; None when it can."""

    def prepare(self) -> None:
        """Install what may be installed; slow, done once, only for a target that was asked for."""

    def can(self, scenario: Scenario) -> bool: ...

    def launch(self, site: Site) -> Launch:
        """Write its files into the site's directory and say how to start it."""


def new_key() -> str:
    return "sk-bench-" + secrets.token_hex(24)


def cache_directory(name: str) -> Path:
    """Where other people's programs are installed, once for all runs."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "tollbridge-bench" / name
