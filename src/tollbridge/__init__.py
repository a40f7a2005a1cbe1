"""One gateway between your programs and the language models that they use.

The front door is lazy: `import tollbridge` loads this file alone, and a name brings its module when it is first used.
"""

TYPE_CHECKING = False  # type checkers read it as True; importing `typing` for it would cost more than all the rest here
if TYPE_CHECKING:
    from tollbridge import exceptions
    from tollbridge.errors import (
        APIConnectionError,
        APIError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadGatewayError,
        BadRequestError,
        ConfigError,
        ConflictError,
        ContentPolicyViolationError,
        ContextWindowExceededError,
        InternalServerError,
        NotBuilt,
        NotFoundError,
        OverloadedError,
        PaymentRequiredError,
        PermissionDeniedError,
        RateLimitError,
        RequestTimeoutError,
        RequestTooLargeError,
        ServiceUnavailableError,
        TollbridgeError,
        Truncated,
        UnknownModelError,
        UnknownPrice,
        UnprocessableEntityError,
        UnsupportedParamsError,
    )
    from tollbridge.exceptions import APIResponseValidationError, InvalidRequestError, OpenAIError, Timeout
    from tollbridge.sdk.audio import aspeech, atranscription, speech, transcription
    from tollbridge.sdk.chunks import stream_chunk_builder
    from tollbridge.sdk.completion import acompletion, completion
    from tollbridge.sdk.costs import completion_cost, cost_per_token
    from tollbridge.sdk.dialects import (
        aanthropic_messages,
        agenerate_content,
        anthropic_messages,
        aresponses,
        atext_completion,
        generate_content,
        responses,
        text_completion,
    )
    from tollbridge.sdk.embedding import aembedding, embedding
    from tollbridge.sdk.events import AsyncEvents, Events
    from tollbridge.sdk.images import aimage_edit, aimage_generation, image_edit, image_generation
    from tollbridge.sdk.mcp.client import MCPClient
    from tollbridge.sdk.mcp.run import run
    from tollbridge.sdk.mcp.tools import Tools, tools
    from tollbridge.sdk.model_info import (
        get_max_tokens,
        get_model_info,
        model_cost,
        register_model,
        supports_assistant_prefill,
        supports_audio_input,
        supports_audio_output,
        supports_computer_use,
        supports_function_calling,
        supports_parallel_function_calling,
        supports_pdf_input,
        supports_prompt_caching,
        supports_reasoning,
        supports_response_schema,
        supports_system_messages,
        supports_tool_choice,
        supports_url_context,
        supports_video_input,
        supports_vision,
        supports_web_search,
    )
    from tollbridge.sdk.moderation import amoderation, moderation
    from tollbridge.sdk.objects import (
        ChatCompletionDeltaToolCall,
        ChatCompletionMessageToolCall,
        Choice,
        Choices,
        CompletionTokensDetails,
        Delta,
        EmbeddingResponse,
        Function,
        FunctionCall,
        Message,
        ModelResponse,
        ModelResponseStream,
        PromptTokensDetails,
        StreamingChoices,
        Usage,
    )
    from tollbridge.sdk.rerank import arerank, rerank
    from tollbridge.sdk.router import Router
    from tollbridge.sdk.streams import AsyncStream, Stream
    from tollbridge.sdk.task_objects import (
        Event,
        ImageResponse,
        ModerationResponse,
        RerankResponse,
        SpeechResponse,
        TextCompletionResponse,
        TranscriptionResponse,
    )
    from tollbridge.sdk.token_counts import decode, encode, token_counter

    __version__: str

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncEvents",
    "AsyncStream",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "Choice",
    "Choices",
    "CompletionTokensDetails",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "Delta",
    "EmbeddingResponse",
    "Event",
    "Events",
    "Function",
    "FunctionCall",
    "ImageResponse",
    "InternalServerError",
    "InvalidRequestError",
    "MCPClient",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "ModerationResponse",
    "NotBuilt",
    "NotFoundError",
    "OpenAIError",
    "OverloadedError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PromptTokensDetails",
    "RateLimitError",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "RerankResponse",
    "Router",
    "ServiceUnavailableError",
    "SpeechResponse",
    "Stream",
    "StreamingChoices",
    "TextCompletionResponse",
    "Timeout",
    "TollbridgeError",
    "Tools",
    "TranscriptionResponse",
    "Truncated",
    "UnknownModelError",
    "UnknownPrice",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
    "Usage",
    "__version__",
    "aanthropic_messages",
    "acompletion",
    "aembedding",
    "agenerate_content",
    "aimage_edit",
    "aimage_generation",
    "amoderation",
    "anthropic_messages",
    "arerank",
    "aresponses",
    "aspeech",
    "atext_completion",
    "atranscription",
    "completion",
    "completion_cost",
    "cost_per_token",
    "decode",
    "embedding",
    "encode",
    "exceptions",
    "generate_content",
    "get_max_tokens",
    "get_model_info",
    "image_edit",
    "image_generation",
    "model_cost",
    "moderation",
    "register_model",
    "rerank",
    "responses",
    "run",
    "speech",
    "stream_chunk_builder",
    "supports_assistant_prefill",
    "supports_audio_input",
    "supports_audio_output",
    "supports_computer_use",
    "supports_function_calling",
    "supports_parallel_function_calling",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_reasoning",
    "supports_response_schema",
    "supports_system_messages",
    "supports_tool_choice",
    "supports_url_context",
    "supports_video_input",
    "supports_vision",
    "supports_web_search",
    "text_completion",
    "token_counter",
    "tools",
    "transcription",
]

