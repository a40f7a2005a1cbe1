from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sdk.conftest import no_keys as no_keys
from tollbridge.compat.litellm.finder import Finder, install


def _take_away() -> None:
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, Finder)]
    for name in [name for name in sys.modules if name == "litellm" or name.startswith("litellm.")]:
        del sys.modules[name]


@pytest.fixture
def litellm() -> Iterator[Any]:
    """The module as a program gets it, with settings of its own. Other tests do not see it."""
    _take_away()
    install()
    import litellm as module  # type: ignore[import-not-found]

    yield module
    _take_away()


_take_away()  # importing the package installed it
