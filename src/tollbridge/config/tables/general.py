"""`general_settings`: LiteLLM's, then our own."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from tollbridge.config.document import Array, Node, Scalar, Table
from tollbridge.config.kinds import (
    At,
    count,
    file,
    flag,
    list_of,
    map_of,
    named,
    number,
    period,
    seconds,
    secret,
    text,
    texts,
)
from tollbridge.config.schema import Section, fills, guards, later, moot, read_section, restricts, section
from tollbridge.config.settings import (
    CorsSettings,
    LimitSettings,
    OwnPath,
    ProxySettings,
    TimeoutSettings,
    TlsSettings,
    TokenIssuer,
)
from tollbridge.transport.egress import split_url

CORS = section(
    "general_settings.cors",
    fills("origins", texts, "origins"),
    fills("credentials", flag, "credentials"),
    fills("methods", texts, "methods"),
    fills("headers", texts, "headers"),
    fills("expose", texts, "expose"),
    fills("max_age_s", count, "max_age_s"),
)
TLS = section(
    "general_settings.tls",
    fills("cert", file, "cert"),
    fills("key", file, "key"),
    fills("client_ca", file, "client_ca"),
)
TIMEOUTS = section(
    "general_settings.timeouts",
    *(fills(name, seconds, name) for name in ("connect_s", "first_byte_s", "gap_s", "total_s")),
)
LIMITS = section(
    "general_settings.limits",
    *(
        fills(name, count, name)
        for name in ("target_bytes", "head_bytes", "header_count", "inflation", "body_rate", "requests", "connections")
    ),
    fills("upload_bytes", count, "upload_bytes"),
    *(fills(name, seconds, name) for name in ("header_s", "body_s", "idle_s", "write_s")),
)
PROXIES = section(
    "general_settings.proxies",
    fills("http", secret, "http"),
    fills("https", secret, "https"),
    fills("no_proxy", texts, "no_proxy"),
)

TOKEN_ISSUER = section(
    "general_settings.mcp_token_issuers",
    fills("issuer", named, "issuer"),
    fills("jwks_url", named, "jwks_url"),
    fills("audiences", texts, "audience"),
    fills("algorithms", texts, "algorithms"),
    fills("claim", named, "claim"),
    fills("keys", map_of(named), "keys"),
    fills("scopes", texts, "scopes"),
)
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With which a token may be signed: whoever can check one of these cannot make one."""


OWN_PATH = section(
    "general_settings.pass_through_endpoints",
    fills("path", named, "path"),
    fills("target", secret, "target"),
    fills("headers", map_of(secret), "headers"),
    fills("below", flag, "include_subpath"),
    fills("forwards", flag, "forward_headers"),
    fills("methods", texts, "methods"),
    fills("query", map_of(text), "default_query_params"),
    fills("cost", number, "cost_per_request"),
    fills("timeout_s", seconds, "timeout"),
    fills("auth", flag, "auth"),
    guards("guardrails"),
    later("merge_query_params", "custom_auth_parser"),
    moot("id", "is_from_config"),
)
RESERVED = frozenset({"v1", "v1beta", "key", "mcp", "sse", "health", "healthz", "readyz", "metrics", "spend", "global"})
PASSED_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def _values(node: Node, keys: Section, at: At) -> dict[str, Any]:
    return {name: filled[-1].value for name, filled in read_section(node, keys, at).items()}


def cors(node: Node, at: At) -> CorsSettings:
    settings = CorsSettings(**_values(node, CORS, at))
    if settings.credentials and "*" in settings.origins:
        at.error(node.place, "origins '*' with credentials would give every page the user's rights; name the origins")
    for origin in settings.origins:
        if origin != "*" and ("://" not in origin or origin.endswith("/")):
            at.error(node.place, f"{origin!r} is no origin; write https://app.example.com, without a path")
    return settings


def token_issuer(node: Node, at: At) -> TokenIssuer:
    settings = TokenIssuer(**_values(node, TOKEN_ISSUER, at))
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


