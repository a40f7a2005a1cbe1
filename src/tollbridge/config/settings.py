"""The configuration as values. Times in seconds, sizes as their names say. None: the operator did not say.

What holds a secret has a `repr` that does not show it; single secrets are `Secret`s.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Literal

import msgspec

from tollbridge.calls.cache_points import CachePoint
from tollbridge.calls.tariff import Markup
from tollbridge.catalog.price_file import FiledPrices
from tollbridge.config.findings import Place
from tollbridge.model.json import Json, JsonObject
from tollbridge.secret import Secret


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One deployment of `model_list`.

    `model`: as written (`openai/gpt-4o`, `openai/*`, or a bare name). `id`: `model_info.id`, else made from what the
    entry says without its secrets, the same at each start. `params`: what only the provider's own file understands
    (`aws_region_name`, `vertex_project` ...; secrets among them are `Secret`s). `defaults`: body fields for what the
    client does not say; `extra_body`: fields that win. `prices`: one's own, in nano-dollars per million
    units by the names of `catalog.price_names`. `disabled`: why this deployment does not serve, or None.
    """

    id: str
    model_name: str
    model: str
    where: Place
    disabled: str | None = None
    api_key: Secret | None = None
    api_base: str | None = None
    api_version: str | None = None
    organization: str | None = None
    custom_llm_provider: str | None = None
    params: JsonObject = {}
    defaults: JsonObject = {}
    extra_headers: Mapping[str, str] = {}
    extra_body: JsonObject = {}
    prices: Mapping[str, int] = {}
    timeout_s: float | None = None
    stream_timeout_s: float | None = None
    timeouts_by_service_s: Mapping[str, float] = {}
    stream_timeouts_by_service_s: Mapping[str, float] = {}
    max_retries: int | None = None
    weight: float | None = None
    passes_through: bool = False
    order: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    tags: tuple[str, ...] = ()
    drop_params: bool | None = None
    modify_params: bool | None = None
    cache_points: tuple[CachePoint, ...] = ()
    additional_drop_params: tuple[str, ...] = ()
    allowed_openai_params: tuple[str, ...] = ()
    mock_response: Json = None
    model_info: JsonObject = {}

    def __repr__(self) -> str:
        return f"<ModelEntry {self.model_name!r} -> {self.model!r}, {self.where}>"


class Alias(msgspec.Struct, frozen=True):
    """Another name for a model group. `hidden`: not listed."""

    model: str
    hidden: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`drop_params`: True drops what a target cannot say, False refuses the request, None drops it with a Caveat.
    `own_identity`: Azure without a key is asked as the machine, or whoever is signed in there. `ssl_verify`: False, or
    a file with the authorities to trust. `ssl_certificate`: our certificate and key (PEM). `block_unpriced`: refuse
    models without a price. `budget_status`: of a refusal because a budget is used up. `stream_cost`: told in a
    stream's usage chunk. `discounts`, `margins`: by provider, as
    `calls.tariff.Markups`. `mcp_aliases`: another name -> the MCP server's. `model_aliases`: a deployment's
    `model` -> what is meant. `callbacks`: hooks of the operator's,
    `file.object`."""

    drop_params: bool | None = None
    modify_params: bool = False
    own_identity: bool = False
    verbose: bool = False
    ssl_verify: bool | str = True
    ssl_certificate: str | None = None
    block_unpriced: bool = False
    budget_status: int = 429
    stream_cost: bool = False
    discounts: Mapping[str, Fraction] = {}
    margins: Mapping[str, Markup] = {}
    mcp_aliases: Mapping[str, str] = {}
    model_aliases: Mapping[str, str] = {}
    callbacks: tuple[str, ...] = ()


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`retries`: more attempts after the first; `retries_in_all`: at most, with those at fallbacks. `timeout_s`: a
    request from beginning to end, unless its deployment says otherwise; `stream_timeout_s`: the same for streams.
    `retry_after_s`: the least wait before a retry on the same deployment. `check_context`: ask whether a prompt fits
    before it is sent. `by_tags`: a request's tags choose among deployments; `tags_match_any`: one of them is enough."""

    strategy: str = "simple-shuffle"
    aliases: Mapping[str, Alias] = {}
    retries: int = 2
    retries_in_all: int | None = None
    retry_policy: Mapping[str, int] = {}
    retry_after_s: float = 0.0
    timeout_s: float = 6000.0
    stream_timeout_s: float | None = None
    allowed_fails: int = 3
    cooldown_s: float = 5.0
    disable_cooldowns: bool = False
    fallbacks: Mapping[str, tuple[str, ...]] = {}
    context_window_fallbacks: Mapping[str, tuple[str, ...]] = {}
    content_policy_fallbacks: Mapping[str, tuple[str, ...]] = {}
    default_fallbacks: tuple[str, ...] = ()
    max_fallbacks: int = 5
    check_context: bool = False
    by_tags: bool = False
    tags_match_any: bool = True


class CorsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """None: the server's own default."""

    origins: tuple[str, ...] = ()
    credentials: bool = False
    methods: tuple[str, ...] | None = None
    headers: tuple[str, ...] | None = None
    expose: tuple[str, ...] | None = None
    max_age_s: int | None = None


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Our listener's certificate. `client_ca`: clients must show a certificate of these authorities."""

    cert: Path
    key: Path
    client_ca: Path | None = None


class TimeoutSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Upstream, as in `transport.base.Timeouts`. `total_s` stands before `RouterSettings.timeout_s`."""

    connect_s: float | None = None
    first_byte_s: float | None = None
    gap_s: float | None = None
    total_s: float | None = None


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What one client may use, as in `server.http.limits.Limits`, whose defaults hold where this is None."""

    target_bytes: int | None = None
    head_bytes: int | None = None
    header_count: int | None = None
    inflation: int | None = None
    header_s: float | None = None
    body_s: float | None = None
    body_rate: int | None = None
    idle_s: float | None = None
    write_s: float | None = None
    requests: int | None = None
    connections: int | None = None
    upload_bytes: int | None = None


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Proxies on the way to providers; each stands before HTTP_PROXY, HTTPS_PROXY, NO_PROXY. A URL may hold a
    password."""

    http: Secret | None = None
    https: Secret | None = None
    no_proxy: tuple[str, ...] | None = None


class OwnPath(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One of `general_settings.pass_through_endpoints`. `headers`: what the operator sends along, credentials among
    them; `below`: longer paths lead there too; `cost`: dollars of a request, None is unknown. `where`: its place."""

    path: str
    target: Secret
    headers: Mapping[str, Secret] = {}
    below: bool = False
    forwards: bool = False
    methods: tuple[str, ...] = ()
    query: Mapping[str, str] = {}
    cost: float | None = None
    timeout_s: float | None = None
    where: str = ""

    def __repr__(self) -> str:
        return f"<OwnPath {self.path}>"


class TokenIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization server whose access tokens are taken at the MCP endpoint. `keys`: aliases of gateway keys by the
    value of `claim`."""

    issuer: str = ""
    jwks_url: str | None = None
    audiences: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claim: str = "sub"
    keys: Mapping[str, str] = {}
    scopes: tuple[str, ...] = ()


class FiledPriceList(msgspec.Struct, frozen=True, kw_only=True):
    """`general_settings.prices_file`. `path`: None where none is named; a file that is not there yet has no models."""

    path: Path | None = None
    models: Mapping[str, FiledPrices] = {}


class GeneralSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The server's own. `database_url`: None is SQLite in the state directory. `cancel_on_disconnect`: False reads a
    stream on whose client left, for its usage: at most `drains_max` at once, each `drain_s` long.

    `retention_s`: how long the ledger's rows are kept, infinite for ever; they are looked for every
    `retention_every_s`, and removed `retention_batch` at a time, at most `retention_batches` of them.
    `serve_without_journal`: go on where nothing can be written down. `mcp_auth_header`: by which a client brings a
    credential for MCP servers. `mcp_api_commands`, `mcp_api_hosts`: what a server that is added over the API may start,
    and where it may be besides public addresses. `mcp_token_issuers`: whose access tokens are taken there.
    `mcp_search_above`: with more tools than that they are searched. `own_paths`: passed through to where the operator
    says; `pass_through_account`: keys that may ask for all models of a provider may take all of its paths.
    `prices_file`: lists of prices in the place of the catalog's. `no_own_key_texts`: nobody says what a key's
    text is."""

    master_key: Secret | None = None
    database_url: Secret | None = None
    no_own_key_texts: bool = False
    mcp_auth_header: str | None = None
    mcp_api_commands: tuple[str, ...] = ()
    mcp_api_hosts: tuple[str, ...] = ()
    own_paths: tuple[OwnPath, ...] = ()
    pass_through_account: bool = False
    mcp_token_issuers: tuple[TokenIssuer, ...] = ()
    mcp_search_above: int | None = None
    open_on_loopback: bool = False
    key_header_name: str | None = None
    user_header_name: str | None = None
    forward_client_headers: bool = False
    max_request_size_mb: float | None = None
    cancel_on_disconnect: bool = True
    always_include_stream_usage: bool = False
    strict: bool = False
    max_concurrent_requests: int | None = None
    max_concurrent_streams: int | None = None
    drains_max: int | None = None
    drain_s: float | None = None
    heartbeat_s: float = 15.0
    shutdown_grace_s: float = 120.0
    retention_s: float = 90 * 86_400.0
    retention_every_s: float = 3600.0
    retention_batch: int = 500
    retention_batches: int = 10_000
    serve_without_journal: bool = False
    metrics_token: Secret | None = None
    public_url: str | None = None
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    forwarded_standard: bool = False
    cors: CorsSettings = CorsSettings()
    tls: TlsSettings | None = None
    timeouts: TimeoutSettings = TimeoutSettings()
    limits: LimitSettings = LimitSettings()
    proxies: ProxySettings = ProxySettings()
    prices_file: FiledPriceList = FiledPriceList()


