from typing import Any

from tollbridge.ledger.book import Book
from tollbridge.policy.limits import Limiter
from tollbridge.server.allowance import Held
from tollbridge.server.answers import passed_on
from tollbridge.store.key import Key

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
