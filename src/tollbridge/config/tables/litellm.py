"""`litellm_settings`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from tollbridge.calls.tariff import Markup
from tollbridge.config.document import Node, Scalar, Table
from tollbridge.config.kinds import At, count, file, flag, integer, map_of, named, number, seconds, texts
from tollbridge.config.schema import (
    NO_GUARDS,
    access,
    fills,
    guards,
    later,
    moot,
    not_built,
    read_section,
    restricts,
    section,
)
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


def refusal(node: Node, at: At) -> int:
    """A status that blames the client."""
    status = integer(node, at)
    if not 400 <= status < 500:
        at.error(node.place, "must be a status from 400 to 499")
        return 429
    return status


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


PROMETHEUS = "prometheus"
METRICS = (
    "needs no callback: metrics are at `/metrics`, under names of their own (docs/server.md); from elsewhere than this "
    "machine with `general_settings.metrics_token`"
)


def callbacks(node: Node, at: At) -> tuple[str, ...]:
    """Objects in Python files beside the configuration, `file.object`. Of others (LiteLLM's built-in ones) nothing is
    called, and those that check something are refused."""
    found = []
    for name in texts(node, at):
        if name in CHECKING:
            at.error(node.place, f"{name!r} {NO_GUARDS}")
            continue
        if name == PROMETHEUS:
            at.warning(node.place, f"{name!r} {METRICS}")
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


_NAMED = """ai21 aleph_alpha anthropic azure baseten bytez clarifai cohere databricks gdc gigachat groq heroku
huggingface inception infinity lemonade maritalk nebius nlp_cloud ollama openai openai_like
openrouter ovhcloud predibase replicate sap_service datarobot snowflake wandb xai cometapi"""
PROVIDERS_KEYS = (
    *(f"{name}_key" for name in _NAMED.split()),
    *(
        f"{name}_api_key"
        for name in ["amazon_nova", "cloudflare", "gradient_ai", "llama", "novita", "togetherai", "vercel_ai_gateway"]
    ),
)
"""Of providers, as LiteLLM's module has them."""


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
        "settings.budget_status",
        refusal,
        "budget_exceeded_status_code",
        about="with what a [budget](limits.md#budgets) that is used up refuses: 400 to 499 (LiteLLM: 422)",
    ),
    fills(
        "settings.stream_cost",
        flag,
        "include_cost_in_streaming_usage",
        about="tell what a stream cost in its last usage, as `usage.cost`; not in Gemini's format",
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
    fills(
        "settings.model_aliases",
        map_of(named),
        "model_alias_map",
        about="by a name that `litellm_params.model` has, the model that is meant",
    ),
    fills(
        "router.retries_in_all",
        count,
        "num_retries_per_request",
        about="attempts after the first at most, those at fallbacks among them",
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
        words={PROMETHEUS: METRICS},
    ),
    later("model_cost_map_url", note="nothing is fetched by itself: `tollbridge prices update` takes a list over"),
    later(
        "cache",
        "cache_params",
        "enable_redis_auth_cache",
        "caching",
        "caching_with_models",
        "enable_caching_on_provider_specific_optional_params",
        "force_redis_hash_tag_grouping",
        note="nothing is cached",
    ),
    later(
        "websearch_interception_params",
        "code_interpreter_interception_params",
        note="tools go to the model as they are",
    ),
    later("budget_reset_time", note="budgets begin anew at midnight UTC"),
    later(
        "budget_exceeded_throttle_percentage",
        "budget_rollover",
        note="a budget that is used up refuses, until it starts anew",
    ),
    later("longer_context_model_fallback_dict", note="`context_window_fallbacks` are asked"),
    later("model_fallbacks", note="`fallbacks` are asked"),
    later(
        *PROVIDERS_KEYS,
        note="give it as `api_key` of a deployment, in `credential_list`, or in the provider's environment variable",
    ),
    later("api_version", note="say it in the `litellm_params` of a deployment, or in the environment"),
    later(
        "log_raw_request_response",
        "agent_search_embedding_model",
        "add_user_information_to_llm_headers",
        "allow_dynamic_callback_disabling",
        "anthropic_beta_headers_url",
        "anthropic_sse_ping_interval_seconds",
        "apply_search_free_tier",
        "autorouter_presets_url",
        "batch_line_item_callbacks",
        "bedrock_neutralize_orphaned_tool_blocks",
        "bedrock_request_metadata_fields",
        "blog_posts_url",
        "check_provider_endpoint",
        "cold_storage_custom_logger",
        "common_cloud_provider_auth_params",
        "custom_prompt_dict",
        "datadog_use_v1",
        "default_key_max_budget_alert_emails",
        "default_soft_budget",
        "disable_add_prefix_to_prompt",
        "disable_add_user_agent_to_request_tags",
        "disable_aiohttp_trust_env",
        "disable_anthropic_gemini_context_caching_transform",
        "disable_streaming_logging",
        "disable_vertex_batch_output_transformation",
        "dynamodb_table_name",
        "enable_gemini_default_thinking_level_low",
        "enable_loadbalancing_on_batch_endpoints",
        "enable_model_config_credential_overrides",
        "expose_router_debug_in_errors",
        "extra_spend_tag_headers",
        "filter_invalid_headers",
        "forward_traceparent_to_llm_provider",
        "gdc_api_base",
        "gemini_include_thoughts_default",
        "gemini_live_defer_setup",
        "generic_logger_headers",
        "global_bitbucket_config",
        "global_gitlab_config",
        "global_prompt_directory",
        "guardrail_name_config_map",
        "langfuse_enable_update_trace_keys",
        "langsmith_batch_size",
        "log_auth_failure_key_identity",
        "log_client_error_tracebacks",
        "logged_real_time_event_types",
        "newrelic_params",
        "openai_system_messages_first",
        "otel_tenant_destination_mode",
        "overwrite_user_with_key_hash",
        "personal_key_model_access_from_teams",
        "pointfive_params",
        "predibase_tenant_id",
        "project",
        "prometheus_deployment_and_latency_caller_identity",
        "prometheus_emit_input_sequence_length_label",
        "prometheus_emit_rate_limit_labels",
        "prometheus_end_user_metrics_cleanup_interval_seconds",
        "prometheus_end_user_metrics_max_series_per_metric",
        "prometheus_end_user_metrics_ttl_seconds",
        "prometheus_exclude_labels",
        "prometheus_exclude_metrics",
        "prometheus_latency_buckets",
        "prometheus_metrics_cleanup_interval_seconds",
        "prometheus_metrics_max_series_per_metric",
        "prometheus_metrics_ttl_seconds",
        "prometheus_user_budget_label_include_email_alias",
        "prompt_name_config_map",
        "proxy_auth",
        "public_mcp_hub_strict_whitelist",
        "public_skills_index",
        "reasoning_auto_summary",
        "request_correlation_in_logs",
        "responses",
        "scim_admin_group",
        "scim_upsert_user",
        "skill_search_embedding_model",
        "skip_system_message_in_guardrail",
        "skip_tool_message_in_guardrail",
        "sse_keepalive_ping_interval_seconds",
        "ssl_ecdh_curve",
        "standard_logging_payload_excluded_fields",
        "strip_anthropic_total_tokens",
        "use_litellm_proxy",
        "vector_store_index_registry",
        "vector_store_registry",
        "vector_store_search_failure_mode",
        "zerobus_params",
        "ssl_security_level",
        "force_ipv4",
        "http2",
        "default_in_memory_ttl",
        "default_redis_ttl",
        "default_redis_batch_cache_expiry",
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
    guards(
        "guardrails",
        "banned_keywords_list",
        "llamaguard_unsafe_content_categories",
        "llamaguard_model_name",
        "llm_guard_mode",
        "google_moderation_confidence_threshold",
        "openai_moderations_model_name",
        "azure_content_safety_params",
        "prompt_injection_params",
        "presidio_logging_only",
        "presidio_ad_hoc_recognizers",
        "output_parse_pii",
        "pre_call_rules",
        "post_call_rules",
    ),
    access("blocked_user_list", "validate_end_user_id_in_db"),
    restricts(
        "max_budget",
        "budget_duration",
        "default_internal_user_params",
        "default_team_params",
        "default_team_settings",
        "default_key_generate_params",
        "upperbound_key_generate_params",
        "key_generation_settings",
        "default_max_internal_user_budget",
        "max_user_budget",
        "max_internal_user_budget",
        "internal_user_budget_duration",
        "max_end_user_budget",
        "max_end_user_budget_id",
        "max_parallel_requests",
        "max_ui_session_budget",
        "user_url_allowed_hosts",
        "provider_url_destination_allowed_hosts",
        "require_managed_files",
        "key_alias_pattern",
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
        "global_disable_no_log_param",
        "retry",
        "in_memory_llm_clients_cache",
    ),
)
