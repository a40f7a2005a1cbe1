"""What was settled in this process and is not in the database yet, by entry, of one key.

An entry may also come to the database before it is settled, where the last bytes of an answer take long. It is counted
then, and no more when it is settled.
"""

from __future__ import annotations

from collections.abc import Iterator

SINGLE_MAX = 256
"""While the database is away entries are many. Of more than this the older half is kept as one sum, which counts as the
latest of its entries does."""


class Unfolded:
    """`early`: entries that came to the database before they were settled."""

    __slots__ = ("_costs", "_older", "_until", "early")

    def __init__(self) -> None:
        self._costs: dict[str, int] = {}
        self._older = 0
        self._until = ""
        self.early: set[str] = set()

    def settled(self, id: str, cost: int) -> bool:
        """False where it is in the database already, and was counted."""
        if id in self.early:
            self.early.discard(id)
            return False
        self._costs[id] = cost
        if len(self._costs) > SINGLE_MAX:
            self._merge()
        return True

    def folded(self, id: str, cost: int) -> bool:
        """False where it was not settled before, and is to be counted."""
        if self._costs.pop(id, None) is None:
            if not self._older or id > self._until:
                self.early.add(id)
                return False
            self._older = max(0, self._older - cost)
        return True

    def all_settled(self) -> None:
        """Nothing is under way that could be settled yet."""
        self.early.clear()

    def __bool__(self) -> bool:
        return bool(self._costs or self._older)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Ids and costs, the oldest first."""
        if self._older:
            yield self._until, self._older
        yield from sorted(self._costs.items())

    def _merge(self) -> None:
        for id in sorted(self._costs)[: SINGLE_MAX // 2]:
            self._older += self._costs.pop(id)
            self._until = max(self._until, id)
