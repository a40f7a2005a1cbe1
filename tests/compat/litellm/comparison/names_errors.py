"""Each failure of a provider as the exception that a program catches."""

from __future__ import annotations

from typing import Any

from tests.compat.litellm.comparison.case import ASK, Run, Site, case, raised, settings
from tests.compat.litellm.comparison.upstream import TYPES

MODEL = "openai/gpt-4o"
STATUSES = {
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "InternalServerError": 500,
    "BadGatewayError": 502,
    "ServiceUnavailableError": 503,
}


def _of(name: str, status: int) -> Run:
    def run(litellm: Any, site: Site) -> Any:
        kind = getattr(litellm, name)
        found = raised(lambda: litellm.completion(MODEL, ASK, **site.at(str(status))))
        streamed = raised(lambda: list(litellm.completion(MODEL, ASK, stream=True, **site.at(str(status)))))
        later = raised(lambda: litellm.acompletion(MODEL, ASK, **site.at(str(status))))
        try:
            litellm.completion(MODEL, ASK, **site.at(str(status)))
            caught = []
        except Exception as error:  # noqa: BLE001  # is it one that a program catches by this name?
            caught = [isinstance(error, kind), TYPES[status][2] in str(error), TYPES[status][2] in error.message]
        return {
            "whole": found,
            "stream": streamed,
            "async": later,
            "caught by its name, with the provider's words": caught,
        }

    return run


for _name, _status in STATUSES.items():
    case(_name)(_of(_name, _status))


@case("BadRequestError")
def bad_request(litellm: Any, site: Site) -> Any:
    found = {
        str(status): raised(lambda status=status: litellm.completion(MODEL, ASK, **site.at(str(status))))
        for status in (400, 413)
    }
    return {**found, "no such provider": raised(lambda: litellm.completion("nobody-has-this-model", ASK))}


@case("ContextWindowExceededError")
def window(litellm: Any, site: Site) -> Any:
    found = raised(lambda: litellm.completion(MODEL, ASK, **site.at("window")))
    return {
        "whole": found,
        "is a BadRequestError": issubclass(litellm.ContextWindowExceededError, litellm.BadRequestError),
    }


@case("ContentPolicyViolationError")
def policy(litellm: Any, site: Site) -> Any:
    found = raised(lambda: litellm.completion(MODEL, ASK, **site.at("policy")))
    return {
        "whole": found,
        "is a BadRequestError": issubclass(litellm.ContentPolicyViolationError, litellm.BadRequestError),
    }


@case("Timeout")
def timeout(litellm: Any, site: Site) -> Any:
    return {
        "nobody answers in time": raised(lambda: litellm.completion(MODEL, ASK, timeout=0.2, **site.at("slow"))),
        "408": raised(lambda: litellm.completion(MODEL, ASK, **site.at("408"))),
        "504": raised(lambda: litellm.completion(MODEL, ASK, **site.at("504"))),
    }


@case("APIConnectionError")
def connection(litellm: Any, site: Site) -> Any:
    """Port 9 of the loopback, where nobody listens."""
    at = {"api_base": "http://127.0.0.1:9/v1", "api_key": "k", "max_retries": 0}
    found = raised(lambda: litellm.completion(MODEL, ASK, **at))
    return {"nobody there": {**found, "raised": None}, "is an APIConnectionError": _caught(litellm, at)}


def _caught(litellm: Any, at: dict[str, Any]) -> bool:
    try:
        litellm.completion(MODEL, ASK, **at)
    except (litellm.APIConnectionError, litellm.InternalServerError) as error:
        return isinstance(error, litellm.APIConnectionError)
    return False


@case("APIError")
def api_error(litellm: Any, site: Site) -> Any:
    found = raised(lambda: litellm.completion(MODEL, ASK, **site.at("529")))
    return {"529": found, "402": raised(lambda: litellm.completion(MODEL, ASK, **site.at("402")))}


@case("UnsupportedParamsError")
def unsupported(litellm: Any, site: Site) -> Any:
    said = {"model": "anthropic/claude-sonnet-4-5", "messages": ASK, "api_base": site.upstream.url(), "api_key": "k"}
    found = raised(lambda: litellm.completion(**said, logit_bias={"1": 1.0}))
    dropped = litellm.completion(**said, logit_bias={"1": 1.0}, drop_params=True)
    return {
        "refused": found,
        "is a BadRequestError": issubclass(litellm.UnsupportedParamsError, litellm.BadRequestError),
        "dropped": [dropped.choices[0].message.content, "logit_bias" in site.upstream.last.body],
    }


@case("exceptions")
def exceptions(litellm: Any, site: Site) -> Any:
    """A module: the same classes, and made by hand."""
    made = litellm.exceptions.RateLimitError(message="mine", llm_provider="openai", model="gpt-4o")
    return {
        "the same class": litellm.exceptions.RateLimitError is litellm.RateLimitError,
        "made by hand": [made.status_code, made.llm_provider, made.model, "mine" in str(made)],
        "others": [
            hasattr(litellm.exceptions, name)
            for name in ("BudgetExceededError", "RejectedRequestError", "JSONSchemaValidationError", "OpenAIError")
        ],
    }


@case("BudgetExceededError")
def budget(litellm: Any, site: Site) -> Any:
    with settings(litellm, max_budget=0.00001, _current_cost=1.0):
        found = raised(lambda: litellm.completion(MODEL, ASK, **site.at()))
    return {"spent": found, "asked": len(site.upstream.asked)}