# Every other name of `__all__` is an exception's.
_HOMES = {
    "tollbridge.sdk.audio": ("aspeech", "atranscription", "speech", "transcription"),
    "tollbridge.sdk.dialects": (
        "aanthropic_messages",
        "agenerate_content",
        "anthropic_messages",
        "aresponses",
        "atext_completion",
        "generate_content",
        "responses",
        "text_completion",
    ),
    "tollbridge.sdk.events": ("AsyncEvents", "Events"),
    "tollbridge.sdk.images": ("aimage_edit", "aimage_generation", "image_edit", "image_generation"),
    "tollbridge.sdk.moderation": ("amoderation", "moderation"),
    "tollbridge.sdk.rerank": ("arerank", "rerank"),
    "tollbridge.sdk.task_objects": (
        "Event",
        "ImageResponse",
        "ModerationResponse",
        "RerankResponse",
        "SpeechResponse",
        "TextCompletionResponse",
        "TranscriptionResponse",
    ),
    "tollbridge.sdk.chunks": ("stream_chunk_builder",),
    "tollbridge.sdk.completion": ("acompletion", "completion"),
    "tollbridge.sdk.costs": ("completion_cost", "cost_per_token"),
    "tollbridge.sdk.embedding": ("aembedding", "embedding"),
    "tollbridge.sdk.mcp.client": ("MCPClient",),
    "tollbridge.sdk.mcp.run": ("run",),
    "tollbridge.sdk.mcp.tools": ("Tools", "tools"),
    "tollbridge.sdk.model_info": (
        "get_max_tokens",
        "get_model_info",
        "model_cost",
        "register_model",
        "supports_assistant_prefill",
        "supports_audio_input",
        "supports_audio_output",
        "supports_computer_use",
        "supports_function_calling",
        "supports_parallel_function_calling",
        "supports_pdf_input",
        "supports_prompt_caching",
        "supports_reasoning",
        "supports_response_schema",
        "supports_system_messages",
        "supports_tool_choice",
        "supports_url_context",
        "supports_video_input",
        "supports_vision",
        "supports_web_search",
    ),
    "tollbridge.sdk.objects": (
        "ChatCompletionDeltaToolCall",
        "ChatCompletionMessageToolCall",
        "Choice",
        "Choices",
        "CompletionTokensDetails",
        "Delta",
        "EmbeddingResponse",
        "Function",
        "FunctionCall",
        "Message",
        "ModelResponse",
        "ModelResponseStream",
        "PromptTokensDetails",
        "StreamingChoices",
        "Usage",
    ),
    "tollbridge.sdk.router": ("Router",),
    "tollbridge.sdk.streams": ("AsyncStream", "Stream"),
    "tollbridge.sdk.token_counts": ("decode", "encode", "token_counter"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # neither this nor `metadata` before it is needed: see the head of this file

    found: object
    if name == "__version__":
        from importlib import metadata

        found = metadata.version(__name__)
    elif name == "exceptions":
        found = import_module(f"{__name__}.exceptions")
    else:
        found = getattr(import_module(_HOME.get(name, f"{__name__}.exceptions")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
