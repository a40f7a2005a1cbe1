"""What tools of servers were said to be when they were trusted, and what they are said to be now.

1. A tool is trusted as it is first seen; then the whole definition is kept (name, title, description, schemas,
   annotations, whatever else stands in it), and so are the instructions of its server, as the tool "". A tool that
   joins later is trusted in its turn: who wants a closed list says `allowed_tools`.
2. A definition that is another than the one that is kept is told once: in the log, the audit log and the metrics. So
   are characters that nobody sees (`hidden.py`) and names of other servers' tools (`shadowing.py`).
3. Under `pin: strict` what changed is neither listed nor called until an admin approves it, nor what is flagged. What
   an admin approved is good as it was then, flags and all, until it changes again.
4. Nobody waits for the database: what is seen is written down by `follow`, which also hears of what other processes saw
   and what was approved there. Without a store it is remembered as long as the process lives.
"""

from __future__ import annotations

import difflib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from tollbridge.errors import ConflictError
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.hidden import hidden_in, visible
from tollbridge.mcp.shadowing import others_named
from tollbridge.model.json import JsonObject
from tollbridge.observe.audit import audit
from tollbridge.store.following import follow
from tollbridge.store.mcp_pins import Pin, PinStore, fingerprint

log = logging.getLogger("tollbridge.mcp")

FRESH_S = 5.0
"""A strict server's tool is called by what was listed that recently."""
PINS_MAX = 10_000
"""Of one server: what it lists beyond is not kept."""
TOLD_MAX = 10_000
DESCRIPTION_MAX = 8192
INSTRUCTIONS = ""
OURSELVES = "tollbridge"


class Seen(msgspec.Struct, frozen=True):
    """`hidden`: what nobody sees of it."""

    fingerprint: str
    definition: JsonObject
    hidden: tuple[str, ...]


class Standing(msgspec.Struct, frozen=True):
    """One tool, as an admin looks at it. `now`: as it was seen last. `barred`: why it cannot be used, or ""."""

    pin: Pin
    now: Seen
    flags: tuple[str, ...]
    barred: str

    @property
    def changed(self) -> bool:
        return self.pin.fingerprint != self.now.fingerprint

    @property
    def open(self) -> bool:
        """An admin should look at it."""
        return self.changed or bool(self.flags and not self.pin.pinned_by)


