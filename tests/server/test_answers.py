from typing import Any

import pytest

from tollbridge.errors import (
    APIError,
    BadGatewayError,
    BadRequestError,
    BudgetExceededError,
    OverloadedError,
    RateLimitError,
)
from tollbridge.ledger.book import Book
from tollbridge.policy.limits import Limiter
from tollbridge.server.allowance import Held
from tollbridge.server.answers import error_answer, passed_on
from tollbridge.store.key import Key
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT

PROVIDER = [(b"x-ratelimit-remaining-requests", b"59"), (b"openai-version", b"2020-10-01")]


def held(rpm: int | None) -> Held:
    key = Key(id="k", digest=b"", name="k", rpm=rpm)
    return Held(Limiter().reserve(key, 0), Book().reserve(key, 0), limited=rpm is not None)


def names(headers: Any) -> set[bytes]:
    return {name for name, _ in headers}


def test_a_key_with_limits_is_told_its_own_and_not_the_providers() -> None:
    every = names(passed_on(PROVIDER, None))
    assert any(b"ratelimit-remaining" in name for name in every)
    assert names(passed_on(PROVIDER, held(rpm=None))) == every
    own = names(passed_on(PROVIDER, held(rpm=7)))
    assert own
    assert not any(name.startswith(b"x-ratelimit") for name in own)


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES, GEMINI], ids=lambda wire: wire.name)
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BudgetExceededError("Spent.", code="budget_exceeded"), "false"),
        (BudgetExceededError("Spent until Monday.", retry_after_s=90_000.0), "false"),
        (BudgetExceededError("Held.", code="budget_held", retryable=True, retry_after_s=1.0), None),
        (RateLimitError("Too fast.", retry_after_s=2.0), None),
        (RateLimitError("No credit is left.", code="insufficient_quota", retryable=False), "false"),
        (BadGatewayError("It redirects.", retryable=False), "false"),
        (OverloadedError("Later."), None),
        (BadRequestError("What?"), None),
        (APIError("A bug."), None),
    ],
)
def test_a_client_is_told_where_asking_again_does_not_help(dialect: Wire, error: APIError, told: str | None) -> None:
    headers = {name.decode(): value.decode() for name, value in error_answer(dialect, error)[1]}
    assert headers.get("x-should-retry") == told
