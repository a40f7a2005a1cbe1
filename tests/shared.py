"""Where other people's data lies, beside the repository: read at test time, never copied.

A clone without it runs everything else: what asks for a file of it is skipped, and says so. In CI it is always there.
TOLLBRIDGE_RECORDINGS is a directory with other recordings, for `tests.wires.all_laws`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

_PLACE = (Path(__file__).resolve().parents[1] / "../shared").resolve()


class _Beside(type(Path())):  # type: ignore[misc]  # the concrete class is not known to the checker
    def __truediv__(self, name: str) -> Path:
        if not _PLACE.exists():
            pytest.skip("needs ../shared, other people's data beside the repository", allow_module_level=True)
        return Path(str(self), name)


SHARED: Path = _Beside(_PLACE)


@cache
def index() -> list[dict[str, Any]]:
    """The list of all recorded exchanges; see ../shared/recordings/README.md."""
    entries: list[dict[str, Any]] = msgspec.json.decode((_recordings() / "INDEX.json").read_bytes())
    return entries


def _recordings() -> Path:
    others = os.environ.get("TOLLBRIDGE_RECORDINGS")
    return Path(others) if others else SHARED / "recordings"


def recordings(*, provider: str | None = None, endpoints: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Each recorded exchange of a provider (None: all) and of these endpoints (none given: all)."""
    for entry in index():
        if provider is not None and entry["provider"] != provider:
            continue
        if endpoints and entry["endpoint"] not in endpoints:
            continue
        yield msgspec.json.decode((_recordings() / entry["file"]).read_bytes())
