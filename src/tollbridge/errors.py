"""Every exception of Tollbridge, as one tree. Class names and status codes are the OpenAI SDK's where it has one.

    TollbridgeError                      anything we raise on purpose
    ├── ConfigError                      operator   the file or the environment is wrong; names file:line:column
    ├── StoreError                       operator   the database cannot be opened; says why and what to do
    ├── EntryRefused                     gateway    the database cannot keep an entry of the ledger; says why
    ├── UnknownPrice                     operator   what was used has no price: say it in the configuration
    ├── NotBuilt                         client     a name of another gateway that Tollbridge has nothing behind yet
    └── APIError                         one request failed
        ├── TimedOut               408   provider   the three below whose names say so: LiteLLM's `Timeout`
        ├── APIConnectionError     502   provider   nobody answered: refused, DNS, TLS, reset        retryable
        │   └── APITimeoutError    504   provider   connect, first byte, gap or total time ran out   retryable
        └── APIStatusError                          somebody answered with an error
            ├── BadRequestError           400   client     the request is malformed
            │   ├── UnsupportedParamsError         client     the target cannot do this; `drop_params` leaves it out
            │   ├── ContextWindowExceededError     client     too many tokens for this model
            │   └── ContentPolicyViolationError    client     refused by a content filter
            ├── AuthenticationError       401   client     no key or a wrong one (the provider's key: operator)
            ├── PaymentRequiredError      402   operator   the account has no credit
            ├── PermissionDeniedError     403   client     the key may not do this
            ├── NotFoundError             404   client     no such model or route
            │   └── UnknownModelError     404   client     no such model: a BadRequestError too, as LiteLLM has it
            ├── RequestTimeoutError       408   client     the request did not arrive in time
            ├── ConflictError             409   client                                          retryable
            ├── RequestTooLargeError      413   client     the body is over the limit
            ├── UnprocessableEntityError  422   client     well-formed, and still not acceptable
            ├── RateLimitError            429   client     wait `retry_after_s`                 retryable
            │   └── BudgetExceededError   429   client     the key's budget is used up, or held by what is under way
            └── InternalServerError       5xx   provider   an error on their side               retryable
                ├── GatewayTimeoutError   504   provider   somebody between us and the model gave up
                ├── BadGatewayError       502   provider   the answer was not what the format promises
                │   └── Truncated         502   provider   a stream ended before its end marker
                ├── ServiceUnavailableError 503 gateway    nobody is free or healthy; wait `retry_after_s`
                │   └── StoreUnavailable  503   gateway    the database does not answer, or cannot be written
                └── OverloadedError       529   provider   overloaded

Each error answers four questions: whose fault (`fault`), HTTP status (`status_code`), `retryable`, and what to do
next (the message ends with it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tollbridge.failed_answer import FailedAnswer

PROVIDER_HEADER = "x-tollbridge-provider"
"""By which a gateway of ours tells whose answer it passes on."""

Fault = Literal["client", "operator", "provider", "gateway"]


class TollbridgeError(Exception):
    """Root of the tree."""

    message: str

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(TollbridgeError):
    """The configuration cannot be used. The message names file:line:column and what to write instead."""


class NotBuilt(TollbridgeError, NotImplementedError):
    """What was asked for has a name here, and nothing behind it yet. The message says what to do instead."""


class StoreError(TollbridgeError):
    """The database cannot be opened: corrupt, locked, full, not to be written, not to be reached, of a newer version.
    The message says which database, why, and what to do."""


class EntryRefused(TollbridgeError):
    """The database cannot keep an entry of the ledger, now or later."""


class UnknownPrice(TollbridgeError):
    """What was used has no price. `kind`: of what; "" where the model has none at all."""

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class APIError(TollbridgeError):
    """One request failed.

    `status_code`: HTTP status that the client is answered with. `type`, `code`, `param`: as in OpenAI's error object.
    `provider`, `model`: who was asked; empty where nobody was. `retry_after_s`: seconds to wait, where known.
    `headers`: the provider's, as received (`calls.provider_headers` picks those that a client of the gateway may see).
    `body`: the provider's decoded error body, or None, and `wire` the name of its format.

    A program may make one as LiteLLM's are made: `RateLimitError("why", "openai", "gpt-4o")`, or by `llm_provider`.
    `response`: whatever it puts there, else `answered`. The last three are LiteLLM's too, and say nothing here.
    """

    status_code: int = 500
    type: str = "api_error"
    fault: Fault = "gateway"
    retryable: bool = False
    unsent: bool = False
    """Nobody was asked: the request cannot be said to who would have been."""
    public: str = ""
    """The message for who may not know the addresses of those that are asked; "" where it tells none."""

    def __init__(
        self,
        message: str,
        llm_provider: str = "",
        model: str = "",
        response: Any = None,
        *,
        status_code: int | None = None,
        type: str | None = None,
        code: str | int | None = None,
        param: str | None = None,
        provider: str = "",
        fault: Fault | None = None,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        body: Any = None,
        wire: str = "",
        request_id: str = "",
        litellm_debug_info: str | None = None,
        max_retries: int | None = None,
        num_retries: int | None = None,
    ) -> None:
        super().__init__(message)
        if status_code is not None:
            self.status_code = status_code
        if type is not None:
            self.type = type
        if fault is not None:
            self.fault = fault
        if retryable is not None:
            self.retryable = retryable
        self.code = code
        self.param = param
        self.provider = provider or llm_provider
        self.model = model
        self.retry_after_s = retry_after_s
        self.headers = headers
        self.body = body
        self.wire = wire
        self.request_id = request_id
        self._response = response

    @property
    def response(self) -> Any:
        """LiteLLM's: `status_code`, `headers`, `text`, `json()`. None where nobody answered."""
        return self.answered if self._response is None else self._response

    @response.setter
    def response(self, value: Any) -> None:
        self._response = value

    @property
    def answered(self) -> FailedAnswer | None:
        return None

    @property
    def llm_provider(self) -> str:
        """LiteLLM's name for `provider`."""
        return self.provider


