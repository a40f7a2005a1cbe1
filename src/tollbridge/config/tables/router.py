"""`router_settings`."""

from __future__ import annotations

from tollbridge.config.document import Node, Table
from tollbridge.config.kinds import At, count, fallbacks, flag, map_of, named, number, seconds, text, texts
from tollbridge.config.schema import (
    NOT_RESTRICTED,
    fills,
    guards,
    later,
    moot,
    nearest,
    not_built,
    read_section,
    section,
)
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

NOT_HELD = "ARE NOT HELD: they limit nothing"
_HELD_BY = {
    **dict.fromkeys(("usage-based-routing", "usage-based-routing-v2"), "`rpm` and `tpm` of deployments"),
    "provider-budget-routing": "budgets of providers",
}
"""What LiteLLM holds by a strategy, besides choosing by it."""

RETRY_POLICY = section(
    "retry_policy",
    *(
        fills(name, count, name, about="more attempts after that error")
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
ALIAS = section(
    "model_group_alias",
    fills("model", named, "model", about="the group that it stands for"),
    fills("hidden", flag, "hidden", about="it is not listed by `/v1/models`"),
)


def strategy(node: Node, at: At) -> str:
    value = text(node, at)
    if value == BUILT_STRATEGY:
        return value
    if value in STRATEGIES:
        held = _HELD_BY.get(value)
        unheld = "" if held is None else f", and {held} {NOT_HELD}"
        at.warning(node.place, f"{value} {not_built(f'{BUILT_STRATEGY} is used{unheld}')}")
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
    *fills("router.retries", count, "num_retries", about="more attempts after the first"),
    *fills(
        "router.fallbacks",
        fallbacks,
        "fallbacks",
        about='groups to go to when all of a group have failed; `"*"` stands for any group',
    ),
    *fills(
        "router.context_window_fallbacks",
        fallbacks,
        "context_window_fallbacks",
        about="the same, when a request is too long for a model",
    ),
    *fills(
        "router.content_policy_fallbacks",
        fallbacks,
        "content_policy_fallbacks",
        about="the same, when a provider refuses the content",
    ),
    *fills(
        "router.default_fallbacks", texts, "default_fallbacks", about="for groups that have no `fallbacks` of their own"
    ),
    *fills("router.max_fallbacks", count, "max_fallbacks", about="groups that are gone to at most"),
    *fills("router.allowed_fails", count, "allowed_fails", about="failures within a minute before a deployment rests"),
    *fills(
        "router.cooldown_s",
        number,
        "cooldown_time",
        about="seconds of the first rest; each further one in a row is longer",
    ),
    *fills("router.aliases", map_of(alias), "model_group_alias", about="other names for groups"),
    *fills("router.stream_timeout_s", seconds, "stream_timeout", about="seconds of silence in a stream"),
    *fills("settings.verbose", flag, "set_verbose", about="log each step, without secrets"),
]

ROUTER = section(
    "router_settings",
    SHARED,
    fills(
        "router.strategy",
        strategy,
        "routing_strategy",
        about="how one of a group is chosen: at random, by `weight`, `rpm` or `tpm`; no other is built yet",
    ),
    fills("router.timeout_s", seconds, "timeout", about="seconds for a whole request"),
    fills(
        "router.retry_after_s",
        number,
        "retry_after",
        about="seconds to wait at least before the same deployment is tried again",
    ),
    fills("router.retry_policy", retry_policy, "retry_policy", about="retries by error, in the place of `num_retries`"),
    fills("router.disable_cooldowns", flag, "disable_cooldowns", about="no deployment rests, however often it fails"),
    fills(
        "router.check_context",
        flag,
        "enable_pre_call_checks",
        "enable_pre_call_check",
        about="ask whether a prompt fits the context window before it is sent",
    ),
    later(
        "routing_strategy_args",
        "model_group_retry_policy",
        "allowed_fails_policy",
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
    later(
        "optional_pre_call_checks",
        words=dict.fromkeys(("enforce_model_rate_limits", "router_budget_limiting"), not_built(NOT_RESTRICTED)),
    ),
    guards("guardrail_list"),
    later("redis_host", "redis_port", "redis_password", "redis_url", "redis_db", note="each process counts for itself"),
    fills(
        "router.by_tags",
        flag,
        "enable_tag_filtering",
        about="a request's tags choose among the deployments of a model: those that have one of them in `tags`, else "
        "those with the tag `default`",
    ),
    fills(
        "router.tags_match_any",
        flag,
        "tag_filtering_match_any",
        about="`false`: a deployment must have all of a request's tags",
    ),
    later("tag_routing_prefix", note="tags are taken as they are said"),
    later(
        "default_max_parallel_requests",
        "provider_budget_config",
        "fallback_access_check",
        "fallback_budget_check",
        note="NOTHING IS RESTRICTED by it",
    ),
    moot("client_ttl", "debug_level", "model_list"),
)
