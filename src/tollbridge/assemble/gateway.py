"""All parts of a gateway, joined as the configuration says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.assemble.accounts import Accounts
from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.files import desk
from tollbridge.assemble.live import live
from tollbridge.assemble.mcp_room import McpRoom, Networks
from tollbridge.assemble.misgivings import misgivings, tell_nothing_served, tell_unusable_proxies
from tollbridge.assemble.models import Models
from tollbridge.assemble.offline import offline
from tollbridge.assemble.passing import through
from tollbridge.assemble.places import places
from tollbridge.assemble.routing import engine_of
from tollbridge.calls.build import WIRES
from tollbridge.config.findings import Findings
from tollbridge.config.models import access_groups
from tollbridge.config.settings import Config
from tollbridge.files.desk import Desk
from tollbridge.home import Home
from tollbridge.ledger.unkept import Unkept
from tollbridge.live.desk import LiveDesk
from tollbridge.observe import Metrics, Observer
from tollbridge.observe.ulid import Ulids
from tollbridge.passing.through import Through
from tollbridge.providers.own_row import row_from_config
from tollbridge.providers.ready import half_set_up
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO_HOST, ROWS
from tollbridge.routing.engine import Engine
from tollbridge.server.allowance import Allowance
from tollbridge.server.annex import Annex
from tollbridge.server.cors import Cors
from tollbridge.server.gateway import Gateway, Load, Rules
from tollbridge.server.http.limits import Limits
from tollbridge.server.identify import Authenticator
from tollbridge.server.routes import Route
from tollbridge.transport.base import Transport
from tollbridge.transport.egress import UNTRUSTED
from tollbridge.transport.http1 import HttpTransport
from tollbridge.transport.inprocess import ByHost, InProcess
from tollbridge.transport.select import transport_for
from tollbridge.transport.tls import TlsSettings
from tollbridge.wires.seal import Seals


class Assembled(msgspec.Struct, frozen=True, eq=False):
    """`problems`: entries that do not serve, or at no known price, and hooks that are not called, one line each; not
    what the configuration's findings told of."""

    gateway: Gateway
    problems: Sequence[str]
    mcp: McpRoom
    through: Through | None = None
    files: Desk | None = None
    live: LiveDesk | None = None

    def routes(self) -> tuple[Route | Annex, ...]:
        """Those of the rooms above the server, in the order in which they are asked."""
        files = () if self.files is None else self.files.routes()
        live = () if self.live is None else self.live.routes()
        return (*self.mcp.routes(), *live, *files, *(() if self.through is None else self.through.routes()))


def assemble(
    config: Config,
    environ: Mapping[str, str],
    home: Home,
    authenticator: Authenticator,
    observers: Sequence[Observer] = (),
    accounts: Accounts | None = None,
) -> Assembled:
    """Opens no socket: that happens with the first request. Without `accounts` there are no keys but the master key,
    and nothing is written down."""
    rows = provider_rows(config)
    transports = transport(config, environ)
    maker = Maker(config, environ, rows, transports)
    groups = maker.groups() if config.source is not None else maker.of_environment()
    metrics = Metrics()
    engine = engine_of(config, groups, transports, metrics.attempted)
    load = Load()
    _gauges(metrics, engine, load)
    if accounts is not None:
        accounts.show(metrics)
        authenticator = authenticator.with_keys(accounts.keyring)
    gateway = Gateway(
        engine=engine,
        authenticator=authenticator,
        metrics=metrics,
        observers=(metrics, *observers),
        dialects=WIRES,
        seals=Seals(home.seal_key()),
        rules=rules(config),
        load=load,
        started=int(time.time()),
        journal=Unkept() if accounts is None else accounts.ledger.journal,
        ulids=Ulids(),
        idempotency=None if accounts is None else accounts.idempotency,
        responses=None if accounts is None else accounts.responses,
        allowance=Allowance() if accounts is None else Allowance(accounts.limiter, accounts.book),
    )
    mcp = McpRoom(config, environ, gateway, mcp_networks(config, environ), accounts, authenticator)
    mcp.begin()
    there = places(config, environ, rows, maker)
    models = Models(environ, rows, maker, gateway)
    passed = through(config, rows, maker, there.named, models, gateway)
    kept, sockets = None, live(config, gateway, there, _tls(config), _proxies(config, environ))
    if accounts is not None:
        kept = desk(config.general, rows, there, models, gateway, accounts, home.reply_key())
    told = Findings()
    if config.settings.callbacks:
        from tollbridge.assemble.reading_hooks import tell_uncalled  # few have hooks, and it reads Python

        tell_uncalled(config.settings.callbacks, config.source, told)
    tell_nothing_served(config, told)
    tell_unusable_proxies(_proxies(config, environ), told)
    problems = [str(one) for one in (*misgivings(maker), *told.all())]
    if config.source is None:
        problems += [f"the environment: warning: {one.told()}" for one in half_set_up(environ, rows)]
    return Assembled(gateway, problems, mcp, passed, kept, sockets)