def tls(node: Node, at: At) -> TlsSettings | None:
    values = _values(node, TLS, at)
    for needed in ("cert", "key"):
        if needed not in values:
            at.error(node.place, f"lacks `{needed}`")
    if not {"cert", "key"} <= values.keys():
        return None
    return TlsSettings(**{name: Path(value) for name, value in values.items()})


def timeouts(node: Node, at: At) -> TimeoutSettings:
    return TimeoutSettings(**_values(node, TIMEOUTS, at))


def limits(node: Node, at: At) -> LimitSettings:
    return LimitSettings(**_values(node, LIMITS, at))


def proxies(node: Node, at: At) -> ProxySettings:
    return ProxySettings(**_values(node, PROXIES, at))


def public_url(node: Node, at: At) -> str:
    value = text(node, at).rstrip("/")
    if not value.startswith(("http://", "https://")):
        at.expected("a URL that begins with https:// or http://", node)
    return value


def own_paths(node: Node, at: At) -> tuple[OwnPath, ...]:
    found: dict[str, OwnPath] = {}
    for path in list_of(own_path, "a list of endpoints")(node, at):
        if path is not None and path.path in found:
            at.error(node.place, f"{path.path} stands twice")
        elif path is not None:
            found[path.path] = path
    return tuple(found.values())


def own_path(node: Node, at: At) -> OwnPath | None:
    """One that LiteLLM would let anybody take (`auth` is false there unless it is said) needs a key here."""
    values = _values(node, OWN_PATH, at)
    if not isinstance(node, Table) or not {"path", "target"} <= values.keys():
        at.error(node.place, "needs a `path` and a `target`")
        return None
    path = values["path"] = values["path"].rstrip("/")
    if not re.fullmatch(r"(?:/[A-Za-z0-9_.~-]+)+", path) or path.split("/")[1] in RESERVED:
        at.key("path").error(node.place, f"{path!r} is no path of one's own: it begins with `/`, and with none of ours")
    try:
        split_url(values["target"].reveal())
    except ValueError as error:
        at.key("target").error(node.place, str(error))
    methods = values["methods"] = tuple(method.upper() for method in values.get("methods", ()))
    if not PASSED_METHODS.issuperset(methods):
        at.key("methods").error(node.place, f"can be {', '.join(sorted(PASSED_METHODS))}")
    if values.pop("auth", True) is False:
        at.key("auth").warning(node.place, "nothing is open here: who takes this path needs a key")
    return OwnPath(**values, where=f"{node.place.file}:{node.place.line}")


def networks(node: Node, at: At) -> tuple[str, ...]:
    from ipaddress import ip_network  # 9 ms that most starts need not spend

    def network(item: Node, at: At) -> str:
        value = text(item, at)
        try:
            ip_network(value, strict=False)
        except ValueError:
            at.expected("an address or a network such as 10.0.0.0/8", item)
        return value

    return list_of(network, "a list of networks")(node, at)


def retention(node: Node, at: At) -> float:
    """A period, or `never`."""
    return math.inf if isinstance(node, Scalar) and node.value == "never" else period(node, at)


OURS = [
    *fills("general.open_on_loopback", flag, "open_on_loopback"),
    *fills("general.strict", flag, "strict"),
    *fills("general.max_concurrent_streams", count, "max_concurrent_streams"),
    *fills("general.drains_max", count, "drains_max"),
    *fills("general.drain_s", seconds, "drain_s"),
    *fills("general.heartbeat_s", seconds, "heartbeat_s"),
    *fills("general.shutdown_grace_s", number, "shutdown_grace_s"),
    *fills("general.serve_without_journal", flag, "serve_without_journal"),
    *fills("general.metrics_token", secret, "metrics_token"),
    *fills("general.public_url", public_url, "public_url"),
    *fills("general.root_path", text, "root_path"),
    *fills("general.trusted_proxies", networks, "trusted_proxies"),
    *fills("general.forwarded_standard", flag, "forwarded_standard"),
    *fills("general.cors", cors, "cors"),
    *fills("general.tls", tls, "tls"),
    *fills("general.timeouts", timeouts, "timeouts"),
    *fills("general.limits", limits, "limits"),
    *fills("general.proxies", proxies, "proxies"),
    *fills("general.mcp_api_commands", texts, "mcp_api_commands"),
    *fills("general.mcp_api_hosts", texts, "mcp_api_hosts"),
    *fills("general.pass_through_account", flag, "pass_through_account"),
    *fills("general.mcp_token_issuers", token_issuers, "mcp_token_issuers"),
    *fills("general.mcp_search_above", count, "mcp_search_above"),
]

