"""What a writer could not say, collected while it writes. Cache marks are counted, and mentioned once."""

from __future__ import annotations

from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field, unsent_marks, unsent_part
from tollbridge.wires.dialects import format_of


class Losses:
    """`whose`: who is told less, as the sentences name them."""

    __slots__ = ("_marks", "_whose", "caveats")

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._marks: list[str] = []
        self.caveats: list[Caveat] = []

    def param(self, name: str, why: str) -> None:
        self.caveats.append(unsent_field(name, why))

    def lacked(self, name: str) -> None:
        self.param(name, "this target lacks it")

    def part(self, where: str, what: str) -> None:
        self.caveats.append(unsent_part(where, what, self._whose))

    def changed(self, name: str, how: str) -> None:
        self._add("approximated", f"$.{name}", f"`{name}`: {how}.")

    def moved(self, where: str, how: str) -> None:
        """As `changed`, of something inside the messages."""
        self._add("approximated", where, f"{how}.")

    def unsigned(self, where: str, what: str, origin: str) -> None:
        made = origin or "somebody else"
        self._add("foreign_signature", where, f"The signature of {what} made by {format_of(made)} is not replayed.")

    def mark(self, where: str) -> None:
        """A cache mark stood here."""
        self._marks.append(where)

    def told(self) -> tuple[Caveat, ...]:
        """All of them, when the writing is done."""
        if self._marks:
            why = f"{self._whose} caches prompts by itself, if at all"
            self.caveats.append(unsent_marks(self._marks[0], len(self._marks), why))
            self._marks = []
        return tuple(self.caveats)

    def _add(self, code: str, where: str, detail: str) -> None:
        self.caveats.append(Caveat(code=code, where=where, detail=detail))