def provider_rows(config: Config) -> Mapping[str, Provider]:
    """The table, with the operator's own rows over it."""
    return {**ROWS, **{row.name: row for row in map(row_from_config, config.providers)}}


def transport(config: Config, environ: Mapping[str, str]) -> ByHost:
    return ByHost({DEMO_HOST: InProcess(offline())}, _network(config, environ))


def mcp_networks(config: Config, environ: Mapping[str, str]) -> Networks:
    """Of their own: streams of MCP servers stay open for long, and take no model's connection away."""
    return Networks(_network(config, environ), HttpTransport(tls=_tls(config), egress=UNTRUSTED))


def _tls(config: Config) -> TlsSettings:
    settings = config.settings
    return TlsSettings(
        ca_file=settings.ssl_verify if isinstance(settings.ssl_verify, str) else "",
        client_cert=settings.ssl_certificate or "",
        verify=settings.ssl_verify is not False,
    )


def _network(config: Config, environ: Mapping[str, str]) -> Transport:
    return transport_for(_proxies(config, environ), tls=_tls(config))


def _proxies(config: Config, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with the proxies that the file names."""
    proxies = config.general.proxies
    network = dict(environ)
    for name, url in (("http_proxy", proxies.http), ("https_proxy", proxies.https)):
        if url is not None:
            network[name] = url.reveal()
    if proxies.no_proxy is not None:
        network["no_proxy"] = ",".join(proxies.no_proxy)
    return network


def rules(config: Config) -> Rules:
    general = config.general
    said: dict[str, object] = {
        "heartbeat_s": general.heartbeat_s,
        "cancel_on_disconnect": general.cancel_on_disconnect,
        "expose_usage": general.always_include_stream_usage,
        "strict": general.strict,
        "forward_client_headers": general.forward_client_headers,
        "user_header": general.user_header_name.lower().encode() if general.user_header_name else None,
        "key_header": general.key_header_name.lower().encode() if general.key_header_name else None,
        "metrics_token": None if general.metrics_token is None else general.metrics_token.reveal(),
        "block_unpriced": config.settings.block_unpriced,
        "stream_cost": config.settings.stream_cost,
        "streams_max": general.max_concurrent_streams,
        "requests_max": general.max_concurrent_requests,
        "drains_max": general.drains_max,
        "drain_s": general.drain_s,
        "access_groups": tuple(access_groups(config.models)),
    }
    return Rules(**{name: value for name, value in said.items() if value is not None})  # type: ignore[arg-type]


def limits(config: Config) -> Limits:
    general = config.general
    said = {name: value for name, value in msgspec.structs.asdict(general.limits).items() if value is not None}
    if general.max_request_size_mb is not None:
        said["body_bytes"] = said["upload_bytes"] = int(general.max_request_size_mb * 1024 * 1024)
    return Limits(**said)


def cors(config: Config) -> Cors | None:
    said = {name: value for name, value in msgspec.structs.asdict(config.general.cors).items() if value is not None}
    return Cors(**said) if config.general.cors.origins else None


def _gauges(metrics: Metrics, engine: Engine, load: Load) -> None:
    metrics.gauges["tollbridge_inflight"] = ("Requests under way", (), lambda: {(): float(load.requests)})
    metrics.gauges["tollbridge_streams"] = ("Streams under way", (), lambda: {(): float(load.streams)})
    metrics.gauges["tollbridge_breaker_state"] = (
        "1 while a deployment rests after failures",
        ("deployment",),
        lambda: {(id,): 1.0 for id in engine.routes.health.resting(engine.routes.now())},
    )
    metrics.counters["tollbridge_shed"] = ("Requests refused because the gateway was full", lambda: float(load.shed))
