"""LiteLLM's submodules, and the names that each has: those of `names.py`.

`MODULES`: made of such names. `ALIASES`: modules of Tollbridge's, under this name too.
"""

from __future__ import annotations

from collections.abc import Mapping

_ERRORS = (
    *("APIConnectionError", "APIError", "APIResponseValidationError", "AuthenticationError", "BadGatewayError"),
    *("BadRequestError", "BlockedPiiEntityError", "BudgetExceededError", "ContentPolicyViolationError"),
    *("ContextWindowExceededError", "GuardrailRaisedException", "ImageFetchError", "InternalServerError"),
    *("InvalidRequestError", "JSONSchemaValidationError", "MidStreamFallbackError", "NotFoundError", "OpenAIError"),
    *("PaymentRequiredError", "PermissionDeniedError", "RateLimitError", "RejectedRequestError"),
    *("ServiceUnavailableError", "Timeout", "UnprocessableEntityError", "UnsupportedParamsError"),
)
_OBJECTS = (
    *("ModelResponse", "ModelResponseStream", "Choices", "StreamingChoices", "Message", "Delta", "Usage", "Function"),
    *("FunctionCall", "ChatCompletionMessageToolCall", "ChatCompletionDeltaToolCall", "EmbeddingResponse"),
    *("ImageResponse", "TranscriptionResponse", "TextCompletionResponse", "CompletionTokensDetailsWrapper"),
    *("PromptTokensDetailsWrapper",),
)
_CALLS = (
    *("completion", "acompletion", "embedding", "aembedding", "moderation", "amoderation", "image_generation"),
    *("aimage_generation", "transcription", "atranscription", "speech", "aspeech", "text_completion"),
    *("atext_completion", "batch_completion", "batch_completion_models", "batch_completion_models_all_responses"),
    "stream_chunk_builder",
)
_SUPPORTS = (
    *("supports_function_calling", "supports_parallel_function_calling", "supports_vision", "supports_pdf_input"),
    *("supports_reasoning", "supports_response_schema", "supports_prompt_caching", "supports_system_messages"),
    *("supports_audio_input", "supports_audio_output", "supports_web_search", "supports_tool_choice"),
)
_CACHES = ("Cache", "DualCache", "InMemoryCache", "RedisCache", "DiskCache")

MODULES: Mapping[str, tuple[str, ...]] = {
    "exceptions": _ERRORS,
    "main": (*_CALLS, "ModelResponse", "EmbeddingResponse", "token_counter"),
    "utils": (
        *(*_OBJECTS, *_SUPPORTS, "CustomStreamWrapper", "token_counter", "encode", "decode", "get_max_tokens"),
        *("get_model_info", "register_model", "validate_environment", "check_valid_key", "get_valid_models"),
        *("trim_messages", "function_to_dict", "get_llm_provider", "get_supported_openai_params", "exception_type"),
        *("get_optional_params", "get_response_string", "print_verbose"),
    ),
    "router": ("Router", "RetryPolicy", "AllowedFailsPolicy"),
    "cost_calculator": ("completion_cost", "cost_per_token"),
    "budget_manager": ("BudgetManager",),
    "caching": _CACHES,
    "caching.caching": _CACHES,
    "integrations": (),
    "integrations.custom_logger": ("CustomLogger",),
    "google_genai": ("generate_content", "agenerate_content", "generate_content_stream", "agenerate_content_stream"),
    "types": (),
    "types.mcp": ("MCPPostCallResponseObject", "HiddenParams"),
    "types.utils": (*_OBJECTS, "GenericStreamingChunk", "HiddenParams", "ModelInfo"),
    "types.router": ("RetryPolicy", "AllowedFailsPolicy", "Deployment", "LiteLLM_Params", "ModelInfo"),
    "types.llms": (),
    "types.llms.openai": (
        *("AllMessageValues", "ChatCompletionToolParam", "ChatCompletionToolParamFunctionChunk"),
        "ChatCompletionMessageParam",
    ),
    "llms": (),
    "llms.custom_llm": ("CustomLLM", "CustomLLMError"),
    "llms.custom_httpx": (),
    "llms.custom_httpx.http_handler": ("AsyncHTTPHandler", "HTTPHandler"),
    "proxy": (),
    "proxy._types": ("UserAPIKeyAuth", "ProxyException"),
    "_logging": ("verbose_logger", "verbose_router_logger", "verbose_proxy_logger", "_turn_on_debug"),
}

ALIASES: Mapping[str, str] = {
    "anthropic": "tollbridge.compat.litellm.anthropic",
    "anthropic.messages": "tollbridge.compat.litellm.anthropic.messages",
    "experimental_mcp_client": "tollbridge.experimental_mcp_client",
    "experimental_mcp_client.tools": "tollbridge.experimental_mcp_client.tools",
}
