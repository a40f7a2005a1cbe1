"""`litellm_settings`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tollbridge.calls.tariff import Markup
from tollbridge.config.document import Node, Scalar, Table
from tollbridge.config.kinds import At, file, flag, map_of, named, number, seconds, texts
from tollbridge.config.schema import NO_GUARDS, fills, guards, later, moot, not_built, read_section, restricts, section
from tollbridge.config.tables.router import SHARED
from tollbridge.model.money import NANO


def verification(node: Node, at: At) -> bool | str:
    """True, false, or a file of authorities. False is said aloud: the file may do it, nobody by accident."""
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip().lower() not in ("true", "false"):
        return file(node, at)
    verify = flag(node, at)
    if not verify:
        at.warning(
            node.place, "providers' certificates are NOT CHECKED: whoever is on the way can read keys and prompts"
        )
    return verify


def share(node: Node, at: At) -> Fraction:
    """A part of a price: 0.05 is five per cent."""
    return Fraction(str(number(node, at)))


def discount(node: Node, at: At) -> Fraction:
    part = share(node, at)
    if part > 1:
        at.error(node.place, "is more than the whole price; write five per cent as 0.05")
        return Fraction(0)
    return part


MARGIN = section(
    "cost_margin_config",
    fills("percentage", share, "percentage", about="a share of the price: 0.08 is eight per cent"),
    fills("fixed_amount", share, "fixed_amount", about="dollars for each answer"),
)


def margin(node: Node, at: At) -> Markup:
    """A share of the price, or `{percentage: ..., fixed_amount: ...}`, the latter in dollars for each answer."""
    if not isinstance(node, Table):
        return Markup(1 + share(node, at))
    said = {name: filled[-1].value for name, filled in read_section(node, MARGIN, at).items()}
    added = round(said.get("fixed_amount", Fraction(0)) * NANO)
    return Markup(1 + said.get("percentage", Fraction(0)), added)


CHECKING = frozenset(
    {
        *("presidio", "hide_secrets", "banned_keywords", "blocked_user_check", "detect_prompt_injection"),
        *("lakera_prompt_injection", "aporia_prompt_injection", "llamaguard_moderations", "llmguard_moderations"),
        *("openai_moderations", "google_text_moderation"),
    }
)
"""Callbacks of LiteLLM's that let no request or answer pass unseen (https://docs.litellm.ai/docs/old_guardrails, seen
2026-11-26)."""


def callbacks(node: Node, at: At) -> tuple[str, ...]:
    """Objects in Python files beside the configuration, `file.object`. Of others (LiteLLM's built-in ones) nothing is
    called, and those that check something are refused."""
    found = []
    for name in texts(node, at):
        if name in CHECKING:
            at.error(node.place, f"{name!r} {NO_GUARDS}")
            continue
        *parts, _ = name.split(".")
        file = Path(*parts).with_suffix(".py") if parts and all(part.isidentifier() for part in parts) else None
        if file is None:
            at.warning(node.place, f"{name!r} {not_built('nothing is called')}")
        elif (Path(node.place.file).parent / file).is_file():
            found.append(name)
        else:
            at.warning(node.place, f"{name!r}: there is no {file} beside this file; nothing is called")
    return tuple(found)


LITELLM = section(
    "litellm_settings",
    SHARED,
    fills("router.timeout_s", seconds, "request_timeout", about="`timeout` of `router_settings`"),
    fills(
        "settings.callbacks",
        callbacks,
        "callbacks",
        about="hooks after MCP calls: objects in Python files beside the configuration, as `file.object`",
    ),
    fills(
        "settings.mcp_aliases",
        map_of(named),
        "mcp_aliases",
        about="other names for [MCP servers](mcp.md), which stand before their tools",
    ),
    fills(
        "settings.drop_params",
        flag,
        "drop_params",
        about="what a target cannot say is dropped, or (false) refused. Absent: dropped, and told as a caveat",
    ),
    fills(
        "settings.modify_params",
        flag,
        "modify_params",
        about="tool turns may be restored and messages merged to satisfy a provider",
    ),
    fills(
        "settings.own_identity",
        flag,
        "enable_azure_ad_token_refresh",
        about="Azure without a key is asked as the machine, or as who is signed in there ([Azure](providers.md#azure))",
    ),
    fills(
        "settings.ssl_verify",
        verification,
        "ssl_verify",
        about="a file of authorities to trust, beside the configuration; false is a warning at each start",
    ),
    fills(
        "settings.ssl_certificate", file, "ssl_certificate", about="our certificate and its key (PEM) toward providers"
    ),
    fills(
        "settings.block_unpriced",
        flag,
        "block_requests_for_models_without_pricing",
        about="refuse requests to models whose [price](prices.md) is not known",
    ),
    fills(
        "settings.stream_cost",
        flag,
        "include_cost_in_streaming_usage",
        about="tell what a stream cost in its usage chunk, as `usage.cost`, in OpenAI's format",
    ),
    fills(
        "settings.discounts",
        map_of(discount),
        "cost_discount_config",
        about="by provider, the share of the price that is taken off: 0.05 is five per cent",
    ),
    fills(
        "settings.margins",
        map_of(margin),
        "cost_margin_config",
        about="by provider, what is charged on top, after the discount; `global` is for all others",
    ),
    later(
        "success_callback",
        "failure_callback",
        "service_callback",
        "service_callbacks",
        "audit_log_callbacks",
        "input_callback",
        "callback_settings",
        note="nothing is called",
    ),
    later("model_cost_map_url", note="nothing is fetched by itself: `tollbridge prices update` takes a list over"),
    later("cache", "cache_params", "enable_redis_auth_cache", note="nothing is cached"),
    later(
        "log_raw_request_response",
        "ssl_security_level",
        "force_ipv4",
        "http2",
        "default_internal_user_params",
        "default_team_params",
        "default_team_settings",
        "default_key_generate_params",
        "upperbound_key_generate_params",
        "key_generation_settings",
        "default_in_memory_ttl",
        "default_redis_ttl",
        "default_redis_batch_cache_expiry",
        "default_max_internal_user_budget",
        "priority_reservation",
        "priority_reservation_settings",
        "model_group_settings",
        "mcp_semantic_tool_filter",
        "mcp_tool_search",
        "public_mcp_servers",
        "public_model_groups",
        "public_agent_groups",
        "public_model_groups_links",
        "enable_preview_features",
        "enable_json_schema_validation",
        "return_response_headers",
        "custom_provider_map",
        "prometheus_metrics_config",
        "custom_prometheus_metadata_labels",
        "custom_prometheus_tags",
        "prometheus_initialize_budget_metrics",
        "prometheus_emit_stream_label",
        "enable_end_user_cost_tracking_prometheus_only",
        "langfuse_default_tags",
        "s3_callback_params",
        "s3_audit_callback_params",
        "gcs_pub_sub_use_v1",
        "gcs_bucket_name",
        "datadog_params",
        "datadog_llm_observability_params",
        "aws_sqs_callback_params",
        "generic_api_use_v1",
        "argilla_transformation_object",
        "argilla_batch_size",
        "route_all_chat_openai_to_responses",
        "use_chat_completions_url_for_anthropic_messages",
        "enable_anthropic_prompt_caching",
        "anthropic_prompt_caching_ttl",
        "store_audit_logs",
        "disable_end_user_cost_tracking",
        "disable_end_user_cost_tracking_prometheus_only",
        "enable_key_alias_format_validation",
        "disable_add_transform_inline_image_block",
        "disable_copilot_system_to_assistant",
        "disable_stop_sequence_limit",
        "user_url_validation",
        "cost_tracking_settings",
        "tag_budget_config",
        "ui_theme_config",
        "email",
        "api_base",
        "api_key",
        "organization",
        "headers",
        "aws_region_name",
        "vertex_project",
        "vertex_location",
        "vertex_ai_safety_settings",
        "max_tokens",
        "default_litellm_params",
        "network_mock",
        "safe_memory_mode",
        "add_function_to_prompt",
        "credential_list",
    ),
    guards("guardrails", "banned_keywords_list", "llamaguard_unsafe_content_categories"),
    restricts(
        "max_budget",
        "budget_duration",
        "max_user_budget",
        "max_internal_user_budget",
        "internal_user_budget_duration",
        "max_end_user_budget",
        "max_end_user_budget_id",
        "max_parallel_requests",
        "blocked_user_list",
        "user_url_allowed_hosts",
    ),
    moot(
        "turn_off_message_logging",
        "redact_messages_in_exceptions",
        "redact_user_api_key_info",
        "json_logs",
        "suppress_debug_info",
        "use_aiohttp_transport",
        "disable_aiohttp_transport",
        "aiohttp_trust_env",
        "require_auth_for_metrics_endpoint",
        "disable_hf_tokenizer_download",
        "telemetry",
        "LITELLM_DISABLE_STOP_SEQUENCE_LIMIT",
        "disable_token_counter",
    ),
)