class TimedOut(APIError):
    """LiteLLM's `Timeout`: by it a program catches whatever came too late, here or at the provider."""

    status_code = 408
    type = "timeout_error"
    fault: Fault = "provider"
    retryable = True


class APIConnectionError(APIError):
    status_code = 502
    type = "api_connection_error"
    fault: Fault = "provider"
    retryable = True


class APITimeoutError(APIConnectionError, TimedOut):
    status_code = 504
    type = "timeout_error"


class APIStatusError(APIError):
    """An answer with an error status, or a refusal that has one. `from_status` picks the class."""

    @property
    def answered(self) -> FailedAnswer:
        from tollbridge.failed_answer import FailedAnswer  # loaded by who asks for it

        return FailedAnswer(self.status_code, self.headers, self.body)


class BadRequestError(APIStatusError):
    status_code = 400
    type = "invalid_request_error"
    fault: Fault = "client"


class UnsupportedParamsError(BadRequestError):
    """The target's format cannot say what was asked. `drop_params: true` leaves it out instead."""


class ContextWindowExceededError(BadRequestError):
    pass


class ContentPolicyViolationError(BadRequestError):
    pass


class AuthenticationError(APIStatusError):
    """A key was refused. Where a provider did so the message says which, before its own words: they speak of `your
    key`, and mean the one that it was asked with. `key_place`: where that one is from, such as a variable; "" where
    nobody says."""

    status_code = 401
    type = "authentication_error"
    fault: Fault = "client"
    provider = ""
    wire = ""
    key_place = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def message(self) -> str:  # who refused it is known only after it was made
        return self._refused_by + self._said

    @message.setter
    def message(self, said: str) -> None:
        self._said = said.removeprefix(self._refused_by)

    @property
    def _refused_by(self) -> str:
        if not (self.provider and self.wire):
            return ""
        behind = next((value for name, value in self.headers if name.lower() == PROVIDER_HEADER), "")
        if behind:  # it is a gateway, and told whom it asked
            return f"{behind} refused the key of {self.provider}, which asked it, and not the caller's: "
        place = f" ({self.key_place})" if self.key_place else ""
        return f"{self.provider} refused the key that it was asked with{place}: "

    def __str__(self) -> str:
        return self.message


class PaymentRequiredError(APIStatusError):
    status_code = 402
    type = "billing_error"
    fault: Fault = "operator"


class PermissionDeniedError(APIStatusError):
    status_code = 403
    type = "permission_error"
    fault: Fault = "client"


class NotFoundError(APIStatusError):
    status_code = 404
    type = "not_found_error"
    fault: Fault = "client"


class UnknownModelError(NotFoundError, BadRequestError):
    """Nobody has a model of this name: 404 as OpenAI answers, and the BadRequestError that LiteLLM raises."""


class RequestTimeoutError(APIStatusError, TimedOut):
    status_code = 408
    type = "timeout_error"
    fault: Fault = "client"
    retryable = True


class ConflictError(APIStatusError):
    status_code = 409
    type = "conflict_error"
    fault: Fault = "client"
    retryable = True


class RequestTooLargeError(APIStatusError):
    status_code = 413
    type = "request_too_large"
    fault: Fault = "client"


class UnprocessableEntityError(APIStatusError):
    status_code = 422
    type = "invalid_request_error"
    fault: Fault = "client"


class RateLimitError(APIStatusError):
    status_code = 429
    type = "rate_limit_error"
    fault: Fault = "client"
    retryable = True


class BudgetExceededError(RateLimitError):
    """LiteLLM's name and words. `retry_after_s`: until the budget starts anew; None where it never does."""

    type = "budget_exceeded"
    retryable = False


class InternalServerError(APIStatusError):
    status_code = 500
    type = "api_error"
    fault: Fault = "provider"
    retryable = True


class BadGatewayError(InternalServerError):
    status_code = 502
    type = "upstream_invalid_response"


class Truncated(BadGatewayError):
    """A stream ended before its end marker came. Never shown as a normal end."""

    type = "upstream_truncated"


class GatewayTimeoutError(InternalServerError, TimedOut):
    status_code = 504
    type = "timeout_error"
    fault: Fault = "provider"


class ServiceUnavailableError(InternalServerError):
    status_code = 503
    type = "service_unavailable"
    fault: Fault = "gateway"


class StoreUnavailable(ServiceUnavailableError):
    """The database does not answer now, or cannot be written. Whatever was begun in it is undone."""


class OverloadedError(InternalServerError):
    status_code = 529
    type = "overloaded_error"


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    500: InternalServerError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    504: GatewayTimeoutError,
    529: OverloadedError,
}


def from_status(status: int) -> type[APIStatusError]:
    """The class for an HTTP error status: the exact one, else BadRequestError for 4xx, InternalServerError for 5xx."""
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return BadRequestError if 400 <= status < 500 else InternalServerError
