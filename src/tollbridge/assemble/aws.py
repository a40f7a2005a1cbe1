"""MCP servers in AWS (`auth_type: aws_sigv4`): each request is signed, its body with it.

Who signs is what the server's own keys say, and for a server of the operator's file else the environment, a machine's
role or AWS's files. One that was added over the API is never signed for as the gateway itself: it names both keys.

Signed is what goes to the server's own origin. A credential that the caller brought takes the signature's place.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tollbridge.calls.signing import Signatures
from tollbridge.config.settings import McpServer
from tollbridge.errors import APIError, AuthenticationError, BadRequestError, ConfigError, InternalServerError
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError
from tollbridge.providers.address import read_base
from tollbridge.providers.aws_account import REGION, read_account
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.extras import check_there
from tollbridge.providers.said import Said
from tollbridge.secret import Secret
from tollbridge.transport.base import Incoming, Origin, Outgoing, Timeouts, Transport

log = logging.getLogger("tollbridge.mcp")

AUTH_TYPE = "aws_sigv4"
SERVICE = "bedrock-agentcore"
"""LiteLLM's default (https://docs.litellm.ai/docs/mcp_aws_sigv4, seen 2026-11-26)."""
KEYS = ("aws_access_key_id", "aws_secret_access_key")


def signing(
    server: McpServer, origin: Origin, inner: Transport, environ: Mapping[str, str], *, configured: bool
) -> Transport:
    """The inner transport, which signs where the server wants that. Raises ConfigError where it is not known for which
    region, as whom, or by which library."""
    if server.auth_type != AUTH_TYPE:
        return inner
    account = _account(server, origin, environ, configured=configured)
    try:
        check_there(account.extra, account.provider)
    except APIError as error:
        raise ConfigError(f"{server.where}: {error.message}".removeprefix(": ")) from error
    return Signing(server.name, Signatures(account), origin, inner)


def _account(server: McpServer, origin: Origin, environ: Mapping[str, str], *, configured: bool) -> AwsAccount:
    if not configured and not all(server.aws.get(key) for key in KEYS):
        raise ConfigError(f"`{AUTH_TYPE}` needs {' and '.join(f'`{key}`' for key in KEYS)} over the API")
    ambient = not any(server.aws.get(key) for key in KEYS)
    name = f"the MCP server {server.name!r}"
    said = Said(
        provider=name,
        base=read_base(f"{origin.scheme}://{origin}", name),
        path="",
        key=Secret(""),
        given=server.aws,
        environ=environ if ambient else {name: environ[name] for name in REGION if name in environ},
    )
    service = said.value("aws_service_name") or SERVICE
    try:
        account = read_account(said, service, chain=True)
    except BadRequestError as error:
        raise ConfigError(f"{server.where}: {error.message}".removeprefix(": ")) from error
    assert account is not None, "with the chain there is always somebody to ask"
    return account


class Signing:
    """`Transport`: as the inner one, with a signature."""

    def __init__(self, name: str, signatures: Signatures, origin: Origin, inner: Transport) -> None:
        self._name = name
        self._signatures = signatures
        self._origin = origin
        self._inner = inner

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        if request.origin == self._origin and all(name != "authorization" for name, _ in request.headers):
            try:
                request = await self._signatures.shown(request)
            except (AuthenticationError, InternalServerError) as error:  # no credentials, or no library any more
                log.error("requests to the MCP server %r cannot be signed: %s", self._name, error.message)
                why = "its requests cannot be signed; the gateway's log tells why"
                raise RpcError(UPSTREAM_FAILED, f"The MCP server {self._name!r} is not asked: {why}.") from error
        return await self._inner.send(request, timeouts)

    async def close(self) -> None:
        """The inner one is others' too."""