McpTransport = Literal["http", "sse", "stdio"]
McpPinning = Literal["alert", "strict", "none"]


class McpServer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One of `mcp_servers`, by LiteLLM's meanings. `where`: its place; `places`: those of its values that a start may
    find wrong, by field (and name: `headers.x-team`). `brings`: headers of the client that go along. `info`: free-form;
    `mcp_server_cost_info` in it says what calls cost. `spec`: the file or the URL of an OpenAPI document; `url` is
    where its API is then. `aws`: who signs requests, in LiteLLM's words (`aws_region_name` ...)."""

    name: str
    where: str = ""
    places: Mapping[str, Place] = {}
    alias: str | None = None
    url: Secret | None = None
    spec: Secret | None = None
    transport: McpTransport | None = None
    version: str | None = None
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, Secret] = {}
    cwd: str | None = None
    auth_type: str = "none"
    auth_value: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    authorization_url: str | None = None
    token_url: str | None = None
    registration_url: str | None = None
    issuer: str | None = None
    oauth_flow: str | None = None
    oauth_method: str | None = None
    client_key: Secret | None = None
    client_key_id: str | None = None
    client_algorithm: str = "RS256"
    exchange_url: str | None = None
    exchange_profile: Literal["rfc8693", "entra_obo"] = "rfc8693"
    audience: str | None = None
    subject_type: str | None = None
    oauth_resource: str | None = None
    sign_in: str = "each"
    aws: Mapping[str, str | Secret] = {}
    brings: tuple[str, ...] = ()
    headers: Mapping[str, Secret] = {}
    description: str = ""
    instructions: str | None = None
    info: JsonObject = {}
    allowed: tuple[str, ...] | None = None
    disallowed: tuple[str, ...] = ()
    allowed_params: Mapping[str, tuple[str, ...]] = {}
    display: Mapping[str, str] = {}
    descriptions: Mapping[str, str] = {}
    groups: tuple[str, ...] = ()
    for_all: bool = False
    timeout_s: float = 60.0
    parallel: int | None = None
    rpm: int | None = None
    sampling: bool = True
    elicitation: bool = True
    pin: McpPinning = "alert"

    def __repr__(self) -> str:
        return f"<McpServer {self.name}>"


class Config(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """`source`: the file, None without one; `files`: it and all it includes. `providers`: the operator's own rows, as
    written, each with a `name` (credentials in them are `Secret`s). `database_place`: where its URL stands.
    `master_key_variable`: by which the file says the master key; None where the key stands in it."""

    models: tuple[ModelEntry, ...] = ()
    providers: tuple[JsonObject, ...] = ()
    mcp_servers: tuple[McpServer, ...] = ()
    settings: Settings = Settings()
    router: RouterSettings = RouterSettings()
    general: GeneralSettings = GeneralSettings()
    source: Path | None = None
    files: tuple[Path, ...] = ()
    database_place: Place | None = None
    master_key_variable: str | None = None

    def __repr__(self) -> str:
        return f"<Config {self.source}: {len(self.models)} deployments>"
