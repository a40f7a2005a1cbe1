"""`model_list[]` and its `litellm_params`.

What fills "params" is for the provider's own file, "defaults" are fields of the request body, "prices" are dollars.
"""

from __future__ import annotations

import re

from tollbridge.config.document import Node, Scalar, Table
from tollbridge.config.kinds import (
    At,
    anything,
    anything_table,
    count,
    flag,
    integer,
    list_of,
    map_of,
    named,
    number,
    numeric,
    seconds,
    secret,
    text,
    texts,
)
from tollbridge.config.schema import Key, fills, later, moot, not_built, restricts, section

# Names of LiteLLM's price map (2026-11-21): a base, conditions, a tier. Spelled out as a grammar, for there are 164.
_CONDITIONS = (
    r"(?:_cache_hit|_above_(?:\d+k_tokens|\d+hr|\d+s_interval)"
    r"|_batches|_flex|_priority|_ultrafast|_balanced|_decisions)*"
)
PRICE = re.compile(
    r"(?:(?:input|output)_cost_per_(?:token|character|second|image|image_token|pixel|audio_token|audio_per_second|query"
    r"|request|text_message|video_per_second|video_token|reasoning_token)"
    r"|cache_(?:creation|read)_input(?:_audio|_image)?_token_cost)" + _CONDITIONS + r"|output_cost_per_second_\d+[pk]"
    r"|output_cost_per_image_[\d.]+K?|explicit_cache_read_input_token_cost|citation_cost_per_token|cost_per_(?:second|query)"
    r"|(?:input|output)_dbu_cost_per_token|ocr_cost_per_(?:page|credit)(?:_batches)?"
    r"|annotation_cost_per_page(?:_batches)?|code_interpreter_cost_per_session"
    r"|computer_use_(?:input|output)_cost_per_1k_tokens|file_search_cost_per_(?:1k_calls|gb_per_day)"
    r"|google_maps_grounding_cost_per_query|guardrail_cost_per_unit|vector_store_cost_per_gb_per_day"
)


def clientside(node: Node, at: At) -> tuple[str, ...]:
    """Field names. `{api_base: pattern}` allows only what the pattern matches: until that is built, nothing."""

    def field(item: Node, at: At) -> str:
        if isinstance(item, Table):
            at.warning(item.place, not_built("the field stays refused"))
            return ""
        return text(item, at)

    items = node.items if not isinstance(node, (Scalar, Table)) else (node,)
    return tuple(name for i, item in enumerate(items) if (name := field(item, at.item(i))))


def organizations(node: Node, at: At) -> tuple[str, ...]:
    return list_of(text, "an organization or a list of them")(node, at)


ENTRY = section(
    "model_list[]",
    fills("model_name", named, "model_name"),
    fills("params", anything_table, "litellm_params", "params"),
    fills("model_info", anything_table, "model_info"),
    fills("rpm", count, "rpm"),
    fills("tpm", count, "tpm"),
)

OWN = [
    *fills("model", named, "model"),
    *fills("api_key", secret, "api_key"),
    *fills("api_base", text, "api_base", "base_url"),
    *fills("api_version", text, "api_version"),
    *fills("organization", organizations, "organization"),
    *fills("custom_llm_provider", text, "custom_llm_provider"),
    *fills("timeout_s", seconds, "timeout"),
    *fills("stream_timeout_s", seconds, "stream_timeout"),
    *fills("max_retries", count, "max_retries", "num_retries"),
    *fills("weight", number, "weight"),
    *fills("order", integer, "order"),
    *fills("rpm", count, "rpm"),
    *fills("tpm", count, "tpm"),
    *fills("tags", texts, "tags"),
    *fills("drop_params", flag, "drop_params"),
    *fills("modify_params", flag, "modify_params"),
    *fills("additional_drop_params", texts, "additional_drop_params"),
    *fills("allowed_openai_params", texts, "allowed_openai_params"),
    *fills("extra_headers", map_of(text), "extra_headers", "headers"),
    *fills("extra_body", anything_table, "extra_body"),
    *fills("mock_response", anything, "mock_response"),
    *fills("configurable_clientside_auth_params", clientside, "configurable_clientside_auth_params"),
]

PROVIDER_SECRETS = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_password",
    "client_secret",
    "s3_access_key_id",
    "s3_secret_access_key",
)
PROVIDER_PARAMS = (
    "aws_region_name",
    "aws_session_name",
    "aws_profile_name",
    "aws_role_name",
    "aws_sts_endpoint",
    "aws_external_id",
    "aws_session_tags",
    "aws_bedrock_runtime_endpoint",
    "aws_bedrock_project_id",
    "aws_batch_role_arn",
    "bedrock_tags",
    "bedrock_invocation_profile",
    "model_id",
    "guardrailConfig",
    "performanceConfig",
    "tenant_id",
    "client_id",
    "azure_scope",
    "azure_username",
    "azure_credential",
    "azure_deployment",
    "deployment_id",
    "vertex_project",
    "vertex_location",
    "vertex_ai_project",
    "vertex_ai_location",
    "region_name",
    "watsonx_region_name",
    "project_id",
    "space_id",
    "zen_api_key",
    "gcs_bucket_name",
    "bucket_name",
    "s3_bucket_name",
    "s3_endpoint_url",
    "s3_region_name",
    "s3_encryption_key_id",
    "s3_bucket_owner",
    "s3_output_bucket_name",
    "hf_model_name",
    "hf_task",
    "user_id",
    "account_id",
    "instance_id",
)

