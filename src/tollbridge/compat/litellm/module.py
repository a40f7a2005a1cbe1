"""The modules that `import litellm` gives. A name is looked up when it is used, so that the import itself is quick."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

from tollbridge.catalog.near import did_you_mean
from tollbridge.compat.litellm import unbuilt
from tollbridge.compat.litellm.absent import Absent
from tollbridge.compat.litellm.modules import ALIASES, MODULES
from tollbridge.compat.litellm.names import NAMES
from tollbridge.compat.litellm.settings import SETTINGS, Settings

ROOT = "litellm"
VERSION = "1.109.1"
"""Whose names these are."""


def named(name: str) -> object:
    """What stands behind one of LiteLLM's names."""
    known = NAMES[name]
    if known.verdict == "absent":
        return Absent(name, known.note)
    return getattr(import_module(known.home), known.there)


class Submodule(ModuleType):
    def __init__(self, name: str, names: Iterable[str]) -> None:
        super().__init__(name, "LiteLLM's names for Tollbridge: see docs/migrating-from-litellm.md.")
        self._names = frozenset(names)
        self.__all__ = sorted(self._names)

    def __getattr__(self, name: str) -> object:
        below = f"{self.__name__}.{name}"
        if below.removeprefix(f"{ROOT}.") in MODULES:  # LiteLLM has imported all of its own
            return import_module(below)
        if name.startswith("__") or (name not in self._names and name not in unbuilt.NAMES):
            raise AttributeError(_unknown(self.__name__, name, self._names))
        found = named(name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._names})


class Litellm(ModuleType):
    """`litellm` itself: names, submodules, and settings."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "Tollbridge under LiteLLM's names: see docs/migrating-from-litellm.md.")
        self._settings = Settings()
        self.__all__ = sorted(name for name in NAMES if not name.startswith("_"))
        self.__version__ = VERSION

    def __getattr__(self, name: str) -> object:
        if name in SETTINGS:
            return self.__dict__["_settings"].get(name)
        if name in NAMES:
            found = self.__dict__[name] = named(name)
            return found
        if name in MODULES or name in ALIASES:
            return import_module(f"{ROOT}.{name}")
        raise AttributeError(_unknown(ROOT, name, [*NAMES, *SETTINGS, *MODULES]))

    def __setattr__(self, name: str, value: Any) -> None:
        """A setting has its effect from now on. A function may be replaced, as tests do. A name that nobody knows is
        an error: setting it would change nothing."""
        if name in SETTINGS:
            self._settings.set(name, value)
        elif name.startswith("_") or name in NAMES or isinstance(value, ModuleType):
            super().__setattr__(name, value)
        else:
            raise AttributeError(_unknown(ROOT, name, [*NAMES, *SETTINGS]))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *NAMES, *SETTINGS, *(name for name in MODULES if "." not in name)})


def _unknown(module: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=2)
    hint = f" {did_you_mean(near)}" if near else ""
    return f"`{module}` has no {name!r} in Tollbridge {metadata.version('tollbridge')}.{hint}"
