"""The exceptions under the names that LiteLLM's `litellm.exceptions` has for them.

The classes are those of `tollbridge.errors`; an alias here is the same class. They have the OpenAI SDK's names, and are
not its classes: `except openai.RateLimitError` does not catch `tollbridge.RateLimitError`, because Tollbridge does not
depend on that package. Write `except tollbridge.RateLimitError`.
"""

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
    TimedOut,
    TollbridgeError,
    Truncated,
    UnknownModelError,
    UnknownPrice,
    UnprocessableEntityError,
    UnsupportedParamsError,
)

Timeout = TimedOut
InvalidRequestError = BadRequestError
APIResponseValidationError = BadGatewayError
OpenAIError = TollbridgeError

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "InternalServerError",
    "InvalidRequestError",
    "NotBuilt",
    "NotFoundError",
    "OpenAIError",
    "OverloadedError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "ServiceUnavailableError",
    "Timeout",
    "TollbridgeError",
    "Truncated",
    "UnknownModelError",
    "UnknownPrice",
    "UnprocessableEntityError",
    "UnsupportedParamsError",
]
