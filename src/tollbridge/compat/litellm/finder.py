"""How `import litellm` and `import litellm.types.utils` come here.

A finder that stands before all others answers for `litellm` and what is below it, so that an installed one is never
found. The modules are made when they are imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tollbridge.compat.litellm.module import ROOT, Litellm, Submodule
from tollbridge.compat.litellm.modules import ALIASES, MODULES
from tollbridge.errors import NotBuilt

HOME = Path(__file__).parent


class NoSuchModule(ModuleNotFoundError, NotBuilt):
    """A module of LiteLLM's that is not built."""

    def __init__(self, message: str, *, name: str | None = None) -> None:
        ModuleNotFoundError.__init__(self, message, name=name)
        self.message = message


def no_module(name: str) -> NoSuchModule:
    known = ", ".join(sorted(MODULES | ALIASES.keys()))
    return NoSuchModule(f"`{name}` is not built in Tollbridge; there is: {known}.", name=name)


class Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != ROOT and not fullname.startswith(f"{ROOT}."):
            return None
        below = fullname.removeprefix(ROOT).removeprefix(".")
        if below and below not in MODULES and below not in ALIASES:
            raise no_module(fullname)
        spec = ModuleSpec(
            fullname, Made(below), origin=str(HOME / ("modules.py" if below else "__init__.py")), is_package=True
        )
        spec.has_location = True  # programs ask where it is
        return spec


class Made(Loader):
    """`below`: which module of LiteLLM's, "" for itself."""

    def __init__(self, below: str) -> None:
        self._below = below

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Submodule(spec.name, MODULES.get(self._below, ())) if self._below else Litellm(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        home = ALIASES.get(self._below)
        if home is not None:  # one of ours, under this name too
            sys.modules[module.__name__] = import_module(home)


def install() -> None:
    """From now on `litellm` is Tollbridge. Raises ImportError where another one was imported already."""
    present = sys.modules.get(ROOT)
    if present is not None and not isinstance(present, Litellm) and getattr(present, "__file__", None) is not None:
        raise ImportError(
            "`litellm` was imported already, and is another one: import `tollbridge.compat.litellm` before it, or run "
            "`python -m tollbridge.compat.litellm script.py`."
        )
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        for name in [name for name in sys.modules if name == ROOT or name.startswith(f"{ROOT}.")]:
            del sys.modules[name]  # stand-ins that hooks of the server were given
        sys.meta_path.insert(0, Finder())
