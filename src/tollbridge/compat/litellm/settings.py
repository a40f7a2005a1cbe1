"""`litellm.drop_params = True` and its like: which settings of the module there are, and what they do to a call.

A setting is a default: what a call says itself wins. Of `ABSENT` ones only the value that changes nothing can be set;
any other raises NotBuilt, when it is set, or with the next call where it is a list that was appended to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.compat.litellm import unbuilt
from tollbridge.compat.litellm.absent import not_built
from tollbridge.compat.litellm.logs import turn_on_debug
from tollbridge.compat.litellm.model_lists import LISTS, MutableCosts
from tollbridge.errors import BadRequestError
from tollbridge.sdk.call import provider_name

PARAMETERS: Mapping[str, str] = {
    "drop_params": "drop_params",
    "modify_params": "modify_params",
    "api_key": "api_key",
    "api_base": "api_base",
    "api_version": "api_version",
    "organization": "organization",
    "headers": "headers",
    "num_retries": "num_retries",
    "request_timeout": "timeout",
    "fallbacks": "fallbacks",
    "context_window_fallbacks": "context_window_fallback_dict",
}
"""Setting -> the parameter of a call that it is the default of."""

KEYS: Mapping[str, str] = {
    "openai_key": "openai",
    "azure_key": "azure",
    "anthropic_key": "anthropic",
    "cohere_key": "cohere",
    "replicate_key": "replicate",
    "openrouter_key": "openrouter",
    "huggingface_key": "huggingface",
    "togetherai_api_key": "together_ai",
    "groq_key": "groq",
    "baseten_key": "baseten",
    "maritalk_key": "maritalk",
    "ai21_key": "ai21",
    "databricks_key": "databricks",
    "cloudflare_api_key": "cloudflare",
    "amazon_nova_api_key": "amazon_nova",
    "clarifai_key": "clarifai",
    "cometapi_key": "cometapi",
    "datarobot_key": "datarobot",
    "gradient_ai_api_key": "gradient_ai",
    "heroku_key": "heroku",
    "inception_key": "inception",
    "infinity_key": "infinity",
    "lemonade_key": "lemonade",
    "llama_api_key": "meta_llama",
    "nebius_key": "nebius",
    "novita_api_key": "novita",
    "ollama_key": "ollama",
    "openai_like_key": "openai_like",
    "ovhcloud_key": "ovhcloud",
    "snowflake_key": "snowflake",
    "vercel_ai_gateway_key": "vercel_ai_gateway",
    "wandb_key": "wandb",
    "xai_key": "xai",
}
"""Setting -> whose key it is."""

PLACES: Mapping[str, str] = {"vertex_project": "vertex_ai", "vertex_location": "vertex_ai"}
"""Setting, and the parameter of that name -> whose it is."""

CALLBACKS = ("callbacks", "success_callback", "failure_callback", "input_callback")
LATER_CALLBACKS = ("_async_success_callback", "_async_failure_callback")

MOOT = frozenset(
    {
        *("telemetry", "suppress_debug_info", "use_client", "email", "token", "logging", "disable_streaming_logging"),
        *(
            "disable_hf_tokenizer_download",
            "use_aiohttp_transport",
            "disable_aiohttp_transport",
            "return_response_headers",
        ),
        *("in_memory_llm_clients_cache", "cost_discount_config", "retry", "max_tokens"),
    }
)
"""May be set: there is nothing here that it would turn on or off."""

ABSENT: Mapping[str, str] = {
    "cache": "Response caching comes later.",
    "custom_prompt_dict": "Write the messages as the model wants them.",
    "add_function_to_prompt": "Tools of a model that has none are offered in the prompt without being asked.",
    "client_session": "Tollbridge sends requests itself.",
    "aclient_session": "Tollbridge sends requests itself.",
    "ssl_verify": "Name a file of certificates in the environment variable SSL_CERT_FILE.",
    "ssl_certificate": "A gateway may show one: `litellm_settings.ssl_certificate`.",
    "force_ipv4": "Resolve the host to the address that you want.",
    "secret_manager_client": "Put secrets into the environment.",
    "credential_list": "Pass `api_key` and `api_base`.",
    "enable_json_schema_validation": "Validate the answer against your schema.",
    "log_raw_request_response": "Nothing of requests is logged.",
    "json_logs": "Give Python's `logging` a formatter.",
    "redact_messages_in_exceptions": "Errors hold the provider's words alone.",
    "budget_duration": "Use `BudgetManager`, or a gateway's keys.",
    "default_fallbacks": "Set `fallbacks`.",
    "content_policy_fallbacks": "Use `Router(content_policy_fallbacks=...)`.",
    "allowed_fails": "Use `Router(allowed_fails=...)`.",
    "service_callback": "Tollbridge has no services to watch.",
    "guardrail_name_config_map": "Guardrails come later.",
    "prompt_name_config_map": "Prompts are yours to keep.",
    "model_fallbacks": "Set `fallbacks`.",
    "aleph_alpha_key": "This provider has no row.",
    "nlp_cloud_key": "This provider has no row.",
    "predibase_key": "This provider has no row.",
    **dict.fromkeys(unbuilt.SETTINGS, unbuilt.HINT),
}

AS_THERE: Mapping[str, Any] = {
    **dict.fromkeys(
        (
            "ssl_verify",
            "allow_dynamic_callback_disabling",
            "bedrock_neutralize_orphaned_tool_blocks",
            "expose_router_debug_in_errors",
            "gemini_include_thoughts_default",
            "public_mcp_hub_strict_whitelist",
            "require_auth_for_metrics_endpoint",
            "user_url_validation",
        ),
        True,
    ),
    "allowed_fails": 3,
    "anthropic_sse_ping_interval_seconds": 15.0,
    "budget_exceeded_status_code": 422,
    "llm_guard_mode": "all",
}
"""What LiteLLM has for an absent one where that is not nothing: who says it again changes nothing."""

DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(PARAMETERS),
    **dict.fromkeys(KEYS),
    **dict.fromkeys(PLACES),
    **dict.fromkeys(MOOT),
    **dict.fromkeys(ABSENT),
    **dict.fromkeys(LISTS),
    "drop_params": False,
    "modify_params": False,
    "set_verbose": False,
    "turn_off_message_logging": False,
    "max_budget": 0.0,
    "_current_cost": 0.0,
    "model_cost": None,
}
RULES = ("pre_call_rules", "post_call_rules")
SETTINGS = frozenset({*DEFAULTS, *CALLBACKS, *LATER_CALLBACKS, *RULES, "model_alias_map", "custom_provider_map"})


class Settings:
    """`current_cost`: dollars of all calls of the module that told what they cost."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {
            **DEFAULTS,
            **{name: [] for name in (*CALLBACKS, *LATER_CALLBACKS)},
            **{name: [] for name in ("pre_call_rules", "post_call_rules", "custom_provider_map", "service_callback")},
            "model_alias_map": {},
            "custom_prompt_dict": {},
            "model_cost": MutableCosts(),
        }

    def get(self, name: str) -> Any:
        made = LISTS.get(name)
        return self._values[name] if made is None else made()

    def set(self, name: str, value: Any) -> None:
        if name in ABSENT:
            self._check_off(name, value)
        elif name in LISTS or name == "model_cost":
            raise BadRequestError(f"`litellm.{name}` is computed: say what models cost with `register_model`.")
        elif name == "set_verbose" and value:
            turn_on_debug()
        self._values[name] = value

    def check(self) -> None:
        """Raises NotBuilt for a list that something was put into and that nothing would look at."""
        for name in ("custom_prompt_dict", "service_callback", *LATER_CALLBACKS):
            if self._values[name]:
                hint = ABSENT.get(name, "Put it into `success_callback` or `failure_callback`; it may be async.")
                raise not_built(name, hint)

    def model(self, model: str) -> str:
        """By `model_alias_map`."""
        aliases: Mapping[str, str] = self._values["model_alias_map"]
        return aliases.get(model, model)

    def applied(self, model: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """What a call says, over what the settings say."""
        found: dict[str, Any] = {}
        for setting, parameter in PARAMETERS.items():
            value = self._values[setting]
            if not _is_off(value):
                found[parameter] = _chosen(value) if parameter == "context_window_fallback_dict" else value
        provider = said.get("custom_llm_provider") or provider_name(model, None, said.get("api_base"))
        for setting, whose in KEYS.items():
            if whose == provider and self._values[setting] and "api_key" not in found:
                found["api_key"] = self._values[setting]
        for setting, whose in PLACES.items():
            if whose == provider and self._values[setting]:
                found[setting] = self._values[setting]
        if {"api_base", "base_url"} & {name for name, value in said.items() if value is not None}:
            found.pop("api_base", None)
        return {**found, **{name: value for name, value in said.items() if value is not None}}

    def _check_off(self, name: str, value: Any) -> None:
        if not _is_off(value) and value != AS_THERE.get(name):
            raise not_built(name, ABSENT[name])


def _is_off(value: Any) -> bool:
    """Nothing was said by it; 0 is a number."""
    return value is None or value is False or (isinstance(value, list | tuple | Mapping) and not value)


def _chosen(fallbacks: Any) -> Any:
    """LiteLLM's list of `{model: [models]}`: the first of each is the one to go to."""
    if not isinstance(fallbacks, list):
        return fallbacks
    return {small: large[0] for one in fallbacks for small, large in one.items() if large}
