"""What `completion` and `acompletion` take by name, and which of it is for whom.

Everything that is not named in the tables below is a field of the request body, also what nobody here has heard of: the
provider judges it. None means "not given", for every name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypedDict

from tollbridge.calls.own_fields import CALLBACKS, NO_EFFECT
from tollbridge.model.json import JsonObject


class Dumps(Protocol):
    """A pydantic object."""

    def model_dump(self, *, exclude_none: bool) -> JsonObject: ...


Object = Mapping[str, Any] | Dumps


class HttpxTimeout(Protocol):
    """Seconds, as `httpx.Timeout` has them. `read` is both the wait for the first byte and the longest silence."""

    connect: float | None
    read: float | None


class Parameters(TypedDict, total=False):
    """The body: OpenAI's names (https://platform.openai.com/docs/api-reference/chat/create, seen 2026-11-21) and the
    usual extensions. `response_format` may be a pydantic class; `thinking` is Anthropic's."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    n: int | None
    stop: str | Sequence[str] | None
    max_tokens: int | None
    max_completion_tokens: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    seed: int | None
    user: str | None
    tools: Sequence[Object] | None
    tool_choice: str | Object | None
    parallel_tool_calls: bool | None
    functions: Sequence[Object] | None
    function_call: str | Object | None
    response_format: Object | type | None
    reasoning_effort: str | None
    verbosity: str | None
    thinking: Object | None
    modalities: Sequence[str] | None
    audio: Object | None
    prediction: Object | None
    web_search_options: Object | None
    service_tier: str | None
    store: bool | None
    stream_options: Object | None
    prompt_cache_key: str | None
    safety_identifier: str | None

    # who answers
    api_key: str | None
    api_base: str | None
    base_url: str | None
    api_version: str | None
    organization: str | None
    custom_llm_provider: str | None
    base_model: str | None
    extra_headers: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None

    # how it is asked
    timeout: float | HttpxTimeout | None
    num_retries: int | None
    max_retries: int | None
    fallbacks: Sequence[str | Mapping[str, Any]] | None
    context_window_fallback_dict: Mapping[str, str] | None
    drop_params: bool | None
    additional_drop_params: Sequence[str] | None
    allowed_openai_params: Sequence[str] | None
    modify_params: bool | None
    cache_control_injection_points: Sequence[Object] | None
    strict: bool | None

    # what it costs, in dollars, where the catalog does not know or is wrong; other prices of LiteLLM's are taken too
    input_cost_per_token: float | None
    output_cost_per_token: float | None
    cache_read_input_token_cost: float | None
    input_cost_per_second: float | None

    # the caller's own notes: not sent, but `metadata` with `store`
    metadata: Mapping[str, Any] | None
    tags: Sequence[str] | None

    # an answer without a provider
    mock_response: Any
    mock_tool_calls: Sequence[Object] | None
    mock_timeout: bool | None
    mock_delay: float | None


CACHE_POINTS = "cache_control_injection_points"
WHO = ("api_key", "api_base", "base_url", "api_version", "organization", "custom_llm_provider", "base_model")
EXTRAS = ("extra_headers", "headers", "extra_body")
HOW = (
    *("timeout", "stream_timeout", "num_retries", "max_retries", "fallbacks", "context_window_fallback_dict"),
    *("drop_params", "additional_drop_params", "allowed_openai_params", "modify_params", "strict", "tags"),
    CACHE_POINTS,
)
MOCKS = ("mock_response", "mock_tool_calls", "mock_timeout")
MOCK_DELAY = "mock_delay"  # of one of these
OURS = frozenset({*WHO, *EXTRAS, *HOW, *MOCKS, MOCK_DELAY})

FOR_PROVIDERS = ("aws_", "azure_", "vertex_", "watsonx_")
"""How names begin that a provider's row may ask for, and that are credentials or addresses: never in a body."""

WITHOUT_EFFECT = frozenset(
    NO_EFFECT
    | CALLBACKS
    | {"callbacks", "failure_callback", "input_callback", "success_callback"}
    | {"cache", "caching", "id", "litellm_metadata", "litellm_session_id", "litellm_trace_id"}
    | {"mock_testing_content_policy_fallbacks", "mock_testing_context_fallbacks", "mock_testing_fallbacks"}
    | {"mock_testing_rate_limit_error", "provider_specific_header", "rpm", "tpm", "ttl", "user_config", "verbose"}
)
"""LiteLLM's parameters for what Tollbridge does not do in a call. Left out, with a caveat."""

REFUSED: Mapping[str, str] = {
    "client": "Tollbridge sends requests itself: pass `api_key` and `api_base` of that client.",
    "model_list": "Pass the other models as `fallbacks`, each with parameters of its own.",
    "fallback_strategy": "Pass `fallbacks`; they are tried in order.",
    "extra_query": "Write the query into `api_base`.",
    "ssl_verify": "Name a file of certificates in the environment variable SSL_CERT_FILE.",
}
"""They would change who answers or how, so that leaving them out would not do. Name -> what to do instead."""
