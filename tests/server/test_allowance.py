"""What a request holds of its key's limits."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.ledger.book import Book
from tollbridge.policy.limits import Limiter
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.routing.board import Fallbacks, Routes
from tollbridge.routing.groups import Group, Groups
from tollbridge.routing.health import Health, Rules
from tollbridge.server.allowance import Allowance
from tollbridge.server.worst_case import BYTES_PER_TOKEN, LIKELY_OUTPUT_TOKENS
from tollbridge.store.key import Key
from tollbridge.wires.openai_chat import OPENAI_CHAT

TPM = 100_000


def test_it_counts_with_what_it_was_given_also_where_that_is_empty() -> None:
    limiter, book = Limiter(), Book()
    assert not limiter
    allowance = Allowance(limiter, book)
    assert allowance._limiter is limiter
    assert allowance._book is book


def test_a_key_says_how_much_an_answer_is_taken_to_have_where_the_request_does_not() -> None:
    """LiteLLM's order: the request, the key's word on the model, the key's word, our own."""
    place = build(Wanted(id="d", group="m", model="openai/gpt-4.1", given=Given(api_key="k")), {}, ROWS)
    groups = Groups([Group(name, name, (place,)) for name in ("fast", "slow")])
    routes = Routes(groups, Fallbacks(), Health(Rules()))

    def of(model: str, **said: Any) -> Ask:
        body = msgspec.json.encode({"model": model, "messages": [], **said})
        return Ask(OPENAI_CHAT, body, peek(body), model, stream=False)

    def reserved(model: str, key: Key, instead: Ask | None = None, **said: Any) -> int:
        asked = of(model, **said)
        body, asked.instead = asked.body, {} if instead is None else {"slow": instead}
        held = Allowance().hold(msgspec.structs.replace(key, tpm=TPM), asked, routes, None)
        left = re.search(rb"x-ratelimit-remaining-tokens: (\d+)", held.headers())
        assert left is not None
        return TPM - int(left[1]) - len(body) // BYTES_PER_TOKEN

    plain = Key(id="k", digest=b"", name="sk-...k")
    said = msgspec.structs.replace(plain, likely_output_tokens=50, likely_output_tokens_by_model={"slow": 7_000})
    assert reserved("fast", plain) == LIKELY_OUTPUT_TOKENS
    assert (reserved("fast", said), reserved("slow", said)) == (50, 7_000)
    assert (reserved("fast", said, max_tokens=9), reserved("slow", said, max_tokens=9)) == (9, 9)
    assert reserved("fast", said, n=3) == 150
    assert reserved("fast", said, max_tokens=9, instead=of("slow", max_tokens=900)) == 900, "what a fallback may take"
