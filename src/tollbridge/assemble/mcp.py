"""The configured MCP servers, and the endpoint in front of them."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterable, Mapping, Set
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tollbridge.assemble.accounts import Accounts
from tollbridge.assemble.aws import signing
from tollbridge.assemble.hooks import hooks
from tollbridge.assemble.mcp_room import NOTHING, Found, Networks, count
from tollbridge.assemble.oauth import OAuth
from tollbridge.config.mcp import is_url, read_said
from tollbridge.config.mcp_doubts import COST_BY_TOOL, COSTS, DEFAULT_COST
from tollbridge.config.settings import Config, McpServer
from tollbridge.config.template import Unset, fill
from tollbridge.errors import ConfigError
from tollbridge.mcp.definition import Command, Definition
from tollbridge.mcp.endpoint import CLIENT_AUTH, Endpoint
from tollbridge.mcp.guard import Guard
from tollbridge.mcp.http import Address, Pairs
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.kept import Kept
from tollbridge.mcp.management import Management
from tollbridge.mcp.many import Many
from tollbridge.mcp.oauth.desk import DOCUMENT, Desk
from tollbridge.mcp.oauth.sign_in import SignIns
from tollbridge.mcp.openapi.document import NoDocument, base_of, read_document
from tollbridge.mcp.openapi.source import Source
from tollbridge.mcp.outbound import credential
from tollbridge.mcp.pins import Pins
from tollbridge.mcp.run import Runner
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json
from tollbridge.model.money import NANO
from tollbridge.secret import Secret
from tollbridge.server.forwarded import public_base
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.store.mcp_pins import PinStore
from tollbridge.store.mcp_servers import KeptServer, McpServerStore
from tollbridge.transport.base import Incoming, Origin, Outgoing, Timeouts, Transport
from tollbridge.transport.egress import UNTRUSTED, split_url
from tollbridge.transport.head import FRAMING, is_header

SEPARATOR_VARIABLE = "MCP_TOOL_PREFIX_SEPARATOR"
AUTH_HEADER_VARIABLE = "LITELLM_MCP_CLIENT_SIDE_AUTH_HEADER_NAME"
_STEERS = re.compile(
    r"(LD|DYLD)_.*|PYTHON.*|NODE_.*|NPM_.*|UV_.*|PIP_.*|PERL5.*|RUBY.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|BASH_ENV|ENV|IFS"
    r"|PATH|SHELL|SHELLOPTS|PROMPT_COMMAND|GIT_.*|EDITOR|PAGER|HOME|.*_PROXY"
)
"""Variables by which an allowed command would run what nobody allowed."""


def endpoint(
    config: Config,
    environ: Mapping[str, str],
    gateway: Gateway,
    networks: Networks,
    accounts: Accounts | None = None,
    found: Found = NOTHING,
) -> Endpoint:
    """Reaches nobody yet: a server is reached when it is first asked for. Without `accounts` none is added over the
    API. `found`: what the database has of MCP."""
    oauth = OAuth(config, networks.operators, networks.others, accounts)
    pins = Pins(None if accounts is None else PinStore(accounts.database))
    key = None if accounts is None else sealing(accounts.pepper)
    served = hub(config, environ, networks.operators, key, oauth=oauth, pins=pins)
    count(gateway.metrics, pins)
    name = config.general.mcp_auth_header or environ.get(AUTH_HEADER_VARIABLE) or CLIENT_AUTH
    public = urlsplit(config.general.public_url or "").netloc
    guard = Guard((public,) if public else (), config.general.cors.origins or ())

    def make(server: KeptServer) -> Upstream:
        return added(server, config, environ, networks, oauth)

    kept = None
    if accounts is not None:
        kept = Kept(McpServerStore(accounts.database, accounts.pepper), served, make)
        kept.begin(found.servers)
        accounts.along(kept.follow)
        pins.begin(found.pins)
        accounts.along(pins.follow)
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
        is_admins=lambda key: gateway.authenticator.is_admins(key),
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
    pins: Pins | None = None,
) -> Hub:
    """The servers of the configuration. Raises ConfigError."""
    folder = Path.cwd() if config.source is None else Path(config.source).parent
    aliases = {server: alias for alias, server in config.settings.mcp_aliases.items()}

    def made(server: McpServer) -> Upstream:
        one = definition(server, environ, aliases.get(server.name), folder)
        signed = transport
        if one.address is not None:
            signed = signing(server, one.address.origin, transport, environ, configured=True)
        return Upstream(one, signed, environ, oauth.tokens(one, server, configured=True))

    return Hub(
        [made(server) for server in config.mcp_servers],
        separator=environ.get(SEPARATOR_VARIABLE) or "-",
        key=key or os.urandom(32),
        pins=pins,
        many=Many(config.general.mcp_search_above),
    )


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
    variables = () if made.command is None else made.command.env
    steered = sorted(name for name in variables if _STEERS.fullmatch(name.upper()))
    if steered:
        raise ConfigError(f"the variable {steered[0]!r} may not be said here: it makes a program run something else")
    if made.address is None:
        return Upstream(made, networks.operators, environ)
    network = Allowed(networks, frozenset(host.lower() for host in general.mcp_api_hosts))
    for address in (made.address, None if made.api is None else made.api.address):
        why = "" if address is None or network.allows(address.origin) else UNTRUSTED.refuses(address.origin)
        if why:
            raise ConfigError(
                f"its URL leads nowhere that is open: {why}; `general_settings.mcp_api_hosts` names others"
            )
    signed = signing(server, made.address.origin, network, environ, configured=False)
    return Upstream(made, signed, environ, oauth.tokens(made, server, configured=False))


class Allowed:
    """`Transport` of a server that was added over the API: `hosts` are those that the operator's file allows, all
    others are public ones."""

    def __init__(self, networks: Networks, hosts: frozenset[str]) -> None:
        self._networks = networks
        self._hosts = hosts

    def allows(self, origin: Origin) -> bool:
        return not self._hosts.isdisjoint((origin.host, f"{origin.host}:{origin.port}"))

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        network = self._networks.operators if self.allows(request.origin) else self._networks.others
        return await network.send(request, timeouts)

    async def close(self) -> None:
        """The networks are closed by whoever made them."""


def described(
    server: McpServer, spec: str, address: Address | None, headers: Pairs, folder: Path | None
) -> tuple[Address, Source]:
    """Where an API is, and its document. Raises ConfigError."""
    keyed = server.auth_type == "api_key"
    if is_url(spec):
        origin, target = split_url(spec)
        same = address is None or address.origin == origin
        document = Address(origin, target, headers if same else ())  # a credential is for the API's host alone
        return address or Address(origin, "/", headers), Source(
            address=document, base_inside=address is None, keyed=keyed
        )
    if folder is None:
        raise ConfigError("`spec_path` is a URL here: files are named in the configuration")
    file = folder / Path(spec).expanduser()
    if address is not None:
        return address, Source(file=file, keyed=keyed)
    where = f"{server.where}: the MCP server {server.name!r}: {spec}"
    try:
        base = base_of(read_document(file.read_bytes()))
        return Address(*split_url(base or ""), headers), Source(file=file, keyed=keyed)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}.") from error
    except NoDocument as error:
        raise ConfigError(f"{where} cannot be used: {error}.") from error
    except ValueError as error:
        raise ConfigError(f"{where} does not say where the API is; say it in `url`.") from error


def definition(
    server: McpServer, environ: Mapping[str, str], alias: str | None = None, folder: Path | None = None
) -> Definition:
    """`folder`: where files that it names are; None allows none. Raises ConfigError where a variable that it names is
    not set, or a file cannot be used."""
    address = command = api = None
    fixed: dict[str, str] = {}
    for name, value in server.headers.items():
        text = _filled(value, server, environ, f"headers.{name}")
        _check_header(name.lower(), text, server, f"headers.{name}")
        fixed[name.lower()] = text
    headers: dict[str, str] = {}
    if server.auth_value is not None:
        for name, text in credential(server.auth_type, _filled(server.auth_value, server, environ, "auth_value")):
            _check_header(name, text, server, "auth_value")
            headers[name] = text
    headers |= fixed
    pairs = tuple(headers.items())
    for name in server.brings:
        _check_header(name.lower(), "", server, f"brings.{name}", FRAMING | {"host"})
    if server.url is not None:
        url = _filled(server.url, server, environ, "url")
        try:
            address = Address(*split_url(url), pairs)
        except ValueError as error:
            raise ConfigError(f"{_place(server, 'url')}: the MCP server {server.name!r}: its URL: {error}.") from error
    if server.spec is not None:
        address, api = described(server, _filled(server.spec, server, environ, "spec"), address, pairs, folder)
    elif server.command is not None:
        command = Command(
            command=_filled(server.command, server, environ, "command"),
            args=tuple(_filled(value, server, environ, "args") for value in server.args),
            env={name: _filled(value, server, environ, f"env.{name}") for name, value in server.env.items()},
            cwd=None if server.cwd is None else _filled(server.cwd, server, environ, "cwd"),
        )
    costs = server.info.get(COSTS)
    costs = costs if isinstance(costs, dict) else {}
    by_tool = costs.get(COST_BY_TOOL)
    return Definition(
        name=server.name,
        alias=server.alias or alias,
        address=address,
        command=command,
        api=api,
        transport=server.transport,
        version=server.version,
        description=server.description or str(server.info.get("description") or ""),
        info=server.info,
        instructions=server.instructions,
        auth_type=server.auth_type,
        fixed=frozenset(fixed),
        brings=tuple(name.lower() for name in server.brings),
        allowed=None if server.allowed is None else _own_names(server.allowed, server),
        disallowed=_own_names(server.disallowed, server),
        allowed_params={tool: frozenset(names) for tool, names in server.allowed_params.items()},
        display=server.display,
        descriptions=server.descriptions,
        groups=frozenset(server.groups),
        for_all=server.for_all,
        timeout_s=server.timeout_s,
        cost_nanousd=_nanousd(costs.get(DEFAULT_COST), server),
        costs_nanousd={
            str(tool): cost
            for tool, told in (by_tool.items() if isinstance(by_tool, dict) else ())
            if (cost := _nanousd(told, server)) is not None
        },
        parallel=server.parallel,
        rpm=server.rpm,
        sampling=server.sampling,
        elicitation=server.elicitation,
        pin=server.pin,
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


def _check_header(name: str, value: str, server: McpServer, field: str, never: Set[str] = FRAMING) -> None:
    """Raises ConfigError for one that cannot be sent. Its value is not told."""
    if name in never:
        why = f"the header {name!r} belongs to the connection and cannot be set"
    elif not is_header(name, ""):
        why = f"{name!r} is not the name of a header"
    elif not is_header(name, value):
        why = f"the value of the header {name!r} holds a line break, a control or a non-latin-1 character"
    else:
        return
    raise ConfigError(f"{_place(server, field)}: the MCP server {server.name!r}: {why}.")


def _place(server: McpServer, field: str) -> str:
    """Where it was said. `field`: as in `server.places`."""
    return str(server.places.get(field) or server.places.get(field.partition(".")[0]) or server.where)


def _filled(value: Secret | str, server: McpServer, environ: Mapping[str, str], field: str) -> str:
    """With the variables of the environment that it names as `${NAME}`. `field`: as in `server.places`."""
    try:
        return fill(value if isinstance(value, str) else value.reveal(), environ)
    except Unset as unset:
        told = f"{_place(server, field)}: the MCP server {server.name!r} needs ${{{unset.name}}}, which is not set."
        raise ConfigError(told) from unset
