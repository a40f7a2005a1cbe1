"""`model_list[]` and its `litellm_params`.

What fills "params" is for the provider's own file, "defaults" are fields of the request body, "prices" are dollars.
"""

from __future__ import annotations

import re

from tollbridge.catalog.price_names import USUAL_PRICES
from tollbridge.config.document import Node, Table
from tollbridge.config.kinds import (
    At,
    anything,
    anything_table,
    cache_points,
    count,
    flag,
    integer,
    list_of,
    literal,
    map_of,
    named,
    number,
    numeric,
    seconds,
    secret,
    text,
    texts,
)
from tollbridge.config.model_info import model_info
from tollbridge.config.schema import Key, fills, guards, later, moot, restricts, section
from tollbridge.model.json import Json

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


def organizations(node: Node, at: At) -> tuple[str, ...]:
    return list_of(text, "an organization or a list of them")(node, at)


ENTRY = section(
    "model_list[]",
    fills(
        "model_name",
        named,
        "model_name",
        about="what clients ask for; several entries of one name are a group. `*` makes a pattern; needed",
    ),
    fills("params", anything_table, "litellm_params", "params", about="who answers, and how; needed"),
    fills(
        "model_info",
        model_info,
        "model_info",
        about="free-form; `id`, `base_model`, `mode`, windows, `supports_*` and prices are used",
    ),
    fills("rpm", count, "rpm", about="as in `litellm_params`"),
    fills("tpm", count, "tpm", about="as in `litellm_params`"),
)

OWN = [
    *fills("model", named, "model", about="`provider/model`, or a bare name that the catalog knows; needed"),
    *fills(
        "api_key",
        secret,
        "api_key",
        about="the provider's key. Absent: its environment variable ([providers](providers.md))",
    ),
    *fills(
        "api_base",
        literal,
        "api_base",
        "base_url",
        about="its address. Absent: its environment variable, or the provider's own",
    ),
    *fills("api_version", text, "api_version", about="of APIs that have versions (Azure)"),
    *fills(
        "organization", organizations, "organization", about="OpenAI's organization; a list is a deployment for each"
    ),
    *fills("custom_llm_provider", text, "custom_llm_provider", about="the provider, where `model` does not name it"),
    *fills("timeout_s", seconds, "timeout", about="seconds for a whole answer; of a stream, of silence"),
    *fills("stream_timeout_s", seconds, "stream_timeout", about="seconds of silence in a stream"),
    *fills(
        "timeouts_by_service_s",
        map_of(seconds),
        "timeout_by_service_tier",
        about="`timeout` of requests that say such a `service_tier`: `{flex: 900}`",
    ),
    *fills(
        "stream_timeouts_by_service_s",
        map_of(seconds),
        "stream_timeout_by_service_tier",
        about="the same of `stream_timeout`",
    ),
    *fills("max_retries", count, "max_retries", "num_retries", about="more attempts in this group after the first"),
    *fills("weight", number, "weight", about="its share of the group's requests"),
    *fills(
        "passes_through",
        flag,
        "use_in_pass_through",
        about="its account is the one that [pass-through](pass-through.md) uses",
    ),
    *fills("order", integer, "order", about="lower ones are asked first"),
    *fills("rpm", count, "rpm", about="its share of the group where none has a `weight`; it limits nothing"),
    *fills("tpm", count, "tpm", about="its share where none has a `weight` or an `rpm`; it limits nothing"),
    *fills(
        "tags",
        texts,
        "tags",
        about="which requests it is for, with `enable_tag_filtering`; `default`: those that nobody else is for",
    ),
    *fills("drop_params", flag, "drop_params", about="as in `litellm_settings`, here"),
    *fills("modify_params", flag, "modify_params", about="likewise"),
    *fills(
        "cache_points",
        cache_points,
        "cache_control_injection_points",
        about="where prompts are marked to be cached: a list of `{location: message, role: system}`, `{index: -1}`, "
        "`{location: tool_config}`, with `control: {type: ephemeral, ttl: 1h}`",
    ),
    *fills("additional_drop_params", texts, "additional_drop_params", about="parameters that are left out besides"),
    *fills(
        "allowed_openai_params",
        texts,
        "allowed_openai_params",
        about="parameters that are sent although they would be left out",
    ),
    *fills("extra_headers", map_of(literal), "extra_headers", "headers", about="sent with each request"),
    *fills(
        "extra_body",
        anything_table,
        "extra_body",
        about="fields of the request's body that win over the client's: the place for what is not listed",
    ),
    *fills("mock_response", anything, "mock_response", about="answered without a network"),
]

FOR_ITS_OWN_FILE = "what only the provider knows what to do with ([providers](providers.md))"
A_DEFAULT = "a field of the request, where the client does not say it"
CREDENTIAL = "litellm_credential_name"
PARAM_TABLES = ("litellm_params", "params")

PROVIDER_SECRETS = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_password",
    "client_secret",
    "zen_api_key",
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
    "azure_authority_host",
    "azure_federated_token_file",
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
    "watsonx_iam_url",
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
    "databricks_host",
    "account_id",
    "instance_id",
)