GENERAL = section(
    "general_settings",
    OURS,
    fills("general.master_key", secret, "master_key", needed=True),
    fills("general.database_url", secret, "database_url", needed=True),
    fills("general.mcp_auth_header", named, "mcp_client_side_auth_header_name"),
    fills("general.key_header_name", named, "litellm_key_header_name"),
    fills("general.forward_client_headers", flag, "forward_client_headers_to_llm_api"),
    fills("general.own_paths", own_paths, "pass_through_endpoints"),
    fills("general.max_request_size_mb", number, "max_request_size_mb"),
    fills("general.cancel_on_disconnect", flag, "cancel_on_disconnect"),
    fills("general.always_include_stream_usage", flag, "always_include_stream_usage"),
    fills(
        "general.max_concurrent_requests",
        count,
        "max_in_flight_requests_per_worker",
        "global_max_parallel_requests",
    ),
    fills("general.trusted_proxies", networks, "trusted_proxy_ranges"),
    fills("general.retention_s", retention, "maximum_spend_logs_retention_period"),
    fills("general.retention_every_s", period, "maximum_spend_logs_retention_interval"),
    fills("general.retention_batch", count, "maximum_spend_logs_cleanup_batch_size"),
    fills("general.retention_batches", count, "maximum_spend_logs_cleanup_max_batches"),
    later(
        "accounting_capture",
        "accounting_sync_ack",
        "accounting_sync_ack_timeout_seconds",
        "accounting_sync_ack_failure_policy",
        "accounting_sync_ack_routes",
        "request_tag_mappings",
        "completion_model",
        "embedding_model",
        "image_generation_model",
        "moderation_model",
        "max_queued_requests_per_worker",
        "admission_queue_timeout_seconds",
        "plugins",
        "key_management_system",
        "key_management_settings",
        "use_google_kms",
        "use_azure_key_vault",
        "coordination_redis",
        "control_plane_url",
        "allow_cli_sso_verification_uri_complete",
        "include_call_id_in_error_body",
        "enable_claude_code_gateway",
        "claude_code_gateway_managed_settings",
        "claude_code_marketplace_auth_required",
        "otel",
        "infer_model_from_keys",
        "background_health_checks",
        "health_check_interval",
        "health_check_concurrency",
        "health_check_skip_disabled_background_models",
        "health_check_details",
        "use_shared_health_check",
        "background_health_check_model_groups",
        "model_list_healthy_only",
        "return_wildcard_routes",
        "alerting",
        "alert_types",
        "alert_to_webhook_url",
        "alerting_args",
        "alerting_threshold",
        "spend_report_frequency",
        "enable_public_model_hub",
        "pass_through_request_timeout",
        "enable_openai_websocket_passthrough",
        "vertex_ai_pass_through_drop_anthropic_betas",
        "use_client_credentials_pass_through_routes",
        "transcribe_media_buckets",
        "responses_websocket_session_limit_seconds",
        "user_header_name",
        "user_header_mappings",
        "missing_session_id",
        "user_mcp_management_mode",
        "enable_mcp_registry",
        "mcp_advertised_versions",
        "mcp_required_fields",
        "mcp_prefer_client_id_metadata_document",
        "mcp_client_id_header",
        "mcp_trusted_proxy_ranges",
        "mcp_xff_num_trusted_hops",
        "forward_openai_org_id",
        "forward_llm_provider_auth_headers",
        "custom_auth",
        "custom_auth_run_common_checks",
        "custom_key_generate",
        "custom_sso",
        "custom_ui_sso_sign_in_handler",
        "allow_client_side_credentials",
        "allow_user_auth",
        "enable_jwt_auth",
        "litellm_jwtauth",
        "enable_oauth2_auth",
        "enable_oauth2_proxy_auth",
        "oauth2_config_mappings",
        "auto_redirect_ui_login_to_sso",
        "service_account_settings",
        "proxy_batch_polling_interval",
        "self_serve_budget_policy",
        "failed_login_window_seconds",
        "failed_login_block_seconds",
        "max_failed_login_attempts_per_source",
        "max_failed_login_attempts_per_source_overrides",
        "password_policy_min_length",
        "password_policy_require_uppercase",
        "password_policy_require_lowercase",
        "password_policy_require_numbers",
        "password_policy_require_special_characters",
        "disable_responses_id_security",
        "allow_unmanaged_response_ids",
        "apply_user_budget_to_team_keys",
        "disable_retry_on_max_parallel_request_limit_error",
        "provider_url_destination_allowed_hosts",
        "disable_requester_ip_address_logging",
        "user_url_validation",
    ),
    later(
        "database_connection_pool_limit",
        "database_connection_timeout",
        "database_connect_timeout",
        "database_socket_timeout",
        "database_max_idle_connection_lifetime",
        "database_extra_connection_params",
        "database_disable_prepared_statements",
        "database_type",
        "database_args",
        "store_model_in_db",
        "supported_db_objects",
        "proxy_config_reload_interval_seconds",
        "allow_requests_on_db_unavailable",
        "user_api_key_cache_max_size",
        "user_api_key_cache_ttl",
        "enable_redis_auth_cache",
        "disable_prisma_schema_update",
        "store_prompts_in_spend_logs",
        "spend_logs_metadata_fields",
        "maximum_spend_logs_cleanup_cron",
        "maximum_spend_logs_size",
        "maximum_spend_logs_cleanup_target_size",
        "maximum_spend_logs_size_check_interval",
        "maximum_spend_logs_cleanup_run_budget",
        "maximum_spend_logs_cleanup_batch_timeout",
        "maximum_autorouter_session_retention_period",
        "maximum_health_check_retention_period",
        "maximum_daily_tag_spend_retention_period",
        "use_spend_logs_partitioning",
        "spend_capture_rate_check",
        "proxy_batch_write_at",
        "proxy_budget_rescheduler_min_time",
        "proxy_budget_rescheduler_max_time",
        "use_redis_transaction_buffer",
        "scheduled_job_stagger",
        note="the database has no such setting here",
    ),
    restricts(
        "max_parallel_requests",
        "fail_closed_rate_limit_enforcement",
        "max_response_size_mb",
        "max_batch_file_size_mb",
        "max_batch_file_records",
        "max_batch_file_uploads_per_day",
        "max_file_downloads_per_minute",
        "max_file_size_mb",
        "allowed_file_extensions",
        "blocked_file_extensions",
        "allowed_ips",
        "public_routes",
        "admin_only_routes",
        "allowed_routes",
        "enforce_user_param",
        "enforced_params",
        "reject_clientside_metadata_tags",
        "vector_store_deny_by_default",
        "search_tool_deny_by_default",
        "agent_access_default_deny",
        "enforce_fallback_model_access",
        "disable_fallbacks_on_per_model_rate_limits",
        "mcp_internal_ip_ranges",
        "mcp_allowed_clients",
        "mcp_require_explicit_server_scope",
        "mcp_disabled_capabilities",
        "require_end_user_mcp_access_defined",
        "default_team_disabled",
        "ui_access_mode",
        "disable_env_credential_login",
        "disable_password_login_when_sso_enabled",
        "user_url_allowed_hosts",
        "token_rate_limit_type",
    ),
    later(
        "disable_spend_logs",
        "disable_error_logs",
        "disable_spend_updates",
        note="each request is written down, and kept as long as `maximum_spend_logs_retention_period` says",
    ),
    later("use_x_forwarded_for", note="name the proxies in `trusted_proxies`"),
    later("dangerously_permit_weak_or_unset_master_key", note="`open_on_loopback: true` serves without a key"),
    moot(
        "disable_master_key_return",
        "disable_adding_master_key_hash_to_db",
        "disable_reset_budget",
        "disable_budget_reservation",
        "disable_auto_add_proxy_admin_to_teams",
        "litellm_license",
    ),
)
