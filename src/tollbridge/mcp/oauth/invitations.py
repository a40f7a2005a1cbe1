"""How a caller is told that somebody has to sign in.

1. An invitation names the server, whose token it will be and what is asked for. It is signed, so that what a page is
   opened with was said here, and good for `INVITED_S`; it proves nothing of who follows it.
2. A client that opens URLs for its user (`elicitation` with `url`) is told in the protocol's words: a modern one by a
   result that asks for input, an older one by the error -32042. Any other reads the link in the error's message; where
   our address is not known, the command.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.mcp.call import Caller
from tollbridge.mcp.http import Refused
from tollbridge.mcp.jsonrpc import URL_ELICITATION_REQUIRED, RpcError
from tollbridge.mcp.oauth.vault import SHARED
from tollbridge.model.json import JsonObject

INVITED_S = 3600.0
MAC_BYTES = 16
PATH = "/mcp/sign-in/"
SIGN_IN_NEEDED = -31041
ANSWER = "tollbridge.sign_in"
"""What the answer of a modern client to being sent there is called."""


def without_answer(params: JsonObject) -> JsonObject:
    """Of a request that comes again after its caller was sent to sign in: the answer is ours, and no server's."""
    answers = params.get("inputResponses")
    if not isinstance(answers, dict) or ANSWER not in answers:
        return params
    rest = {name: answer for name, answer in answers.items() if name != ANSWER}
    own = {name: value for name, value in params.items() if name != "inputResponses"}
    return {**own, "inputResponses": rest} if rest else own


class SignInNeeded(Refused):
    """`scopes`: what is to be asked for; `metadata_url`: where the server says that its tokens are described."""

    def __init__(self, name: str, owner: str, scopes: tuple[str, ...], metadata_url: str | None) -> None:
        told = RpcError(SIGN_IN_NEEDED, f"The MCP server {name!r} wants somebody to sign in.")
        super().__init__(name, 401, told)
        self.server = name
        self.owner = owner
        self.scopes = scopes
        self.metadata_url = metadata_url


class SignInRequired(Refused):
    """The same in the caller's words. `asks`: what a modern client that opens URLs is asked, None of others."""

    def __init__(self, name: str, told: RpcError, asks: JsonObject | None = None) -> None:
        super().__init__(name, 401, told)
        self.asks = asks


class Invitation(msgspec.Struct, frozen=True, array_like=True):
    server: str
    owner: str
    scopes: tuple[str, ...]
    metadata_url: str | None
    until: float


class Invitations:
    """`key`: signs them."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def made(self, needed: SignInNeeded) -> str:
        until = self._clock() + INVITED_S
        body = msgspec.msgpack.encode(
            Invitation(needed.server, needed.owner, needed.scopes, needed.metadata_url, until)
        )
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def read(self, ticket: str) -> Invitation:
        """Raises BadRequestError."""
        try:
            raw = base64.urlsafe_b64decode(ticket.encode() + b"=" * (-len(ticket) % 4))
        except (binascii.Error, ValueError) as error:
            raise _none() from error
        mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise _none()
        told = msgspec.msgpack.decode(body, type=Invitation)
        if told.until < self._clock():
            raise BadRequestError("This invitation has expired. Ask the server again.", code="invitation_expired")
        return told

    def told(self, needed: SignInNeeded, caller: Caller) -> SignInRequired:
        """What this caller is told of it."""
        name = needed.server
        if needed.owner == SHARED and not caller.principal.admin:
            message = f"The gateway is not signed in at the MCP server {name!r}: its operator has to sign in there."
            return SignInRequired(name, RpcError(SIGN_IN_NEEDED, message))
        if not caller.credentials.base:
            message = f"Sign in at the MCP server {name!r} to use it: tollbridge mcp login {name}"
            return SignInRequired(name, RpcError(SIGN_IN_NEEDED, message))
        ticket = self.made(needed)
        url = f"{caller.credentials.base}{PATH}{ticket}"
        message = f"Sign in at the MCP server {name!r} to use it"
        id = hashlib.sha256(ticket.encode()).hexdigest()[:32]
        asked: JsonObject = {"mode": "url", "message": f"{message}.", "url": url, "elicitationId": id}
        elicitation = caller.answers.get("elicitation")
        opens = isinstance(elicitation, dict) and elicitation.get("url") is not None
        if opens and not caller.modern:
            return SignInRequired(name, RpcError(URL_ELICITATION_REQUIRED, f"{message}.", {"elicitations": [asked]}))
        told = RpcError(SIGN_IN_NEEDED, f"{message}: {url}", {"server": name, "url": url})
        asks: JsonObject = {ANSWER: {"method": "elicitation/create", "params": asked}}
        return SignInRequired(name, told, asks if opens else None)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:MAC_BYTES]


def _none() -> BadRequestError:
    return BadRequestError("This is no invitation of this gateway's.", code="no_invitation")
