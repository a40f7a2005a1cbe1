"""Sessions of legacy clients: who it is, what was promised in the handshake, what is to be told later.

1. An id is 128 random bits, and no credential: a session belongs to the principal that began it, and is unknown to all
   others.
2. What a session is told on a stream is kept for a while (`EVENTS_MAX`, `EVENTS_BYTES_MAX`), so that a client whose
   stream broke off can ask for what came after its last event, of that stream alone.
3. What a server asks goes out on the stream of the request that it is about; where the client takes none for it, on the
   GET stream. Where neither is open the client has `REACH_S` to open one, or to come back to the one that it lost;
   then the server is refused. Once it was told it has `ASK_S`, whatever becomes of the stream: its answer is a POST.
4. One that was idle for `IDLE_S` ends, and so does the one that was idle longest where there are too many: of its
   principal, or in all.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator

from tollbridge.mcp.call import Caller
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, Id, RpcError, outcome, request
from tollbridge.mcp.outflow import Outflow
from tollbridge.mcp.watching import Watch
from tollbridge.model.json import JsonObject

SESSIONS_MAX = 10_000
EACH_MAX = 1000
"""Of one principal: nobody pushes others out."""
IDLE_S = 1800.0
EVENTS_MAX = 256
EVENTS_BYTES_MAX = 1024 * 1024
ASK_S = 300.0
REACH_S = 10.0
"""SDKs come back to a stream after 1 s, and once more a little later."""
SURE_S = 1.0
"""In which a stream that is gone is found to be so: by writing to it."""


class Running:
    """A request of a session that is under way, in the task that it is made in. `withdrawn`: nobody wants it any more,
    and whoever asked is told so."""

    __slots__ = ("_task", "withdrawn")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self.withdrawn = False

    def withdraw(self) -> None:
        if not self.withdrawn:
            self.withdrawn = True
            self._task.cancel()

    def forgiven(self) -> bool:
        """Of a task that was cancelled: by `withdraw`, and by nobody else, so that it goes on."""
        return self.withdrawn and self._task.uncancel() == 0


class Session:
    """`version`: what the handshake ended with. `wanted`, `alone`: which servers it asked for. `level`: from which on
    it wants log lines. `running`: its requests under way; `flows`: their streams. `stream`: the GET stream, where it
    has one open. `over`: it has ended, whatever of it is still under way."""

    def __init__(
        self,
        caller: Caller,
        version: str,
        wanted: tuple[str, ...] | None,
        *,
        alone: bool,
        id: str = "",
    ) -> None:
        self.id = id or caller.session
        self.caller = caller
        self.version = version
        self.wanted = wanted
        self.alone = alone
        self.level: str | None = None
        self.running: dict[Id, Running] = {}
        self.flows: dict[str, Outflow] = {}
        self.watches: dict[str, list[tuple[object, Watch]]] = {}
        self.stream: Outflow | None = None
        self.over = False
        self.used_at = asyncio.get_running_loop().time()
        self._asked: dict[str, asyncio.Future[JsonObject]] = {}
        self._opened = asyncio.Event()
        self._resumed = False
        self._count = itertools.count(1)
        self._streams = itertools.count(1)
        self._events: deque[tuple[str, int, bytes]] = deque()
        self._kept_bytes = 0
        self._missed: deque[JsonObject] = deque(maxlen=EVENTS_MAX)

    # streams and their events

    def new_stream(self) -> str:
        return f"{next(self._streams)}"

    def store(self, stream: str) -> Callable[[bytes], str]:
        numbers = itertools.count(1)

        def keep(data: bytes) -> str:
            number = next(numbers)
            self._events.append((stream, number, data))
            self._kept_bytes += len(data)
            while len(self._events) > EVENTS_MAX or self._kept_bytes > EVENTS_BYTES_MAX:
                self._kept_bytes -= len(self._events.popleft()[2])
            return f"{stream}_{number}"

        return keep

    def after(self, last: str) -> Iterator[tuple[str, bytes]]:
        """(id, data) of what came on that stream behind an event."""
        stream, _, number = last.rpartition("_")
        if not number.isdigit():
            return
        for one, count, data in tuple(self._events):
            if one == stream and count > int(number) and data:
                yield f"{one}_{count}", data

    def flow_of(self, last: str) -> Outflow | None:
        """The stream of an event, where its request still runs."""
        return self.flows.get(last.rpartition("_")[0])

    def tell(self, message: JsonObject) -> None:
        """What belongs to no request: on the GET stream, or when there is one."""
        if self.stream is not None and not self.stream.gone:
            self.stream.say(message)
        else:
            self._missed.append(message)

    def missed(self) -> Iterator[JsonObject]:
        while self._missed:
            yield self._missed.popleft()

    # what its servers ask

    async def ask(self, out: Outflow, method: str, params: JsonObject) -> JsonObject:
        """`out`: the answer to the request that it is about. Raises RpcError."""
        id = f"tb-{next(self._count)}"
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        try:
            await self._reach(out, request(id, method, params), answer)
            async with asyncio.timeout(ASK_S):
                return outcome(await answer)
        except TimeoutError:
            raise RpcError(UPSTREAM_FAILED, f"The client did not answer {method} within {ASK_S:g} s.") from None
        finally:
            self._asked.pop(id, None)

    async def _reach(self, out: Outflow, message: JsonObject, answer: asyncio.Future[JsonObject]) -> None:
        """Says it where somebody hears it. Raises RpcError where nobody does."""
        until = asyncio.get_running_loop().time() + REACH_S
        told: Outflow | None = None
        while True:
            stream = out if out.streams else self.stream
            if stream is None or stream.gone:
                if stream is not None and told is None:
                    told = stream
                    stream.say(message)  # kept, for when the client comes back
                await self._opening(until, message["method"])
                continue
            if told is None or (told is not stream and not self._resumed):
                told = stream
                stream.say(message)
            await asyncio.wait((answer,), timeout=SURE_S)
            if answer.done() or not stream.gone:
                return

    async def _opening(self, until: float, method: str) -> None:
        self._opened.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._opened.wait()
        except TimeoutError:
            told = f"The client has no stream open on which it could be asked for {method}."
            raise RpcError(UPSTREAM_FAILED, told) from None

    def opened(self, *, resumed: bool) -> None:
        """The client has opened a stream by GET. `resumed`: with what it missed of a former one."""
        self._resumed = resumed
        self._opened.set()

    def answered(self, message: JsonObject) -> None:
        asked = self._asked.get(str(message["id"]))
        if asked is not None and not asked.done():
            asked.set_result(message)

    def end(self) -> None:
        self.over = True
        for running in list(self.running.values()):
            running.withdraw()
        for asked in self._asked.values():
            asked.cancel()
        if self.stream is not None:
            self.stream.end()


class Sessions:
    """`ended`: told of each that is over."""

    def __init__(
        self,
        ended: Callable[[Session], None],
        *,
        idle_s: float = IDLE_S,
        most: int = SESSIONS_MAX,
        each: int = EACH_MAX,
    ) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._held: Counter[str] = Counter()
        self._each = each
        self._ended = ended
        self._idle_s = idle_s
        self._most = most

    def begin(self, session: Session) -> None:
        owner = session.caller.principal.id
        if self._held[owner] >= self._each:
            own = (one for one in self._sessions.values() if one.caller.principal.id == owner)
            self.end(next(own))
        self._sessions[session.id] = session
        self._held[owner] += 1
        self._sweep()

    def find(self, id: str, principal: str) -> Session | None:
        session = self._sessions.get(id)
        if session is None or session.caller.principal.id != principal:
            return None
        session.used_at = asyncio.get_running_loop().time()
        self._sessions.move_to_end(id)
        return session

    def end(self, session: Session) -> None:
        if self._sessions.pop(session.id, None) is not None:
            owner = session.caller.principal.id
            self._held[owner] -= 1
            if not self._held[owner]:
                del self._held[owner]
            session.end()
            self._ended(session)

    def held_by(self, principal: str) -> bool:
        return principal in self._held

    def of(self, principal: str) -> list[Session]:
        return [one for one in self._sessions.values() if one.caller.principal.id == principal]

    def end_of(self, principal: str) -> None:
        for session in self.of(principal):
            self.end(session)

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        for session in list(itertools.islice(self._sessions.values(), 8)):
            busy = session.running or (session.stream is not None and not session.stream.gone)
            if len(self._sessions) > self._most or (not busy and now - session.used_at > self._idle_s):
                self.end(session)

    def __len__(self) -> int:
        return len(self._sessions)

    def close(self) -> None:
        for session in list(self._sessions.values()):
            self.end(session)


def new_id() -> str:
    return secrets.token_hex(16)
