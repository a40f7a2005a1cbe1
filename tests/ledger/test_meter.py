"""What a request used and cost, from what its attempts were told: the rules at the head of ledger/meter.py."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.heard import Heard
from tollbridge.catalog.pricing import UNPRICED, Tariff
from tollbridge.catalog.tokens import count_request, count_text
from tollbridge.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    BadGatewayError,
    BadRequestError,
    RateLimitError,
    ServiceUnavailableError,
    Truncated,
)
from tollbridge.ledger.meter import NEVER_SENT, Said, may_be_billed, meter
from tollbridge.model.response import Usage
from tollbridge.observe import Record
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.routing.engine import Attempt
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.tap import Along

PRICES = {"input": 2 * 10**9, "output": 10 * 10**9, "input@flex": 10**9, "output@flex": 5 * 10**9}
WORDS = "The quick brown fox jumps over the lazy dog."
PROMPT = "How many words are in the sentence that everybody knows?"


def deployment(id: str = "one", tariff: Tariff | None = None) -> Deployment:
    built = build(Wanted(id=id, group="m", model="openai/gpt-4.1", given=Given(api_key="k")), {}, ROWS)
    return msgspec.structs.replace(built, tariff=tariff or Tariff(PRICES, "config"))


def ask(body: bytes | None = None) -> Ask:
    said = json.dumps({"model": "m", "messages": [{"role": "user", "content": PROMPT}]}).encode()
    raw = said if body is None else body
    return Ask(OPENAI_CHAT, raw, peek(raw), "m", stream=False)


def prompt_tokens() -> int:
    return count_request(ask().request().value, "gpt-4.1")


def said(
    usage: Usage | None = None, *, exact: bool = True, tier: str | None = None, heard: Heard | None = None
) -> Said:
    def words() -> Heard:
        assert heard is not None, "what was said is not counted where it was told"
        return heard

    return Said(Along(usage, "c1", tier), exact, words)


def metered(*attempts: Attempt, of: Said | None = None, asked: Ask | None = None) -> Record:
    record = Record()
    meter(record, attempts, asked or ask(), of)
    return record


def answered(tariff: Tariff | None = None) -> Attempt:
    return Attempt(deployment(tariff=tariff), seconds=0.5)


def test_the_providers_last_word_counts_token_for_token() -> None:
    usage = Usage(input=1000, output=50, cache_read=600, reasoning=20, web_searches=0)
    record = metered(answered(), of=said(usage))
    assert record.tokens == {"input": 1000, "output": 50, "cache_read": 600, "reasoning": 20}
    assert record.cost_nanousd == 1000 * 2_000 + 50 * 10_000
    assert (record.estimated, record.priced, record.tried, record.bill) == (False, "config", (), None)


def test_the_service_that_was_given_sets_the_price_and_is_kept() -> None:
    usage = Usage(input=1000, output=50)
    flex = metered(answered(), of=said(usage, tier="flex"))
    assert (flex.cost_nanousd, flex.bill) == (1000 * 1_000 + 50 * 5_000, {"service": "flex"})
    other = metered(answered(), of=said(usage, tier="priority"))
    assert (other.cost_nanousd, other.bill) == (None, {"service": "priority"})
    assert metered(answered(), of=said(usage, tier="default")).bill is None


@pytest.mark.parametrize(
    ("usage", "exact", "tokens", "estimated"),
    [
        (None, True, {"input": "prompt", "output": "words"}, True),
        (None, False, {"input": "prompt", "output": "words"}, True),
        (Usage(input=7, output=1), False, {"input": 7, "output": "words"}, True),
        (Usage(input=7, output=999), False, {"input": 7, "output": 999}, True),
        (Usage(input=0, output=999), True, {"input": "prompt", "output": 999}, True),
        (Usage(input=7, output=0), True, {"input": 7, "output": "words"}, True),
        (Usage(input=7, output=0, cache_read=5), False, {"input": 7, "output": "words", "cache_read": 5}, True),
    ],
)
def test_where_the_last_word_did_not_come_what_was_said_is_counted_and_marked(
    usage: Usage | None, exact: bool, tokens: dict[str, Any], estimated: bool
) -> None:
    counted = {"prompt": prompt_tokens(), "words": count_text(WORDS, "gpt-4.1")}
    record = metered(answered(), of=said(usage, exact=exact, heard=Heard(WORDS)))
    assert record.tokens == {kind: counted.get(count, count) for kind, count in tokens.items()}
    assert record.estimated == estimated
    assert record.cost_nanousd == record.tokens["input"] * 2_000 + record.tokens["output"] * 10_000
    assert record.tried == (), "one attempt that answered is the record itself"


def test_a_total_of_zero_that_is_true_is_no_estimate() -> None:
    """A model that says nothing: counted anew it is the same."""
    record = metered(answered(), of=said(Usage(input=7, output=0), heard=Heard("")))
    assert (record.tokens, record.estimated) == ({"input": 7, "output": 0}, False)


def test_of_a_long_answer_a_part_is_counted_and_taken_as_often_as_it_is_long() -> None:
    record = metered(answered(), of=said(exact=False, heard=Heard(WORDS, 3.5)))
    assert record.tokens is not None
    assert record.tokens["output"] == round(count_text(WORDS, "gpt-4.1") * 3.5)


def test_a_body_that_only_the_provider_could_read_is_a_quarter_of_its_bytes() -> None:
    odd = ask(b'{"model":"m","messages":"just a text, which some take"}')
    with pytest.raises(BadRequestError):
        odd.request()
    record = metered(answered(), of=said(heard=Heard(WORDS)), asked=odd)
    assert record.tokens is not None
    assert record.tokens["input"] == len(odd.body) // 4


def failed(error: APIError, id: str = "one") -> Attempt:
    return Attempt(deployment(id), error, seconds=0.25)


REFUSED = BadRequestError("no", wire="openai_chat")
BROKE_OFF = APITimeoutError("no answer came", code="read_timeout")


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (REFUSED, False),
        (RateLimitError("busy", wire="openai_chat"), False),
        (BadGatewayError("an error of theirs", status_code=500, wire="openai_chat"), False),
        (ServiceUnavailableError("ours"), False),
        (BadRequestError("ours"), False),
        *((APIConnectionError("never sent", code=code), False) for code in sorted(NEVER_SENT)),
        (BROKE_OFF, True),
        (APIConnectionError("reset", code="connection_reset"), True),
        (BadGatewayError("garbage"), True),
        (Truncated("cut"), True),
    ],
    ids=lambda value: getattr(value, "code", None) or type(value).__name__,
)
def test_a_failed_attempt_is_billed_where_it_was_sent_and_not_refused(error: APIError, billed: bool) -> None:
    assert may_be_billed(error) == billed
    record = metered(failed(error))
    [tried] = record.tried
    assert (tried.error_class, tried.ms, tried.estimated) == (type(error).__name__, 250.0, billed)
    if billed:
        assert record.tokens == tried.tokens == {"input": prompt_tokens(), "output": 0}
        assert record.cost_nanousd == tried.cost_nanousd == prompt_tokens() * 2_000
    else:
        assert (record.tokens, tried.tokens, tried.cost_nanousd) == (None, None, None)
        assert record.cost_nanousd == 0, "what was billed for nothing cost nothing"
    assert record.estimated == billed


def test_an_attempt_that_was_abandoned_is_estimated_by_its_prompt() -> None:
    record = metered(Attempt(deployment(), seconds=0.1, abandoned=True))
    assert record.tokens == {"input": prompt_tokens(), "output": 0}
    assert record.estimated
    assert record.tried == ()


def test_a_request_costs_what_its_attempts_cost_together() -> None:
    usage = Usage(input=100, output=10, cache_read=5)
    record = metered(failed(REFUSED, "a"), failed(BROKE_OFF, "b"), answered(), of=said(usage, tier="flex"))
    assert [one.deployment for one in record.tried] == ["a", "b", "one"]
    assert [one.status for one in record.tried] == [400, 0, 200]
    assert [one.tokens for one in record.tried] == [
        None,
        {"input": prompt_tokens(), "output": 0},
        {"input": 100, "output": 10, "cache_read": 5},
    ]
    costs = [one.cost_nanousd for one in record.tried]
    assert costs == [None, prompt_tokens() * 2_000, 100 * 1_000 + 10 * 5_000]
    assert record.cost_nanousd == sum(cost or 0 for cost in costs)
    assert record.tokens == {"input": prompt_tokens() + 100, "output": 10, "cache_read": 5}
    assert [one.estimated for one in record.tried] == [False, True, False]
    assert record.estimated
    assert record.bill == {"service": "flex"}


def test_one_price_that_is_unknown_makes_the_sum_unknown() -> None:
    usage = Usage(input=100, output=10)
    alone = metered(answered(UNPRICED), of=said(usage))
    assert (alone.cost_nanousd, alone.priced, alone.tokens) == (None, "", {"input": 100, "output": 10})
    unknown = Attempt(deployment("b", UNPRICED), BROKE_OFF)
    record = metered(unknown, answered(), of=said(usage))
    assert [one.cost_nanousd for one in record.tried] == [None, 300_000]
    assert (record.cost_nanousd, record.priced) == (None, "config")
    harmless = Attempt(deployment("b", UNPRICED), REFUSED)
    assert metered(harmless, answered(), of=said(usage)).cost_nanousd == 300_000, "it was billed for nothing"


def test_a_model_that_is_paid_by_time_is_charged_the_attempts_own() -> None:
    timed = Tariff({"input": 0, "output": 0, "per_second": 10**15}, "config")
    assert metered(answered(timed), of=said(Usage(input=1, output=1))).cost_nanousd == 500_000_000
