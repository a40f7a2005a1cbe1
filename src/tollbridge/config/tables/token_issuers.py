"""`general_settings.mcp_token_issuers`: whose access tokens are taken at the MCP endpoint."""

from __future__ import annotations

from tollbridge.config.document import Array, Node
from tollbridge.config.kinds import At, map_of, named, texts
from tollbridge.config.schema import fills, section, values_of
from tollbridge.config.settings import TokenIssuer
from tollbridge.transport.egress import split_url

TOKEN_ISSUER = section(
    "general_settings.mcp_token_issuers",
    fills("issuer", named, "issuer", about="as tokens name it; needed"),
    fills("jwks_url", named, "jwks_url", about="where its public keys are. Absent: found out"),
    fills("audiences", texts, "audience", about="for whom a token must be meant. Absent: our own MCP address"),
    fills("algorithms", texts, "algorithms", about="with which tokens may be signed"),
    fills("claim", named, "claim", about="which claim tells who it is"),
    fills(
        "keys",
        map_of(named),
        "keys",
        about="aliases of the gateway keys whose rights hold, by that claim's value; `*` is anybody else; needed",
    ),
    fills("scopes", texts, "scopes", about="that a token must have"),
)
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With which a token may be signed: whoever can check one of these cannot make one."""


def token_issuer(node: Node, at: At) -> TokenIssuer:
    settings = TokenIssuer(**values_of(node, TOKEN_ISSUER, at))
    for name, url in (("issuer", settings.issuer), ("jwks_url", settings.jwks_url)):
        try:
            if url is not None:
                split_url(url)
        except ValueError as error:
            at.key(name).error(node.place, str(error))
    for algorithm in settings.algorithms:
        if algorithm not in SIGNATURES:
            at.key("algorithms").error(node.place, f"{algorithm!r} is none of {', '.join(SIGNATURES)}")
    if not settings.keys:
        at.error(node.place, "lacks `keys`: which gateway key is whose")
    return settings


def token_issuers(node: Node, at: At) -> tuple[TokenIssuer, ...]:
    if isinstance(node, Array):
        return tuple(token_issuer(item, at.item(index)) for index, item in enumerate(node.items))
    at.expected("a list of issuers", node)
    return ()
