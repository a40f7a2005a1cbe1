"""Streams that a legacy client opens with GET.

1. With a session: what belongs to no request. With `Last-Event-ID`: the rest of a stream that broke off, what is kept
   of it first; where its request still runs, what comes of it from then on as well.
2. Without one, HTTP+SSE: the stream is the session, and its first event says where to send messages.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from tollbridge.mcp.handshake import Visit
from tollbridge.mcp.outflow import Outflow
from tollbridge.mcp.rounds import Rounds
from tollbridge.mcp.sessions import Session, Sessions, new_id
from tollbridge.mcp.sse import write_event
from tollbridge.server.inbound import Inbound

SESSION = b"mcp-session-id"
MESSAGES = "/sse/messages"


class Streams:
    def __init__(self, sessions: Sessions, beats: Rounds) -> None:
        self._sessions = sessions
        self._beats = beats

    async def follow(self, visit: Visit, session: Session) -> None:
        visit.record.status = 200
        told = visit.inbound.headers.get(b"last-event-id")
        last = None if told is None else told.decode("latin-1")
        running = session.flow_of(last) if last is not None else None
        if last is not None and running is not None:
            running.resume(visit.responder, session.after(last))
            session.opened(resumed=True)
            await running.until_over()
            return
        out = Outflow(visit.responder, self._beats, store=session.store(session.new_stream()))
        out.begin()
        for id, data in session.after(last) if last is not None else ():
            out.write(write_event(data, id=id))
        if session.stream is not None:
            session.stream.end()
        session.stream = out
        for message in session.missed():
            out.say(message)
        session.opened(resumed=last is not None)
        await out.until_over()
        if session.stream is out:
            session.stream = None
        out.end()

    async def sse(self, visit: Visit) -> None:
        visit.record.status = 200
        caller = msgspec.structs.replace(visit.nobody(), session=new_id())
        session = Session(caller, "", visit.wanted, alone=visit.alone)
        out = session.stream = Outflow(visit.responder, self._beats)
        self._sessions.begin(session)
        out.write(write_event(f"{MESSAGES}?session_id={session.id}".encode(), event="endpoint"))
        await out.until_over()
        self._sessions.end(session)
        out.end()


def session_named(inbound: Inbound) -> str | None:
    """The id of a session that a request names."""
    value = inbound.headers.get(SESSION)
    if value is not None:
        return value.decode("latin-1")
    if inbound.path == MESSAGES:
        return (parse_qs(inbound.query).get("session_id") or [""])[0]
    return None
