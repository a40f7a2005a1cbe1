"""Types of LiteLLM's that are dictionaries here, and errors; most of these may be caught and are never raised."""

from __future__ import annotations

from typing import Any, NoReturn

from tollbridge import errors
from tollbridge.compat.litellm.absent import not_built
from tollbridge.errors import APIError, AuthenticationError, BadRequestError, RateLimitError
from tollbridge.sdk.value import Value

Dictionary = dict[str, Any]
FileContent = Any  # what a file is given as; the SDK's class of this name is what a file holds
ChatCompletionToolParam = dict[str, Any]
ChatCompletionToolParamFunctionChunk = dict[str, Any]
ChatCompletionMessageParam = dict[str, Any]
AllMessageValues = dict[str, Any]


class Deployment(Value):
    """An entry of a router's list."""


class LiteLLM_Params(Value):
    """The `litellm_params` of an entry."""


class ModelInfo(Value):
    """The `model_info` of an entry."""


class HTTPHandler:
    """LiteLLM's client, which stands in the signatures of handlers. They are given None for it."""

    def __init__(self, *_: object, **__: object) -> None:
        """It may be a default."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself looks for
            raise AttributeError(name)
        raise not_built(f"{type(self).__name__}.{name}", "Ask with a client of your own, such as httpx's.")


class AsyncHTTPHandler(HTTPHandler):
    """The same, for async calls."""


class RetryPolicy(dict[str, int]):
    """`RetryPolicy(RateLimitErrorRetries=3)`: what `Router(retry_policy=...)` takes."""


class AllowedFailsPolicy(dict[str, int]):
    """`Router` says that it is not built."""


class BudgetExceededError(errors.BudgetExceededError):
    """LiteLLM's: made of what was spent and of what might be, in dollars. A text alone is its message."""

    def __init__(
        self,
        current_cost: float | str = 0.0,
        max_budget: float | None = None,
        message: str | None = None,
        llm_provider: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
        **said: Any,
    ) -> None:
        spent, words = (0.0, current_cost) if isinstance(current_cost, str) else (current_cost, message)
        told = f"Budget has been exceeded! Current cost: {spent}, Max budget: {max_budget}"
        super().__init__(words or told, llm_provider or "", **said)
        self.current_cost = spent
        self.max_budget = max_budget
        self.entity_type = entity_type
        self.entity_id = entity_id


class RejectedRequestError(BadRequestError):
    """LiteLLM's, of a guardrail."""


class JSONSchemaValidationError(APIError):
    """LiteLLM's, of `enable_json_schema_validation`."""


class MidStreamFallbackError(APIError):
    """LiteLLM's: here a stream that delivered something is never begun again elsewhere."""


class ImageFetchError(BadRequestError):
    """LiteLLM's: here the provider fetches an image, or the request is refused."""


class GuardrailRaisedException(Exception):
    """LiteLLM's, of a guardrail."""


class BlockedPiiEntityError(Exception):
    """LiteLLM's, of a guardrail."""


class CallerCredentialAuthenticationError(AuthenticationError):
    """LiteLLM's."""


class CallerCredentialRateLimitError(RateLimitError):
    """LiteLLM's."""


class LiteLLMUnknownProvider(BadRequestError):
    """LiteLLM's."""


class MalformedRequestFieldError(BadRequestError):
    """LiteLLM's."""


class MockException(APIError):
    """LiteLLM's."""


class ModelNotMappedError(Exception):
    """LiteLLM's."""


class RouterRateLimitError(ValueError):
    """LiteLLM's."""


class RouterRateLimitErrorBasic(ValueError):
    """LiteLLM's."""


class ToolLoopMaxRoundsExceeded(RuntimeError):
    """LiteLLM's."""


class VectorStoreSearchError(BadRequestError):
    """LiteLLM's."""
