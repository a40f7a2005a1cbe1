"""A modern caller of a legacy server: what the server asks meanwhile becomes the result `input_required`, and the call
waits here until the caller comes again with the answers.

1. The call upstream goes on; who made it is answered with what is asked and a `requestState` that names the call. The
   name is 128 random bits, good for one principal, the same servers, method and parameters: with anything else it is
   unknown.
2. It waits `KEPT_S` for the next answer; then it is cancelled. So is the oldest of a principal that has too many, in
   all or at one server, whichever path led there: each has a link of its own, of which a server has few (`links.py`).
3. It is the state of one process: whoever comes back must come to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable

from tollbridge.mcp.call import Ask, Caller, Room, Tell
from tollbridge.mcp.eras import INPUT_REQUIRED
from tollbridge.mcp.jsonrpc import INVALID_PARAMS, RpcError, encode
from tollbridge.model.json import Json, JsonObject

KEPT_S = 600.0
EACH_MAX, THERE_MAX = 32, 16
ALL_MAX = 1024
PREFIX = "tbp1."

Run = Callable[[Ask, Tell, Room], Awaitable[JsonObject]]


class _Parked:
    """`server`: who asks, "" before that. `asked`: what is not answered yet, by name. `tell`, `has_room`: of the
    request that waits for it just now."""

    __slots__ = ("_changed", "_count", "asked", "digest", "expiry", "has_room", "principal", "server", "task", "tell")

    def __init__(self, principal: str, digest: bytes, tell: Tell, room: Room) -> None:
        self.principal = principal
        self.server = ""
        self.digest = digest
        self.tell = tell
        self.has_room = room
        self.asked: dict[str, tuple[JsonObject, asyncio.Future[JsonObject]]] = {}
        self.task: asyncio.Task[JsonObject] | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._count = 0

    async def ask(self, server: str, method: str, params: JsonObject) -> JsonObject:
        self.server = server
        self._count += 1
        name = f"{method.split('/')[0]}-{self._count}"
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self.asked[name] = ({"method": method, "params": params}, answer)
        self._changed.set()
        try:
            return await answer
        finally:
            self.asked.pop(name, None)

    def told(self, method: str, params: JsonObject) -> None:
        self.tell(method, params)

    def room(self) -> asyncio.Future[None] | None:
        return self.has_room()

    async def next(self) -> JsonObject | None:
        """The result; None where something is asked."""
        assert self.task is not None
        while not self.asked:
            self._changed.clear()
            waiting = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait({self.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            if self.task.done():
                return self.task.result()
        return None


class Parking:
    def __init__(self, *, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._parked: dict[str, _Parked] = {}

    async def run(
        self, caller: Caller, where: str, method: str, params: JsonObject, tell: Tell, room: Room, run: Run
    ) -> JsonObject:
        """`where`: the servers that it may be for. `params` may come back with answers. Raises RpcError."""
        told = digest(where, method, params)
        state = params.get("requestState")
        if isinstance(state, str) and state.startswith(PREFIX):
            id = self._resume(caller, told, state)
            parked = self._parked.pop(id)
            parked.tell, parked.has_room = tell, room
            self._answer(parked, params.get("inputResponses"))
        else:
            parked = _Parked(caller.principal.id, told, tell, room)
            id = PREFIX + secrets.token_urlsafe(16)
            parked.task = asyncio.ensure_future(run(parked.ask, parked.told, parked.room))
            parked.task.add_done_callback(_heard)
        if parked.expiry is not None:
            parked.expiry.cancel()
        try:
            result = await parked.next()
        except BaseException:
            self._end(parked)
            raise
        if result is not None:
            return result
        parked.tell, parked.has_room = _nobody, _always
        self._park(id, parked)
        requests = {name: wanted for name, (wanted, _) in parked.asked.items()}
        return {"resultType": INPUT_REQUIRED, "inputRequests": requests, "requestState": id}

    def _resume(self, caller: Caller, told: bytes, state: str) -> str:
        parked = self._parked.get(state)
        if parked is None or parked.principal != caller.principal.id or parked.digest != told:
            raise RpcError(INVALID_PARAMS, "`requestState` names no call that waits for these parameters.", status=400)
        return state

    def _answer(self, parked: _Parked, responses: Json) -> None:
        if not isinstance(responses, dict):
            return
        for name, answer in responses.items():
            asked = parked.asked.get(name)
            if asked is not None and isinstance(answer, dict) and not asked[1].done():
                asked[1].set_result(answer)
                parked.asked.pop(name)

    def _park(self, id: str, parked: _Parked) -> None:
        own = [key for key, one in self._parked.items() if one.principal == parked.principal]
        there = [key for key in own if self._parked[key].server == parked.server]
        if len(there) >= THERE_MAX:
            self._end(self._parked.pop(there[0]))
        elif len(own) >= EACH_MAX:
            self._end(self._parked.pop(own[0]))
        elif len(self._parked) >= ALL_MAX:
            self._end(self._parked.pop(next(iter(self._parked))))
        self._parked[id] = parked
        parked.expiry = asyncio.get_running_loop().call_later(self._kept_s, self._expire, id)

    def held_by(self, principal: str) -> bool:
        return any(parked.principal == principal for parked in self._parked.values())

    def end_of(self, principal: str) -> None:
        for id in [id for id, parked in self._parked.items() if parked.principal == principal]:
            self._expire(id)

    def _expire(self, id: str) -> None:
        parked = self._parked.pop(id, None)
        if parked is not None:
            self._end(parked)

    def _end(self, parked: _Parked) -> None:
        if parked.expiry is not None:
            parked.expiry.cancel()
        if parked.task is not None and not parked.task.done():
            parked.task.cancel()

    def __len__(self) -> int:
        """Calls that wait."""
        return len(self._parked)

    async def close(self) -> None:
        for parked in self._parked.values():
            self._end(parked)
        self._parked.clear()


def digest(where: str, method: str, params: JsonObject) -> bytes:
    """Of what must be the same when a call comes back."""
    kept = {name: value for name, value in params.items() if name not in ("inputResponses", "requestState", "_meta")}
    return hashlib.sha256(encode([where, method, kept])).digest()


def _heard(task: asyncio.Task[JsonObject]) -> None:
    """Nobody may come back to hear how it ended."""
    if not task.cancelled():
        task.exception()


def _always() -> None:
    """Who is told nothing is never behind."""


def _nobody(method: str, params: JsonObject) -> None:
    """Between two requests nobody is told."""
