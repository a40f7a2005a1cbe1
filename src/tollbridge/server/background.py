"""The responses that run in the background in this process, and how other processes hear of them.

1. What is known of one stands in the database from before its client hears of it, so that each process of the gateway
   can show it. While it runs its process says every `BEAT_S` that it does, and hears what its key cancelled or forgot
   by way of another. Where nothing is heard of one it has failed: its process is no more.
2. What one came to is written down when its task ends; where the database does not take it, at the next beat that it
   does. Until then this process alone knows it.
3. The first thing that is written of how one ended stays. That it has failed because nothing is heard of it is written
   by who notices; should its process be there after all, it hears so and ends it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.asked import asked
from tollbridge.errors import BadRequestError, StoreUnavailable
from tollbridge.model.json import JsonObject
from tollbridge.server.inbound import Responder
from tollbridge.server.keeping import Kept
from tollbridge.server.running import LOST, Running, end_of, failed, too_many
from tollbridge.server.told_again import LAST, NONE_YET, Events, replay
from tollbridge.store.responses import KeptResponse, ResponseStore
from tollbridge.wires.openai_responses.answer import skeleton

BEAT_S = 2.0
SETTLE_S = 10.0
LOOK_S = 0.5
FORGOTTEN = b'{"status":"cancelled"}'
"""What one came to that its key took away."""

_encode = msgspec.json.Encoder().encode
log = logging.getLogger("tollbridge.responses")


class Background:
    """One event loop's."""

    def __init__(self, store: ResponseStore) -> None:
        self._store = store
        self._running: dict[tuple[str, str], Running] = {}
        self._beating: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._running)

    async def begin(
        self, kept: Kept, ask: Ask, client: Responder | None, cancel: Callable[[], None]
    ) -> tuple[Running, bytes]:
        """It, and the response that the client is told at once. Raises StoreUnavailable: what nobody could ask for
        again is not begun."""
        own: JsonObject = {"status": "queued", "previous_response_id": kept.said}
        response: JsonObject = {**skeleton(kept.id, ask.model, ask.created, asked(ask)), **own}
        queued = _encode(response)
        row = KeptResponse(queued, kept.input, kept.previous, events=NONE_YET if ask.stream else b"")
        await self._store.keep(kept.owner, kept.id, row, under_way=True)
        running = self._running[kept.owner, kept.id] = Running(kept, response, client, cancel)
        if self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat())
        return running, queued

    async def over(self, running: Running) -> None:
        """Its task ends."""
        running.end()
        try:
            await self._write(running)
        except StoreUnavailable as error:
            log.warning("What the response %s came to is not written down yet: %s", running.kept.id, error)
        finally:
            running.settle()

    async def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None
        for running in [one for one in self._running.values() if one.ended]:
            try:
                await self._write(running)
            except StoreUnavailable as error:
                log.warning("What the response %s came to is lost with this process: %s", running.kept.id, error)

    # what is told of them

    async def shown(self, owner: str, id: str, kept: KeptResponse) -> bytes:
        """The response, as it is now."""
        running = self._running.get((owner, id))
        if running is not None:
            return running.shown
        if self._store.lost(kept):
            kept = await self._given_up(owner, id, kept)
        if kept.alive_until is None:
            return kept.response
        return _encode({**msgspec.json.decode(kept.response), "status": "in_progress"})

    async def came_to(self, owner: str, id: str, kept: KeptResponse) -> KeptResponse | None:
        """None where it is still under way."""
        running = self._running.get((owner, id))
        if running is None and self._store.lost(kept):
            kept = await self._given_up(owner, id, kept)
        if running is None:
            return kept if kept.alive_until is None else None
        if not running.answered:
            return None
        await _settled(running)
        return running.came_to()

    async def cancel(self, owner: str, id: str, kept: KeptResponse) -> bytes:
        """What it came to. Of one that had ended already nothing changes."""
        running = self._running.get((owner, id))
        if running is not None:
            running.cancel()
            await _settled(running)
            return running.shown
        if kept.alive_until is not None and not self._store.lost(kept):
            await self._store.cancel(owner, id)
            kept = await self._ended(owner, id, SETTLE_S) or kept
        return await self.shown(owner, id, kept)

    def forget(self, owner: str, id: str) -> None:
        """Nobody can ask for it any more."""
        running = self._running.get((owner, id))
        if running is not None:
            running.cancel()

    def events(self, owner: str, id: str, kept: KeptResponse, after: int) -> AsyncIterator[bytes]:
        """Of its stream, after the event of that number, to its end. Raises BadRequestError where it has none."""
        if not kept.events:
            raise BadRequestError(
                "The events of this response are not kept: it was not asked for with both `background` and `stream`, "
                "or they were too many. Leave `stream` out.",
                param="stream",
            )
        running = self._running.get((owner, id))
        return self._replayed(owner, id, kept, after) if running is None else running.follow(after)

    async def _replayed(self, owner: str, id: str, kept: KeptResponse, after: int) -> AsyncIterator[bytes]:
        """Where another process runs it, when that has ended."""
        now = await self._ended(owner, id, None)
        if now is None:
            yield end_of(FORGOTTEN, after + 1)
            return
        kept = await self._given_up(owner, id, now) if self._store.lost(now) else now
        if not kept.events:
            raise too_many()
        for event in replay(kept.events, after):
            yield event

    async def _given_up(self, owner: str, id: str, kept: KeptResponse) -> KeptResponse:
        """As one of which nothing is heard stays."""
        response, events = failed(msgspec.json.decode(kept.response), LOST), Events()
        events.add(end_of(response, 0), LAST)
        told = events.squeezed() if kept.events else b""
        kept = msgspec.structs.replace(kept, response=response, events=told, alive_until=None)
        await self._store.end(owner, id, kept, lost=True)
        return await self._store.get(owner, id) or kept

    async def _ended(self, owner: str, id: str, within_s: float | None) -> KeptResponse | None:
        """As it is when it has ended, by what another process writes; or as it is when the time is over. None where it
        was forgotten."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while await self._store.under_way(owner, id):
                    await asyncio.sleep(LOOK_S)
        return await self._store.get(owner, id)

    async def _beat(self) -> None:
        """As long as some run here."""
        try:
            while self._running:
                await asyncio.sleep(BEAT_S)
                try:
                    await self._tell_database()
                except StoreUnavailable as error:
                    log.warning("The database was not told which responses run in the background: %s", error)
                except Exception:  # whatever it was: without beats all that run here would count as lost
                    log.exception("The database was not told which responses run in the background")
        finally:
            self._beating = None

    async def _tell_database(self) -> None:
        unwanted = await self._store.beat(self._running.keys())
        for key in unwanted:
            if key in self._running:
                self._running[key].cancel()
        for running in [one for one in self._running.values() if one.ended]:
            await self._write(running)

    async def _write(self, running: Running) -> None:
        """Once, whoever comes first: its task, or a beat."""
        kept = running.kept
        await self._store.end(kept.owner, kept.id, await asyncio.to_thread(running.to_keep))
        self._running.pop((kept.owner, kept.id), None)


async def _settled(running: Running) -> None:
    """Or the time for that is over: then it is told as it is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            await running.until_settled()
