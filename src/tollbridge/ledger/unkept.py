"""A journal that keeps nothing: for a gateway that was assembled without a place for its accounts, as in tests."""

from __future__ import annotations

from tollbridge.observe import Record


class Unkept:
    failing = ""

    def check(self) -> None:
        """Nothing can be in the way."""

    def append(self, record: Record) -> None:
        """Forgotten."""