# Fields of a request body that the wires or the servers behind them know.
# https://platform.openai.com/docs/api-reference/chat/create, https://platform.claude.com/docs/en/api/messages, and the
# parameter lists of Ollama, vLLM, SGLang, llama.cpp, OpenRouter, DeepSeek, Mistral, Gemini (seen 2026-11-21).
NUMBERS = (
    "best_of",
    "dimensions",
    "dry_multiplier",
    "frequency_penalty",
    "length_penalty",
    "max_completion_tokens",
    "max_new_tokens",
    "max_tokens",
    "min_p",
    "min_tokens",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "n",
    "num_batch",
    "num_ctx",
    "num_gpu",
    "num_keep",
    "num_predict",
    "num_thread",
    "presence_penalty",
    "random_seed",
    "repeat_last_n",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
    "temperature",
    "tfs_z",
    "thinking_budget",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "typical_p",
)
OPENAI_CHAT = (
    "audio",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "metadata",
    "modalities",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "tool_choice",
    "tools",
    "user",
    "verbosity",
    "web_search_options",
)
ANTHROPIC = (
    "anthropic_version",
    "anthropic_beta",
    "betas",
    "cache_control",
    "container",
    "context_management",
    "inference_geo",
    "mcp_servers",
    "output_config",
    "output_format",
    "speed",
    "stop_sequences",
    "system",
    "thinking",
)
OTHERS = (
    "chat_template_kwargs",
    "do_sample",
    "enable_thinking",
    "encoding_format",
    "format",
    "grammar",
    "guided_choice",
    "guided_decoding_backend",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "ignore_eos",
    "include_reasoning",
    "input_type",
    "keep_alive",
    "plugins",
    "prompt_mode",
    "provider",
    "reasoning",
    "reasoning_format",
    "route",
    "safe_prompt",
    "safety_settings",
    "skip_special_tokens",
    "stop_token_ids",
    "structured_outputs",
    "think",
    "transforms",
    "truncate",
    "use_beam_search",
)

PARAMS = section(
    "litellm_params",
    OWN,
    *(fills("params", secret, name) for name in PROVIDER_SECRETS),
    *(fills("params", anything, name) for name in PROVIDER_PARAMS),
    fills("params", anything, "vertex_credentials", "vertex_ai_credentials"),
    *(fills("defaults", numeric, name) for name in NUMBERS),
    *(fills("defaults", anything, name) for name in (*OPENAI_CHAT, *ANTHROPIC, *OTHERS)),
    later(
        "litellm_credential_name",
        "tag_regex",
        "cooldown_time",
        "mock_timeout",
        "mock_tool_calls",
        "cache_control_injection_points",
        "merge_reasoning_content_in_choices",
        "use_in_pass_through",
        "use_litellm_proxy",
        "use_chat_completions_api",
        "use_xai_oauth",
        "fallbacks",
        "context_window_fallback_dict",
        "content_policy_fallbacks",
        "silent_model",
        "provider_affinity_header",
        "keepalive_seconds",
        "allow_client_keepalive_override",
        "cache",
        "caching",
        "guardrails",
        "prompt_id",
        "prompt_variables",
        "prompt_label",
        "prompt_version",
        "dotprompt_content",
        "litellm_metadata",
        "supports_system_message",
        "roles",
        "initial_prompt_value",
        "final_prompt_value",
        "bos_token",
        "eos_token",
        "text_completion",
        "azure",
        "vector_store_ids",
        "vector_store_id",
        "vector_bucket_name",
        "index_name",
        "embedding_model",
        "milvus_text_field",
        "milvus_db_name",
        "milvus_partition_names",
        "valkey_host",
        "valkey_port",
        "valkey_password",
        "valkey_ssl",
        "valkey_text_field",
        "valkey_embedding_field",
        "auto_router_config_path",
        "auto_router_config",
        "auto_router_default_model",
        "auto_router_embedding_model",
        "auto_router_max_input_chars",
        "auto_router_routing_compression",
        "auto_router_model_compression",
        "complexity_router_config",
        "complexity_router_default_model",
        "adaptive_router_config",
        "adaptive_router_default_model",
        "quality_router_config",
        "quality_router_default_model",
        "model_info",
        "search_context_cost_per_query",
    ),
    later("ssl_verify", "ssl_certificate", note="what litellm_settings say holds for all"),
    restricts(
        "max_parallel_requests",
        "itpm",
        "otpm",
        "rpd",
        "tpd",
        "max_budget",
        "budget_duration",
        "default_api_key_tpm_limit",
        "default_api_key_rpm_limit",
        "max_file_size_mb",
    ),
    moot("litellm_trace_id", "litellm_call_id", "id", "verbose", "logger_fn", "no-log", "client", "acompletion"),
    patterns=((PRICE, Key("", "fills", "prices", number)),),
    hint="a field of the provider's request that is not listed goes into `extra_body`",
)