class Pins:
    """`clock`: epoch seconds. `changes`, `flagged`: how many were told of."""

    def __init__(self, store: PinStore | None = None, clock: Callable[[], float] = time.time) -> None:
        self.changes = 0
        self.flagged = 0
        self._store = store
        self._clock = clock
        self._pins: dict[str, dict[str, Pin]] = {}
        self._seen: dict[str, dict[str, Seen]] = {}
        self._owners: dict[str, set[str]] = {}  # servers by the names that their tools go by
        self._joined: Counter[str] = Counter()  # names, by server
        self._searched: dict[str, int] = {}  # by server, how many names others had when it was searched for them
        self._unsearched: dict[str, set[str]] = {}
        self._looked: dict[str, float] = {}
        self._told: dict[tuple[str, str, str], None] = {}
        self._unkept: dict[tuple[str, str], Pin] = {}
        self._unnoted: dict[tuple[str, str], Pin] = {}
        self._mark = (0, 0)

    # what is seen

    def look(self, definition: Definition, tools: list[JsonObject], separator: str) -> list[JsonObject]:
        """Those of the tools that a server lists, under its own names, that may be used."""
        if definition.pin == "none":
            return tools
        for tool in tools:
            self._see(definition.name, tool["name"], tool, f"{definition.prefix}{separator}")
        self._look_for_flags(definition.name)
        self._looked[definition.name] = time.monotonic()
        if definition.pin != "strict":
            return tools
        return [tool for tool in tools if not self.barred(definition, tool["name"])]

    def instructions(self, definition: Definition, text: str | None) -> str | None:
        """A server's own, where they may be shown."""
        if text is None or definition.pin == "none":
            return text
        self._see(definition.name, INSTRUCTIONS, {"instructions": text})
        self._look_for_flags(definition.name)
        return None if self.barred(definition, INSTRUCTIONS) else text

    def fresh(self, definition: Definition) -> bool:
        """What it lists was looked at just now, or need not be."""
        looked = self._looked.get(definition.name)
        return definition.pin != "strict" or (looked is not None and time.monotonic() - looked < FRESH_S)

    def barred(self, definition: Definition, tool: str) -> str:
        """Why it may not be used, or ""."""
        if definition.pin != "strict":
            return ""
        seen = self._seen.get(definition.name, {}).get(tool)
        pin = self._pins.get(definition.name, {}).get(tool)
        if seen is None:
            return "its server does not list it"
        if pin is None:
            return f"its server lists more than {PINS_MAX} tools"
        if pin.fingerprint != seen.fingerprint:
            return f"its definition changed since it was {'approved' if pin.pinned_by else 'first seen'}"
        flags = () if pin.pinned_by else self.flags(definition.name, tool)
        return flags[0] if flags else ""

    def held_back(self, definition: Definition, tool: str) -> str:
        """Why it may not be used, of one that its server lists; else ""."""
        return self.barred(definition, tool) if tool in self._seen.get(definition.name, {}) else ""

    def flags(self, server: str, tool: str) -> tuple[str, ...]:
        """What is suspicious about it, as it was seen last."""
        seen = self._seen.get(server, {}).get(tool)
        if seen is None:
            return ()
        named = others_named(seen.definition, _Others(self._owners, server))
        description = seen.definition.get("description")
        long = isinstance(description, str) and len(description) > DESCRIPTION_MAX
        return (
            *((f"its description has more than {DESCRIPTION_MAX} characters",) if long else ()),
            *(f"hidden characters: {one}" for one in seen.hidden),
            *((f"it names tools of other servers: {', '.join(named)}",) if named else ()),
        )

    def _see(self, server: str, name: str, said: JsonObject, prefix: str = "") -> None:
        seen = self._seen.setdefault(server, {})
        mark = fingerprint(said)
        former = seen.get(name)
        if former is None and len(seen) >= PINS_MAX:
            return
        if former is None or former.fingerprint != mark:
            seen[name] = Seen(mark, said, tuple(hidden_in(said)))
            self._unsearched.setdefault(server, set()).add(name)
        if former is None and name != INSTRUCTIONS:
            for known in (name, prefix + name):
                self._owners.setdefault(known, set()).add(server)
            self._joined[server] += 1
        pins = self._pins.setdefault(server, {})
        pin = pins.get(name)
        if pin is None and len(pins) >= PINS_MAX:
            return
        if pin is None:
            pin = pins[name] = Pin(server=server, tool=name, definition=said, fingerprint=mark, pinned_at=self._clock())
            self._unkept[server, name] = pin
        elif pin.fingerprint != mark:
            self._change(pin, said, mark)
        elif pin.changed is not None:
            self._note(pin, None)

    def _look_for_flags(self, server: str) -> None:
        """Of definitions that are new, and of all where other servers have other tools by now."""
        names = self._unsearched.pop(server, set())
        others = self._joined.total() - self._joined[server]
        if self._searched.get(server) != others:
            self._searched[server] = others
            names = set(self._seen.get(server, ()))
        for name in sorted(names):
            seen, pin = self._seen[server][name], self._pins.get(server, {}).get(name)
            approved = pin is not None and pin.pinned_by and pin.fingerprint == seen.fingerprint
            flags = () if approved else self.flags(server, name)
            if flags and self._first(server, name, f"{flags} {seen.fingerprint}"):
                self.flagged += 1
                log.warning("%s: %s", _called(server, name), "; ".join(flags))

    def _change(self, pin: Pin, said: JsonObject, mark: str) -> None:
        if pin.changed is not None and fingerprint(pin.changed) == mark:
            return  # whoever noted it told of it, here or in another process, or before a restart
        self._note(pin, said)
        if self._first(pin.server, pin.tool, mark):
            self.changes += 1
            log.warning(
                "%s is not what it was when it was %s: see `tollbridge mcp approve`",
                _called(pin.server, pin.tool),
                "approved" if pin.pinned_by else "first seen",
            )
            audit(
                "mcp_tool.changed",
                OURSELVES,
                server=pin.server,
                tool=visible(pin.tool),
                before=pin.fingerprint,
                after=mark,
            )

    def _note(self, pin: Pin, said: JsonObject | None) -> None:
        noted = msgspec.structs.replace(pin, changed=said, changed_at=None if said is None else self._clock())
        self._pins[pin.server][pin.tool] = self._unnoted[pin.server, pin.tool] = noted

    def _first(self, server: str, name: str, what: str) -> bool:
        """Nobody was told of this before."""
        told = (server, name, what)
        if told in self._told:
            return False
        self._told[told] = None
        while len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]
        return True

    # what an admin sees and says

    def standings(self, definition: Definition) -> Iterator[Standing]:
        """Of all that was seen of a server."""
        for tool, pin in sorted(self._pins.get(definition.name, {}).items()):
            now = self._seen.get(definition.name, {}).get(tool)
            if now is None and pin.changed is not None:
                now = Seen(fingerprint(pin.changed), pin.changed, tuple(hidden_in(pin.changed)))
            now = now or Seen(pin.fingerprint, pin.definition, tuple(hidden_in(pin.definition)))
            yield Standing(pin, now, self.flags(definition.name, tool), self.barred(definition, tool))

    async def approve(self, definition: Definition, wanted: Mapping[str, str | None], by: str) -> list[Pin]:
        """`wanted`: by tool the fingerprint of what was looked at, None for whatever it is now. Raises ConflictError
        where it is something else by now, StoreUnavailable."""
        standings = {one.pin.tool: one for one in self.standings(definition)}
        approved = []
        for tool, looked_at in wanted.items():
            now = standings[tool].now
            if looked_at is not None and looked_at != now.fingerprint:
                raise ConflictError(
                    f"{_called(definition.name, tool)} changed again; look again.", code="changed_meanwhile"
                )
            approved.append(
                Pin(
                    server=definition.name,
                    tool=tool,
                    definition=now.definition,
                    fingerprint=now.fingerprint,
                    pinned_at=self._clock(),
                    pinned_by=by,
                )
            )
        if self._store is not None:
            await self._store.approve(approved)
        for pin in approved:
            self._pins[pin.server][pin.tool] = pin
            self._unkept.pop((pin.server, pin.tool), None)
            self._unnoted.pop((pin.server, pin.tool), None)
            audit("mcp_tool.approve", by, server=pin.server, tool=visible(pin.tool), fingerprint=pin.fingerprint)
        return approved

    async def forget(self, server: str) -> None:
        """It is gone. Raises StoreUnavailable."""
        self._pins.pop(server, None)
        self._seen.pop(server, None)
        self._looked.pop(server, None)
        for owners in self._owners.values():
            owners.discard(server)
        for waiting in (self._unkept, self._unnoted):
            for key in [key for key in waiting if key[0] == server]:
                del waiting[key]
        if self._store is not None:
            await self._store.forget(server)

    # what is kept

    def begin(self, found: Sequence[Pin]) -> None:
        """Before anything is served: what stands in the table."""
        self._take_over(found)

    async def follow(self) -> None:
        """Until it is cancelled."""
        await follow(self.hear, log, "definitions of MCP tools", done="kept")

    async def hear(self) -> None:
        """Writes down what was seen, and reads what others did. Raises StoreUnavailable."""
        store = self._store
        if store is None:
            return
        kept, noted = dict(self._unkept), dict(self._unnoted)
        await store.keep(tuple(kept.values()))
        await store.changed(tuple(noted.values()))
        for waiting, done in ((self._unkept, kept), (self._unnoted, noted)):
            for key, pin in done.items():
                if waiting.get(key) is pin:
                    del waiting[key]
        mark = await store.mark()
        if mark != self._mark:
            self._take_over(await store.list())
            self._mark = mark

    def _take_over(self, pins: Sequence[Pin]) -> None:
        """What the table says goes before what was seen here, and what waits to be written down."""
        found: dict[str, dict[str, Pin]] = {}
        for pin in (*self._unkept.values(), *pins):
            found.setdefault(pin.server, {})[pin.tool] = pin
        for (server, tool), noted in self._unnoted.items():
            kept = found.get(server, {}).get(tool)
            if kept is not None and kept.fingerprint == noted.fingerprint:
                found[server][tool] = noted
        self._pins = found


class _Others:
    """Servers by names of tools, but for one server and what it has itself."""

    def __init__(self, owners: Mapping[str, set[str]], server: str) -> None:
        self._owners = owners
        self._server = server

    def get(self, name: str) -> str | None:
        owners = self._owners.get(name)
        return min(owners) if owners and self._server not in owners else None


def difference(before: JsonObject, after: JsonObject) -> list[str]:
    """Line by line, with what is hidden written out."""
    lines = difflib.unified_diff(_lines(before), _lines(after), "approved", "now", lineterm="", n=2)
    return list(lines)


def _lines(definition: JsonObject) -> list[str]:
    return [visible(line) for line in json.dumps(definition, indent=2, sort_keys=True, ensure_ascii=False).split("\n")]


def _called(server: str, tool: str) -> str:
    if tool == INSTRUCTIONS:
        return f"the instructions of the MCP server {server!r}"
    return f"the tool {visible(tool)!r} of the MCP server {server!r}"
