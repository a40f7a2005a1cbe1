"""The configured MCP servers, and the endpoint in front of them."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from urllib.parse import urlsplit

import msgspec

from tollbridge.assemble.accounts import Accounts
from tollbridge.assemble.hooks import hooks
from tollbridge.assemble.oauth import OAuth
from tollbridge.config.mcp import read_said
from tollbridge.config.settings import Config, McpServer
from tollbridge.errors import ConfigError
from tollbridge.mcp.definition import Command, Definition
from tollbridge.mcp.endpoint import CLIENT_AUTH, Endpoint
from tollbridge.mcp.guard import Guard
from tollbridge.mcp.http import Address
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.kept import Kept
from tollbridge.mcp.management import Management
from tollbridge.mcp.oauth.desk import DOCUMENT, Desk
from tollbridge.mcp.oauth.sign_in import SignIns
from tollbridge.mcp.outbound import credential
from tollbridge.mcp.run import Runner
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json
from tollbridge.model.money import NANO
from tollbridge.secret import Secret
from tollbridge.server.forwarded import public_base
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.store.mcp_servers import KeptServer, McpServerStore
from tollbridge.transport.base import Transport
from tollbridge.transport.egress import UNTRUSTED, split_url

AUTH_HEADER_VARIABLE = "LITELLM_MCP_CLIENT_SIDE_AUTH_HEADER_NAME"
SEPARATOR_VARIABLE = "MCP_TOOL_PREFIX_SEPARATOR"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Networks(msgspec.Struct, frozen=True, eq=False):
    """`operators`: for what the operator's file names; `others`: for URLs that came over the API."""

    operators: Transport
    others: Transport


def endpoint(
    config: Config,
    environ: Mapping[str, str],
    gateway: Gateway,
    networks: Networks,
    accounts: Accounts | None = None,
) -> Endpoint:
    """Reaches nobody yet: a server is reached when it is first asked for. Without `accounts` none is added over the
    API."""
    oauth = OAuth(config, networks.operators, networks.others, accounts)
    served = hub(
        config, environ, networks.operators, None if accounts is None else sealing(accounts.pepper), oauth=oauth
    )
    name = config.general.mcp_auth_header or environ.get(AUTH_HEADER_VARIABLE) or CLIENT_AUTH
    public = urlsplit(config.general.public_url or "").netloc
    guard = Guard((public,) if public else (), config.general.cors.origins or ())

    def make(server: KeptServer) -> Upstream:
        return added(server, config, environ, networks, oauth)

    kept = None
    if accounts is not None:
        kept = Kept(McpServerStore(accounts.database, accounts.pepper), served, make)
        kept.begin()
        accounts.along(kept.follow)
    address = config.general.public_url or ""

    def base(inbound: Inbound) -> str:
        return public_base(address, inbound.scheme, inbound.host, "")

    document = f"{address.rstrip('/')}{DOCUMENT}" if address.startswith("https:") else None
    sign_ins = SignIns(served, oauth.vault, oauth.notes, document)
    desk = Desk(sign_ins, oauth.invitations, guard, lambda: gateway.authenticator, base)
    front = None if accounts is None else oauth.front(gateway, accounts, guard, base)
    return Endpoint(
        served,
        Runner(gateway, hooks(config.settings.callbacks, config.source)),
        guard,
        client_auth=name,
        public_url=address,
        more=(*desk.routes(), *(() if front is None else front.routes)),
        door=None if front is None else front.door,
        management=Management(served, make, kept),
        transports=(networks.operators, networks.others),
    )


def sealing(pepper: bytes) -> bytes:
    """What cursors and ids of tasks are signed with: the same in all processes of one home, and after a restart."""
    return hmac.digest(pepper, b"mcp: cursors and tasks", "sha256")


def hub(
    config: Config,
    environ: Mapping[str, str],
    transport: Transport,
    key: bytes | None = None,
    *,
    oauth: OAuth,
) -> Hub:
    """The servers of the configuration. Raises ConfigError."""
    aliases = {server: alias for alias, server in config.settings.mcp_aliases.items()}

    def made(server: McpServer) -> Upstream:
        one = definition(server, environ, aliases.get(server.name))
        return Upstream(one, transport, environ, oauth.tokens(one, server, configured=True))

    upstreams = [made(server) for server in config.mcp_servers]
    return Hub(upstreams, separator=environ.get(SEPARATOR_VARIABLE) or "-", key=key or os.urandom(32))


