"""LiteLLM's names (1.109.1, seen 2026-11-26) and what stands behind each here.

`same`: works as LiteLLM's. `better`: works, and differs for the better in what the note says. `absent`: its first use
raises `NotBuilt`. Names that only a submodule has are here too; `modules.py` says which has which.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tollbridge.compat.litellm import unbuilt

Verdict = Literal["same", "better", "absent"]

FRONT = "tollbridge"
HERE = "tollbridge.compat.litellm"


class Name(NamedTuple):
    """`home`: the module that has it, "" of what is absent; `there`: what it is called there."""

    name: str
    verdict: Verdict
    home: str
    there: str
    note: str


def _of(home: str, *names: str, verdict: Verdict = "same", note: str = "") -> Iterator[Name]:
    """Each `name`, or `name=its name there`."""
    for one in names:
        name, _, there = one.partition("=")
        yield Name(name, verdict, home, there or name, note)


def _absent(note: str, *names: str) -> Iterator[Name]:
    yield from (Name(name, "absent", "", "", note) for name in names)


_TABLE: tuple[Name, ...] = (
    # calls
    *_of(
        f"{HERE}.calls",
        *("completion", "acompletion"),
        verdict="better",
        note="one engine with the server; what cannot be said to a provider is a caveat, not dropped silently",
    ),
    *_of(f"{HERE}.calls", "completion_with_retries", "acompletion_with_retries"),
    *_of(f"{HERE}.calls", "embedding", "aembedding", "rerank", "arerank", "moderation", "amoderation"),
    *_of(f"{HERE}.calls", "image_generation", "aimage_generation", "image_edit", "aimage_edit"),
    *_of(f"{HERE}.calls", "transcription", "atranscription", "speech", "aspeech"),
    *_of(f"{HERE}.calls", "text_completion", "atext_completion", "responses", "aresponses"),
    *_of(
        f"{HERE}.calls",
        *("get_responses", "aget_responses", "delete_responses", "adelete_responses", "cancel_responses"),
        *("acancel_responses", "list_input_items", "alist_input_items"),
        note="of a response that its provider keeps",
    ),
    *_of(f"{HERE}.calls", "generate_content", "agenerate_content"),
    *_of(f"{HERE}.calls", "anthropic_messages=aanthropic_messages", note="async, as LiteLLM's"),
    *_of(
        f"{HERE}.calls",
        *("create_file", "acreate_file", "file_retrieve", "afile_retrieve", "file_delete", "afile_delete"),
        *("file_list", "afile_list", "file_content", "afile_content", "create_batch", "acreate_batch"),
        *("retrieve_batch", "aretrieve_batch", "list_batches", "alist_batches", "cancel_batch", "acancel_batch"),
        note="of OpenAI, Azure, and who else keeps them in OpenAI's format",
    ),
    *_of(f"{HERE}.batches", "batch_completion", "batch_completion_models", "batch_completion_models_all_responses"),
    *_of(f"{HERE}.batches", "abatch_completion"),
    *_of(f"{HERE}.router", "Router", verdict="better", note="its mistakes are errors with their path; see below"),
    *_of(f"{HERE}.streams", "stream_chunk_builder", verdict="better", note="thinking, citations, logprobs are kept"),
    # costs, tokens, facts
    *_of(
        FRONT,
        *("completion_cost", "cost_per_token"),
        verdict="better",
        note="an unknown price raises `UnknownPrice`; no number stands for it",
    ),
    *_of(FRONT, "token_counter", "encode", "decode", verdict="better", note="offline; no `custom_tokenizer`"),
    *_of(FRONT, "get_model_info", "get_max_tokens", "register_model"),
    *_of(
        FRONT,
        *("supports_function_calling", "supports_parallel_function_calling", "supports_tool_choice", "supports_vision"),
        *("supports_pdf_input", "supports_audio_input", "supports_audio_output", "supports_video_input"),
        *("supports_reasoning", "supports_response_schema", "supports_prompt_caching", "supports_system_messages"),
        *("supports_assistant_prefill", "supports_web_search", "supports_computer_use", "supports_url_context"),
    ),
    *_of(f"{HERE}.environment", "validate_environment", "check_valid_key", "get_valid_models"),
    *_of(f"{HERE}.helpers", "get_llm_provider", "get_model_list", "trim_messages", "function_to_dict", "acount_tokens"),
    *_of(f"{HERE}.supported", "get_supported_openai_params"),
    *_of(f"{HERE}.helpers", "get_response_string", "print_verbose", "_turn_on_debug", "_should_retry"),
    *_of(f"{HERE}.helpers", "turn_on_debug"),
    # objects
    *_of(
        FRONT,
        *("ModelResponse", "ModelResponseStream", "Choices", "StreamingChoices", "Message", "Delta", "Usage"),
        *("Function", "FunctionCall", "ChatCompletionMessageToolCall", "ChatCompletionDeltaToolCall"),
        *("EmbeddingResponse", "ImageResponse", "TranscriptionResponse", "TextCompletionResponse", "RerankResponse"),
        note="a dictionary that reads like an object; made by hand, it has the fields that it is given",
    ),
    *_of(FRONT, "CompletionTokensDetailsWrapper=CompletionTokensDetails"),
    *_of(FRONT, "PromptTokensDetailsWrapper=PromptTokensDetails"),
    *_of(f"{HERE}.streams", "CustomStreamWrapper", verdict="better", note="a cut stream raises; it never ends short"),
    *_of(f"{HERE}.custom_llm", "GenericStreamingChunk", "CustomLLM", "CustomLLMError"),
    *_of(f"{HERE}.types", "RetryPolicy", "AllowedFailsPolicy", "ChatCompletionToolParam"),
    *_of(f"{HERE}.types", "ChatCompletionToolParamFunctionChunk", "ChatCompletionMessageParam", "AllMessageValues"),
    *_of("tollbridge.mcp.hooks", "MCPPostCallResponseObject", "HiddenParams"),
    # errors
    *_of(
        FRONT,
        *("APIConnectionError", "APIError", "APIResponseValidationError", "AuthenticationError", "BadGatewayError"),
        *("BadRequestError", "ContentPolicyViolationError", "ContextWindowExceededError", "InternalServerError"),
        *("InvalidRequestError", "NotFoundError", "OpenAIError", "PermissionDeniedError", "RateLimitError"),
        *("ServiceUnavailableError", "Timeout", "UnprocessableEntityError", "UnsupportedParamsError"),
        note="not a subclass of the OpenAI SDK's: catch it by this name",
    ),
    *_of(FRONT, "PaymentRequiredError"),
    *_of(f"{HERE}.types", "BudgetExceededError"),
    *_of(
        f"{HERE}.types",
        *("RejectedRequestError", "JSONSchemaValidationError", "MidStreamFallbackError", "ImageFetchError"),
        *("GuardrailRaisedException", "BlockedPiiEntityError"),
        *("CallerCredentialAuthenticationError", "CallerCredentialRateLimitError", "LiteLLMUnknownProvider"),
        *("MalformedRequestFieldError", "MockException", "ModelNotMappedError", "RouterRateLimitError"),
        *("RouterRateLimitErrorBasic", "ToolLoopMaxRoundsExceeded", "VectorStoreSearchError"),
        note="may be caught; nothing raises it",
    ),
    # callbacks, budgets, custom providers
    *_of(f"{HERE}.callbacks", "CustomLogger", verdict="better", note="called in order, before the call returns"),
    *_of(f"{HERE}.budgets", "BudgetManager", verdict="better", note='written at once and whole; `client_type="local"`'),
    *_of(f"{HERE}.logs", "verbose_logger", "verbose_router_logger", "verbose_proxy_logger"),
    # what a later round brings
    *_absent("Response caching comes later.", "Cache", "DualCache", "InMemoryCache", "RedisCache", "DiskCache"),
    *_absent("Response caching comes later.", "enable_cache", "disable_cache", "update_cache"),
    *_absent("Ask the vendor's own SDK.", "create_fine_tuning_job", "acreate_fine_tuning_job", "list_fine_tuning_jobs"),
    *_absent("Ask the vendor's own SDK.", "cancel_fine_tuning_job", "create_assistants", "get_assistants"),
    *_absent("Ask the vendor's own SDK.", "create_thread", "get_thread", "add_message", "get_messages", "run_thread"),
    *_absent("Ask the vendor's own SDK.", "ocr", "aocr", "search", "asearch", "image_variation", "aimage_variation"),
    *_absent("Ask the vendor's own SDK.", "video_generation", "avideo_generation", "vector_store_search"),
    *_absent("Open a WebSocket at a gateway's `/v1/realtime` (docs/realtime.md).", "_arealtime"),
    *_absent("A gateway passes requests through (docs/pass-through.md).", "allm_passthrough_route"),
    *_absent("Write the messages as the model wants them.", "register_prompt_template"),
    *_absent("Pass `timeout`.", "timeout"),
    *_absent("Ask a model with `max_tokens=1`.", "health_check", "ahealth_check"),
    *_absent("Count with `token_counter`.", "create_tokenizer", "create_pretrained_tokenizer"),
    *_absent("The server enforces limits: see docs/limits.md.", "RouterBudgetLimiting", "DefaultPriorityScheduler"),
    *_absent("Ask Python's `logging`.", "Logging", "modify_integration", "add_known_models"),
    *_absent("The gateway is `tollbridge serve`.", "run_server", "UserAPIKeyAuth", "ProxyException"),
    *_absent(
        "How a provider is asked is a row of docs/providers.md.", "OpenAIConfig", "AnthropicConfig", "AzureOpenAIConfig"
    ),
    *_absent(
        "How a provider is asked is a row of docs/providers.md.", "VertexAIConfig", "OllamaConfig", "CohereConfig"
    ),
    *_absent("How a provider is asked is a row of docs/providers.md.", "get_optional_params", "get_litellm_params"),
    *_absent("Errors of providers are translated where they are met.", "exception_type"),
    *_absent("Routing by strategy comes later; `simple-shuffle` is built.", "CustomRoutingStrategyBase"),
    *_of(f"{HERE}.types", "Deployment", "LiteLLM_Params", "ModelInfo", note="dictionaries with attributes"),
    *_absent("Give `Router` dictionaries.", "RouterModelGroupAliasItem"),
    # the rest, which programs may import
    *_of(f"{HERE}.types", "HTTPHandler", "AsyncHTTPHandler", note="for annotations and defaults; it sends nothing"),
    *_of(f"{HERE}.types", "FileContent", note="for annotations: what a file is given as"),
    *_of(f"{HERE}.types", *(f"{name}=Dictionary" for name in unbuilt.DICTIONARIES), note="a dictionary"),
    *(one for hint, names in unbuilt.ABSENT.items() for one in _absent(hint, *names)),
)

NAMES: dict[str, Name] = {one.name: one for one in _TABLE}
