"""A configuration from a text, as tests want it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from tollbridge.config.load import Loaded, load
from tollbridge.config.settings import Config

GOOD_KEY = "sk-Zk3vQ8p1Lw7Tn5Rb2Yx9"


def load_text(directory: Path, text: str, environ: Mapping[str, str] | None = None, **options: Any) -> Loaded:
    file = directory / "config.yaml"
    file.write_text(dedent(text), encoding="utf-8")
    return load(file, environ or {}, **options)


def said(loaded: Loaded) -> list[str]:
    """The findings without the directory."""
    return [str(finding).replace(f"{Path(finding.file).parent}/", "") for finding in loaded.findings]


def config_of(loaded: Loaded) -> Config:
    assert loaded.config is not None, said(loaded)
    return loaded.config