def added(kept: KeptServer, config: Config, environ: Mapping[str, str], networks: Networks, oauth: OAuth) -> Upstream:
    """One that was added over the API: it names no variable of ours, starts nothing and leads nowhere that the
    operator's file does not allow. Raises ConfigError."""
    server, _ = read_said(kept.said)
    made = msgspec.structs.replace(definition(server, {}), id=kept.id)
    general = config.general
    if made.command is not None and made.command.command not in general.mcp_api_commands:
        raise ConfigError(
            f"the command {made.command.command!r} may not be started; `general_settings.mcp_api_commands` names those "
            "that a server which is added over the API may start"
        )
    if made.address is None:
        return Upstream(made, networks.operators, environ)
    origin = made.address.origin
    tokens = oauth.tokens(made, server, configured=False)
    allowed = {host.lower() for host in general.mcp_api_hosts}
    if not allowed.isdisjoint((origin.host, f"{origin.host}:{origin.port}")):
        return Upstream(made, networks.operators, environ, tokens)
    why = UNTRUSTED.refuses(origin)
    if why:
        raise ConfigError(f"its URL leads nowhere that is open: {why}; `general_settings.mcp_api_hosts` names others")
    return Upstream(made, networks.others, environ, tokens)


def definition(server: McpServer, environ: Mapping[str, str], alias: str | None = None) -> Definition:
    """Raises ConfigError where a variable that it names is not set."""
    address = command = None
    if server.url is not None:
        origin, target = split_url(_filled(server.url, server, environ))
        headers = [(name.lower(), _filled(value, server, environ)) for name, value in server.headers.items()]
        if server.auth_value is not None:
            headers += credential(server.auth_type, _filled(server.auth_value, server, environ))
        address = Address(origin, target, tuple(headers))
    elif server.command is not None:
        env = {name: _filled(value, server, environ) for name, value in server.env.items()}
        command = Command(command=server.command, args=server.args, env=env, cwd=server.cwd)
    costs = server.info.get("mcp_server_cost_info")
    costs = costs if isinstance(costs, dict) else {}
    by_tool = costs.get("tool_name_to_cost_per_query")
    return Definition(
        name=server.name,
        alias=server.alias or alias,
        address=address,
        command=command,
        transport=server.transport,
        version=server.version,
        description=server.description or str(server.info.get("description") or ""),
        info=server.info,
        instructions=server.instructions,
        auth_type=server.auth_type,
        brings=tuple(name.lower() for name in server.brings),
        allowed=None if server.allowed is None else _own_names(server.allowed, server),
        disallowed=_own_names(server.disallowed, server),
        allowed_params={tool: frozenset(names) for tool, names in server.allowed_params.items()},
        display=server.display,
        descriptions=server.descriptions,
        groups=frozenset(server.groups),
        for_all=server.for_all,
        timeout_s=server.timeout_s,
        cost_nanousd=_nanousd(costs.get("default_cost_per_query"), server),
        costs_nanousd={
            str(tool): cost
            for tool, told in (by_tool.items() if isinstance(by_tool, dict) else ())
            if (cost := _nanousd(told, server)) is not None
        },
        parallel=server.parallel,
        sampling=server.sampling,
        elicitation=server.elicitation,
    )


def _own_names(tools: Iterable[str], server: McpServer) -> frozenset[str]:
    """Without the server's name before them, which LiteLLM takes too."""
    prefixes = tuple(f"{name}-" for name in (server.alias, server.name) if name)
    return frozenset(
        tool for name in tools for tool in (name, *(name[len(p) :] for p in prefixes if name.startswith(p)))
    )


def _nanousd(told: Json, server: McpServer) -> int | None:
    if told is None:
        return None
    try:
        dollars = Fraction(str(told))
    except (ValueError, ZeroDivisionError):
        dollars = Fraction(-1)
    if dollars < 0:
        raise ConfigError(f"{server.where}: the MCP server {server.name!r}: a cost is dollars a call, not {told!r}.")
    return round(dollars * NANO)


def _filled(value: Secret, server: McpServer, environ: Mapping[str, str]) -> str:
    """With the variables of the environment that it names as `${NAME}`."""

    def variable(found: re.Match[str]) -> str:
        name = found[1]
        if name not in environ:
            raise ConfigError(f"{server.where}: the MCP server {server.name!r} needs ${{{name}}}, which is not set.")
        return environ[name]

    return _VARIABLE.sub(variable, value.reveal())
