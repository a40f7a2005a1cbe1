"""The objects of a chat answer, under the names that users of the OpenAI SDK and of LiteLLM know.

Fields are OpenAI's (https://platform.openai.com/docs/api-reference/chat/object, seen 2026-11-21) and the usual
extensions: `reasoning_content`, `thinking_blocks`, `provider_specific_fields`, `images`. What each may hold is said in
`value`: any field may be absent, and fields that are not listed are kept and readable.
"""

import time
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

from tollbridge.model.json import Json, JsonObject
from tollbridge.sdk.value import Value

# tool calls


class Function(Value):
    """`arguments` is JSON text as the model wrote it; in a stream, a piece of it."""

    name: str | None
    arguments: str


class FunctionCall(Value):
    """The legacy form of a tool call."""

    name: str | None
    arguments: str


class CustomToolInput(Value):
    name: str
    input: str


class ChatCompletionMessageToolCall(Value):
    """`type` is `function` also where the provider leaves it out, as Mistral does."""

    id: str
    type: str
    function: Function
    custom: CustomToolInput | None
    provider_specific_fields: JsonObject | None

    def __missing__(self, name: str) -> Json:
        if name == "type" and "function" in self:
            return "function"
        return super().__missing__(name)


class ChatCompletionDeltaToolCall(Value):
    """`index` says which call of the choice grows; `id` and `function.name` come with the first piece."""

    index: int
    id: str | None
    type: str | None
    function: Function
    custom: CustomToolInput | None
    provider_specific_fields: JsonObject | None


# what stands around the text


class AnnotationURLCitation(Value):
    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(Value):
    type: str
    url_citation: AnnotationURLCitation | None


class ChatCompletionAudio(Value):
    id: str
    data: str
    expires_at: int
    transcript: str


class TopLogprob(Value):
    token: str
    logprob: float
    bytes: list[int] | None


class ChatCompletionTokenLogprob(Value):
    token: str
    logprob: float
    bytes: list[int] | None
    top_logprobs: list[TopLogprob]


class ChoiceLogprobs(Value):
    content: list[ChatCompletionTokenLogprob] | None
    refusal: list[ChatCompletionTokenLogprob] | None


class PromptTokensDetails(Value):
    """`cache_creation_tokens`: LiteLLM's name for `cache_write_tokens`."""

    cached_tokens: int | None
    cache_write_tokens: int | None
    cache_creation_tokens: int | None
    audio_tokens: int | None
    image_tokens: int | None
    text_tokens: int | None

    def __missing__(self, name: str) -> Json:
        if name == "cache_creation_tokens":
            return self.get("cache_write_tokens")
        return super().__missing__(name)


class CompletionTokensDetails(Value):
    reasoning_tokens: int | None
    audio_tokens: int | None
    image_tokens: int | None
    text_tokens: int | None
    accepted_prediction_tokens: int | None
    rejected_prediction_tokens: int | None


class Usage(Value):
    """Totals, and in the details parts of them. `cache_read_input_tokens`, `cache_creation_input_tokens`: Anthropic's
    names for what was read from a cache and written into one, whoever answered; 0 where nobody told of any."""

    _by_hand = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), int)

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails | None
    completion_tokens_details: CompletionTokensDetails | None
    cost: float | None
    cache_read_input_tokens: int
    cache_creation_input_tokens: int

    def __missing__(self, name: str) -> Json:
        field = _OF_CACHES.get(name)
        if field is None:
            return super().__missing__(name)
        from tollbridge.wires.openai_chat.usage import read_usage  # loaded by who asks: most count totals alone

        return getattr(read_usage(self.model_dump()), field, None) or 0


_OF_CACHES: Mapping[str, str] = {
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
}


# the whole answer


class Said(Value):
    """What a model says: at once, or by and by. `reasoning_content` also reads what the provider calls `reasoning`."""

    content: str | None
    refusal: str | None
    function_call: FunctionCall | None
    reasoning_content: str | None
    thinking_blocks: list[JsonObject] | None
    annotations: list[Annotation] | None
    audio: ChatCompletionAudio | None
    images: list[JsonObject] | None
    provider_specific_fields: JsonObject | None

    def __missing__(self, name: str) -> Json:
        if name == "reasoning_content":  # of OpenRouter, Groq, Cerebras, Ollama's /v1 and newer vLLM
            return self.get("reasoning")
        return super().__missing__(name)


class Message(Said):
    """Goes back into `messages` as it is."""

    _by_hand: ClassVar = {"role": lambda: "assistant", "content": lambda: None}

    role: str
    tool_calls: list[ChatCompletionMessageToolCall] | None


class Choices(Value):
    _by_hand: ClassVar = {"index": lambda: 0, "message": Message, "finish_reason": lambda: "stop"}

    index: int
    message: Message
    finish_reason: str
    logprobs: ChoiceLogprobs | None
    provider_specific_fields: JsonObject | None


class Answer(Value):
    """What a whole answer and a chunk have in common, and what Tollbridge knows about it and JSON does not show.

    `_hidden_params`: `response_cost` and the like, LiteLLM's name. `_response_ms`: milliseconds from the call to the
    answer. `_response_headers`: the provider's headers that a client may see. `_request_id`: the provider's, for its
    support.
    """

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str | None
    service_tier: str | None
    usage: Usage | None

    _hidden_params: JsonObject
    _response_headers: dict[str, str] | None
    _response_ms: float | None
    _request_id: str | None

    def __getattr__(self, name: str) -> Any:
        if name == "_hidden_params":
            self._hidden_params = {}
            return self._hidden_params
        if name in _UNTOLD:
            return None
        return super().__getattr__(name)

    @property
    def response_ms(self) -> float | None:
        return self._response_ms


_UNTOLD = frozenset({"_response_headers", "_response_ms", "_request_id"})


class ModelResponse(Answer):
    _by_hand: ClassVar = {
        "id": lambda: f"chatcmpl-{uuid4()}",
        "object": lambda: "chat.completion",
        "created": lambda: int(time.time()),
        "choices": lambda: [Choices()],
    }

    choices: list[Choices]


# embeddings


class Embedding(Value):
    """`embedding`: floats, also where the provider packed them."""

    object: str
    index: int
    embedding: list[float]


class EmbeddingResponse(Answer):
    data: list[Embedding]


# the stream


class Delta(Said):
    """What a choice grew by. `role`: None where this chunk does not say it."""

    role: str | None
    tool_calls: list[ChatCompletionDeltaToolCall] | None


class StreamingChoices(Value):
    index: int
    delta: Delta
    finish_reason: str | None
    logprobs: ChoiceLogprobs | None


class ModelResponseStream(Answer):
    """One chunk."""

    choices: list[StreamingChoices]


# the same, as the OpenAI SDK calls them

Choice = Choices
ChatCompletion = ModelResponse
ChatCompletionChunk = ModelResponseStream
ChatCompletionMessage = Message
CompletionUsage = Usage
