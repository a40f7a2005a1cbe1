"""Who comes by the endpoint, and the handshake by which a session of a legacy client learns what its client can."""

from __future__ import annotations

import msgspec

from tollbridge.mcp.call import Caller, Credentials
from tollbridge.mcp.capabilities import to_legacy_client
from tollbridge.mcp.facts import facts
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.link import OURSELVES
from tollbridge.mcp.revisions import CLIENT_CAPABILITIES, negotiated
from tollbridge.mcp.sessions import Session, new_id
from tollbridge.model.json import JsonObject
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.inbound import Inbound, Responder


class Visit(msgspec.Struct, frozen=True, eq=False):
    """One HTTP request. `wanted`, `alone`: which servers it is for."""

    inbound: Inbound
    responder: Responder
    record: Record
    credentials: Credentials
    wanted: tuple[str, ...] | None
    alone: bool

    @property
    def principal(self) -> Principal:
        assert self.inbound.principal is not None
        return self.inbound.principal

    def nobody(self) -> Caller:
        """Who asks, of whom nothing else is known yet."""
        return Caller(principal=self.principal, modern=False, credentials=self.credentials)

    def seen(self, caller: Caller) -> Caller:
        """A session's caller with the rights and the credentials of now."""
        return msgspec.structs.replace(caller, principal=self.principal, credentials=self.credentials)


def begin(session: Session, params: JsonObject) -> None:
    """`params`: of `initialize`."""
    capabilities, info = params.get("capabilities"), params.get("clientInfo")
    session.id = session.id or new_id()
    session.version = negotiated(params.get("protocolVersion"))
    session.caller = msgspec.structs.replace(
        session.caller,
        session=session.id,
        capabilities={
            name: value
            for name, value in (capabilities.items() if isinstance(capabilities, dict) else ())
            if name in CLIENT_CAPABILITIES
        },
        client_info=info if isinstance(info, dict) else None,
    )


async def greeting(hub: Hub, session: Session) -> JsonObject:
    """What `initialize` is answered with. Raises RpcError."""
    view = hub.view(session.caller, session.wanted, alone=session.alone)
    capabilities, info, instructions = await facts(view)
    told: JsonObject = {
        "protocolVersion": session.version,
        "capabilities": to_legacy_client(capabilities),
        "serverInfo": info or OURSELVES,
    }
    if instructions is not None:
        told["instructions"] = instructions
    return told
