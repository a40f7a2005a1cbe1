"""LiteLLM's own parameters that nothing comes of in one call, in Python or over HTTP. They are no provider's: they are
left out, and that is told by a caveat.

Names that a provider has too (`priority`, `ttl`, `roles`, `id`, `weight`) are in no table here: over HTTP they go on.
Their list is LiteLLM's `OWNED_KWARG_NAMES` and `StandardCallbackDynamicParams` (litellm/types/utils.py of 1.108.7,
seen 2026-11-27), without what steers a credential, which the server refuses.
"""

from __future__ import annotations

from collections.abc import Iterable

from tollbridge.catalog.price_names import USUAL_PRICES
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent

NO_EFFECT = frozenset(
    {"acompletion", "completion_call_id", "cooldown_time", "litellm_call_id", "litellm_logging_obj"}
    | {"litellm_request_debug", "litellm_system_prompt", "logger_fn", "max_budget", "model_info", "no-log", "no_log"}
    | {"preset_cache_key", "proxy_server_request", "secret_fields", "shared_session"}
    | {"allowed_model_region", "assistant_continue_message"}
    | {"context_window_fallbacks", "content_policy_fallbacks", "custom_prompt_dict", "enable_json_schema_validation"}
    | {"enable_tag_filtering", "ensure_alternating_roles", "fallback_depth", "force_timeout", "max_agentic_loops"}
    | {"max_fallbacks", "merge_reasoning_content_in_choices", "model_alias_map", "prompt_environment", "prompt_id"}
    | {"prompt_label", "prompt_variables", "prompt_version", "retry_policy", "retry_strategy", "routing_strategy"}
    | {"search_tool_name", "specific_deployment", "supports_system_message", "use_chat_completions_api"}
    | {"use_litellm_proxy", "user_continue_message", "vector_store_ids"}
)

CALLBACKS = frozenset(
    {"langfuse_environment", "langfuse_host", "langfuse_prompt_version", "langfuse_public_key", "langfuse_secret"}
    | {"langfuse_secret_key", "langfuse_span_scope", "langsmith_api_key", "langsmith_base_url", "langsmith_project"}
    | {"langsmith_sampling_rate", "langsmith_tenant_id", "humanloop_api_key", "arize_api_key", "arize_space_id"}
    | {"arize_space_key", "posthog_api_key", "posthog_api_url", "wandb_api_key", "weave_project_id"}
    | {"gcs_bucket_name", "gcs_path_service_account", "litellm_disabled_callbacks", "turn_off_message_logging"}
)
"""Whom a call is told to, and what of it."""

PRICES = frozenset((*USUAL_PRICES, "base_model", "input_cost_per_second"))
"""What a call costs. Python's callers say it; of the server's, the operator."""

CACHES = frozenset({"no-cache", "no-store", "s-maxage", "max-age", "namespace", "ttl", "use-cache"})
"""What LiteLLM's `cache` says in one request: an object of these."""


def left_out(names: Iterable[str]) -> tuple[Caveat, ...]:
    return tuple(unsent("ignored_param", f"$.{name}", f"`{name}` has no effect in a call") for name in names)