# Fields of a request body that the wires or the servers behind them know.
# https://platform.openai.com/docs/api-reference/chat/create, https://platform.claude.com/docs/en/api/messages, and the
# parameter lists of Ollama, vLLM, SGLang, llama.cpp, OpenRouter, DeepSeek, Mistral, Gemini, Cohere (seen 2026-11-21).
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
TABLES = (
    "audio",
    "context_management",
    "logit_bias",
    "metadata",
    "output_config",
    "prediction",
    "response_format",
    "stream_options",
    "thinking",
    "web_search_options",
)
OPENAI_CHAT = (
    "function_call",
    "functions",
    "logprobs",
    "modalities",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "stop",
    "store",
    "stream",
    "tool_choice",
    "tools",
    "user",
    "verbosity",
)
ANTHROPIC = (
    "anthropic_version",
    "anthropic_beta",
    "betas",
    "cache_control",
    "container",
    "inference_geo",
    "mcp_servers",
    "output_format",
    "speed",
    "stop_sequences",
    "system",
)
OTHERS = (
    "chat_template_kwargs",
    "citation_options",
    "do_sample",
    "documents",
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
    "low_vram",
    "main_gpu",
    "numa",
    "options",
    "plugins",
    "priority",
    "prompt_mode",
    "provider",
    "raw_prompting",
    "reasoning",
    "reasoning_format",
    "route",
    "safe_prompt",
    "safety_mode",
    "safety_settings",
    "shift",
    "skip_special_tokens",
    "stop_token_ids",
    "strict_tools",
    "structured_outputs",
    "think",
    "transforms",
    "truncate",
    "use_beam_search",
    "use_mlock",
    "use_mmap",
)

NOT_EXCHANGED = "no token is exchanged for a credential by it: give an `api_key`"
_FEDERATION = """disable_workload_identity_federation federation_rule_id federation_workspace_id identity_source
identity_token identity_token_file issuer_audience issuer_signing_key_ref issuer_subject issuer_ttl_seconds issuer_url
keycloak_auth_method keycloak_client_id keycloak_client_secret_ref keycloak_scope keycloak_token_url organization_id
service_account_id"""
IDENTITIES = (
    "openai_identity_provider_id",
    "openai_identity_token_file",
    "openai_service_account_id",
    "token_exchange_audience",
    "token_exchange_endpoint",
    "token_exchange_profile",
    "token_exchange_scope",
)


def tiers(node: Node, at: At) -> Json:
    value = anything(node, at)
    if not (isinstance(value, list) and all(isinstance(tier, dict) for tier in value)):
        at.expected("a list of tiers, `{range: [0, 32000], input_cost_per_token: ...}`", node)
        return []
    return value


def table_said(node: Node, at: At) -> Json:
    """What is none goes on as it is: a provider may know it."""
    if not isinstance(node, Table):
        at.doubted("a table", node, "it is refused, or has no effect")
    return anything(node, at)


PARAMS = section(
    "litellm_params",
    OWN,
    fills("credential", named, CREDENTIAL, about="a name of `credential_list`, whose values stand here then"),
    *(fills("params", secret, name, about=FOR_ITS_OWN_FILE) for name in PROVIDER_SECRETS),
    *(fills("params", anything, name, about=FOR_ITS_OWN_FILE) for name in PROVIDER_PARAMS),
    fills(
        "params",
        anything,
        "vertex_credentials",
        "vertex_ai_credentials",
        about="a service account's JSON, or the file that has it",
    ),
    *(fills("defaults", numeric, name, about=A_DEFAULT) for name in NUMBERS),
    *(fills("defaults", table_said, name, about=A_DEFAULT) for name in TABLES),
    *(fills("defaults", anything, name, about=A_DEFAULT) for name in (*OPENAI_CHAT, *ANTHROPIC, *OTHERS)),
    later(
        "tag_regex",
        "cooldown_time",
        "mock_timeout",
        "mock_tool_calls",
        "merge_reasoning_content_in_choices",
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
        "fireworks_forward_user_id",
        "output_vector_size",
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
    ),
    fills(
        "prices",
        map_of(number),
        "search_context_cost_per_query",
        about="dollars for a search, by the size of its context",
    ),
    fills("prices", tiers, "tiered_pricing", about="prices by the length of the input: `[{range: [0, 32000], ...}]`"),
    later("ssl_verify", "ssl_certificate", note="what litellm_settings say holds for all"),
    later(
        "regional_endpoint_uplift_multiplier",
        "regional_processing_uplift_multiplier_eu",
        "regional_processing_uplift_multiplier_us",
        note="PRICES ARE NOT MULTIPLIED by it: say `cost_margin_config`, or the prices themselves",
    ),
    later(*(f"anthropic_{name}" for name in _FEDERATION.split()), *IDENTITIES, note=NOT_EXCHANGED),
    later("configurable_clientside_auth_params", note="requests that carry such a field are refused"),
    guards("guardrails"),
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
    patterns=((PRICE, Key("", "fills", "prices", number, about="dollars per unit")),),
    usual=USUAL_PRICES,
    hint="a field of the provider's request that is not listed goes into `extra_body`",
)
