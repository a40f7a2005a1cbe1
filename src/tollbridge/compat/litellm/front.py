"""This package under its own name, for `from tollbridge.compat import litellm`: the names and settings of `litellm`.

Where a file of the package is called as one of LiteLLM's settings, the attribute is the setting.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

ROOT = "litellm"


class Front(ModuleType):
    @property
    def callbacks(self) -> Any:
        return import_module(ROOT).callbacks

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python itself looks for
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        try:
            litellm = import_module(ROOT)
        except ModuleNotFoundError as error:  # it was taken away again
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from error
        return getattr(litellm, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) or name.startswith("__"):
            self.__dict__[name] = value
        else:
            setattr(import_module(ROOT), name, value)
