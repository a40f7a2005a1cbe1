"""`router_settings`."""

from __future__ import annotations

from tollbridge.config.document import Node, Table
from tollbridge.config.kinds import At, count, fallbacks, flag, map_of, named, number, seconds, text, texts
from tollbridge.config.schema import fills, guards, later, moot, nearest, not_built, read_section, section
from tollbridge.config.settings import Alias

BUILT_STRATEGY = "simple-shuffle"
STRATEGIES = (
    BUILT_STRATEGY,
    "least-busy",
    "usage-based-routing",
    "usage-based-routing-v2",
    "latency-based-routing",
    "cost-based-routing",
    "provider-budget-routing",
)

RETRY_POLICY = section(
    "retry_policy",
    *(
        fills(name, count, name)
        for name in (
            "AuthenticationErrorRetries",
            "BadRequestErrorRetries",
            "ContentPolicyViolationErrorRetries",
            "InternalServerErrorRetries",
            "RateLimitErrorRetries",
            "TimeoutErrorRetries",
        )
    ),
    later("ServiceUnavailableErrorRetries", "NotFoundErrorRetries", "DefaultRetries"),
)
ALIAS = section("model_group_alias", fills("model", named, "model"), fills("hidden", flag, "hidden"))


def strategy(node: Node, at: At) -> str:
    value = text(node, at)
    if value == BUILT_STRATEGY:
        return value
    if value in STRATEGIES:
        at.warning(node.place, f"{value} {not_built(f'{BUILT_STRATEGY} is used')}")
    else:
        near = nearest(value, STRATEGIES)
        at.error(node.place, f"{value!r} is no strategy; " + (f"did you mean {near}?" if near else BUILT_STRATEGY))
    return BUILT_STRATEGY


def retry_policy(node: Node, at: At) -> dict[str, int]:
    return {name: filled[-1].value for name, filled in read_section(node, RETRY_POLICY, at).items()}


def alias(node: Node, at: At) -> Alias:
    """`model`, or `{model: ..., hidden: true}`."""
    if not isinstance(node, Table):
        return Alias(named(node, at))
    filled = read_section(node, ALIAS, at)
    if "model" not in filled:
        at.error(node.place, "lacks `model`")
        return Alias("")
    return Alias(**{name: values[-1].value for name, values in filled.items()})


# The same keys may stand in litellm_settings; here they win (LiteLLM's documented order).
SHARED = [
    *fills("router.retries", count, "num_retries"),
    *fills("router.fallbacks", fallbacks, "fallbacks"),
    *fills("router.context_window_fallbacks", fallbacks, "context_window_fallbacks"),
    *fills("router.content_policy_fallbacks", fallbacks, "content_policy_fallbacks"),
    *fills("router.default_fallbacks", texts, "default_fallbacks"),
    *fills("router.max_fallbacks", count, "max_fallbacks"),
    *fills("router.allowed_fails", count, "allowed_fails"),
    *fills("router.cooldown_s", number, "cooldown_time"),
    *fills("router.aliases", map_of(alias), "model_group_alias"),
    *fills("router.stream_timeout_s", seconds, "stream_timeout"),
    *fills("settings.verbose", flag, "set_verbose"),
]

ROUTER = section(
    "router_settings",
    SHARED,
    fills("router.strategy", strategy, "routing_strategy"),
    fills("router.timeout_s", seconds, "timeout"),
    fills("router.retry_after_s", number, "retry_after"),
    fills("router.retry_policy", retry_policy, "retry_policy"),
    fills("router.disable_cooldowns", flag, "disable_cooldowns"),
    fills("router.check_context", flag, "enable_pre_call_checks", "enable_pre_call_check"),
    later(
        "routing_strategy_args",
        "model_group_retry_policy",
        "allowed_fails_policy",
        "optional_pre_call_checks",
        "default_litellm_params",
        "default_priority",
        "polling_interval",
        "cache_responses",
        "cache_kwargs",
        "caching_groups",
        "enable_health_check_routing",
        "health_check_staleness_threshold",
        "health_check_ignore_transient_errors",
        "background_health_check_model_groups",
        "enable_weighted_failover",
        "enable_mid_stream_fallback_continuation",
        "session_affinity_repin_on_failover",
        "fallback_on_unsupported_params",
        "routing_groups",
        "model_group_affinity_config",
        "deployment_affinity_ttl_seconds",
        "search_tools",
        "alerting_config",
        "plugins",
        "assistants_config",
        "router_general_settings",
        "ignore_invalid_deployments",
        "weights",
        "auto_router_capability_limit",
        "max_retries",
        "cache_redis_params",
    ),
    guards("guardrail_list"),
    later("redis_host", "redis_port", "redis_password", "redis_url", "redis_db", note="each process counts for itself"),
    later(
        "enable_tag_filtering",
        "tag_filtering_match_any",
        "tag_routing_prefix",
        note="tags are logged and do not choose a deployment",
    ),
    later(
        "default_max_parallel_requests",
        "provider_budget_config",
        "fallback_access_check",
        "fallback_budget_check",
        note="NOTHING IS RESTRICTED by it",
    ),
    moot("client_ttl", "debug_level", "model_list"),
)
