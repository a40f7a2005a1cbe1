"""Whether what is read of a key's spend is of one moment with what the book was told.

A fold adds entries to the rows of their keys and only then tells the book. A row that is read between the two has them,
and the book believes that it has not: they would count twice. So a row is believed only where no fold was under way
when it was read, from the question to the answer:

    mark = await folding.rest()        none is under way
    key = await store.get(id)
    folding.rested_since(mark)         and none began

`begins` is called on the folder's thread, the rest on the loop that serves.
"""

from __future__ import annotations

import asyncio

REST_S = 2.0
"""So long it is waited for. A fold that takes longer waits for a database that does not answer."""


class Folding:
    def __init__(self) -> None:
        self._begun = self._told = 0
        self._stuck = False
        self._waiting: list[asyncio.Future[None]] = []

    def begins(self) -> None:
        """Entries are about to be counted, perhaps not for the first time."""
        self._begun += 1

    @property
    def begun(self) -> int:
        """What `told` is told of the fold that ends."""
        return self._begun

    def told(self, fold: int) -> None:
        """The book knows of everything up to this fold."""
        self._told, self._stuck = fold, False
        if fold == self._begun:
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)
            self._waiting.clear()

    async def rest(self) -> int:
        """Returns where no fold is under way, or is stuck: then nothing has rested since."""
        if self._told != self._begun and not self._stuck:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            done, _ = await asyncio.wait((waiting,), timeout=REST_S)
            self._stuck = not done
        return self._told

    def rested_since(self, mark: int) -> bool:
        return mark == self._told == self._begun

    @property
    def stuck(self) -> bool:
        """A fold lasts too long to be waited for."""
        return self._stuck
