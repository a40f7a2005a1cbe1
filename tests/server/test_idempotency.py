"""P10, R45: the same answer twice, billed once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import fresh_sqlite
from tollbridge.errors import BadRequestError, ConflictError, StoreUnavailable, UnprocessableEntityError
from tollbridge.policy.principal import Principal
from tollbridge.server.idempotency import BODY_MAX, WAITING_MAX, Claim, Idempotency, Replay
from tollbridge.store.database import Database
from tollbridge.store.replies import ReplyStore

ALICE, BOB = Principal("alice"), Principal("bob")
ROUTE = "/v1/chat/completions"
HEADERS = [
    (b"content-type", b"application/json"),
    (b"x-request-id", b"req_1"),
    (b"x-tollbridge-request-id", b"req_1"),
    (b"x-tollbridge-model", b"gpt"),
    (b"x-litellm-response-cost", b"0.1"),
    (b"x-litellm-key-spend", b"5.0"),
    (b"x-ratelimit-remaining-requests", b"9"),
    (b"set-cookie", b"a=b"),
]
FIRST = Replay(
    200,
    (
        (b"content-type", b"application/json"),
        (b"x-tollbridge-model", b"gpt"),
        (b"x-litellm-response-cost", b"0.1"),
        (b"x-tollbridge-idempotent-replay", b"true"),
    ),
    b"first",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(fresh_sqlite(tmp_path / "tollbridge.db"))
    yield opened
    opened.close()


@pytest.fixture
def idempotency(database: Database) -> Idempotency:
    return Idempotency(ReplyStore(database, bytes(32)))


async def claimed(
    idempotency: Idempotency, who: Principal = ALICE, route: str = ROUTE, key: bytes = b"k", body: bytes = b"{}"
) -> Claim:
    found = await idempotency.begin(who, route, key, body)
    assert isinstance(found, Claim)
    return found


async def test_a_retry_gets_the_first_result_again(idempotency: Idempotency, database: Database) -> None:
    claim = await claimed(idempotency)
    await claim.keep(200, HEADERS, b"first")
    claim.drop()
    assert len(idempotency) == 0
    assert await idempotency.begin(ALICE, ROUTE, b"k", b"{}") == FIRST
    restarted = Idempotency(ReplyStore(database, bytes(32)))
    assert await restarted.begin(ALICE, ROUTE, b"k", b"{}") == FIRST
    assert len(restarted) == 0


async def test_another_key_route_or_principal_is_another_request(idempotency: Idempotency) -> None:
    await (await claimed(idempotency)).keep(200, HEADERS, b"first")
    (await claimed(idempotency, key=b"other")).drop()
    (await claimed(idempotency, route="/v1/messages")).drop()
    (await claimed(idempotency, who=BOB)).drop()


async def test_another_body_under_the_same_key_is_refused(idempotency: Idempotency) -> None:
    claim = await claimed(idempotency)
    with pytest.raises(UnprocessableEntityError, match="another body"):
        await idempotency.begin(ALICE, ROUTE, b"k", b"{ }")
    await claim.keep(200, HEADERS, b"first")
    with pytest.raises(UnprocessableEntityError) as caught:
        await idempotency.begin(ALICE, ROUTE, b"k", b"{ }")
    assert (caught.value.status_code, caught.value.code) == (422, "idempotency_key_reused")
    assert len(idempotency) == 0


async def test_duplicates_at_the_same_time_wait_for_the_first(idempotency: Idempotency) -> None:
    """R45: one upstream call, the same body for all."""
    calls = 0

    async def request() -> bytes:
        nonlocal calls
        found = await idempotency.begin(ALICE, ROUTE, b"k", b"{}")
        if isinstance(found, Replay):
            return found.body
        calls += 1
        body = b"answer %d" % calls
        for _ in range(20):
            await asyncio.sleep(0)
        await found.keep(200, HEADERS, body)
        return body

    assert set(await asyncio.gather(*(request() for _ in range(100)))) == {b"answer 1"}
    assert (calls, len(idempotency)) == (1, 0)


async def test_so_many_wait_and_no_more(idempotency: Idempotency) -> None:
    """S58: who waits has no place within its key's limits, so that a key could fill the gateway with those who wait."""
    claim = await claimed(idempotency)
    waiting = [asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}")) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(ConflictError) as caught:
        await idempotency.begin(ALICE, ROUTE, b"k", b"{}")
    assert (caught.value.code, caught.value.retryable) == ("idempotency_key_in_use", True)
    waiting[0].cancel()
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}")))
    await asyncio.sleep(0)
    await claim.keep(200, HEADERS, b"first")
    assert await asyncio.gather(*waiting[1:]) == [FIRST] * WAITING_MAX


@pytest.mark.parametrize("how", [429, 500, 503, 400, "drop"])
async def test_a_failed_first_attempt_is_not_kept(idempotency: Idempotency, how: int | str) -> None:
    claim = await claimed(idempotency)
    waiting = [asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}")) for _ in range(2)]
    await asyncio.sleep(0)
    if isinstance(how, int):
        await claim.keep(how, HEADERS, b"sorry")
    else:
        claim.drop()
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(pending)) == (1, 1)
    second = done.pop().result()
    assert isinstance(second, Claim)
    await second.keep(200, HEADERS, b"first")
    assert await pending.pop() == FIRST
    assert await idempotency.begin(ALICE, ROUTE, b"k", b"{}") == FIRST


async def test_who_leaves_while_waiting_harms_nobody(idempotency: Idempotency) -> None:
    claim = await claimed(idempotency)
    leaves = asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}"))
    stays = asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}"))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    await claim.keep(200, HEADERS, b"first")
    assert await stays == FIRST


async def test_who_leaves_while_the_answer_is_being_kept_finds_it(idempotency: Idempotency) -> None:
    claim = await claimed(idempotency)
    leaves = asyncio.create_task(claim.keep(200, HEADERS, b"first"))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    claim.drop()
    assert await idempotency.begin(ALICE, ROUTE, b"k", b"{}") == FIRST
    while len(idempotency):
        await asyncio.sleep(0.001)
    assert await idempotency.begin(ALICE, ROUTE, b"k", b"{}") == FIRST


async def test_who_leaves_at_the_beginning_leaves_no_claim(idempotency: Idempotency) -> None:
    leaves = asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}"))
    await asyncio.sleep(0)
    assert len(idempotency) == 1
    leaves.cancel()
    waits = asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}"))
    await asyncio.gather(leaves, return_exceptions=True)
    assert leaves.cancelled()
    second = await waits
    assert isinstance(second, Claim)
    second.drop()
    assert len(idempotency) == 0


async def test_an_unfinished_one_is_done_again_after_a_crash(database: Database) -> None:
    await claimed(Idempotency(ReplyStore(database, bytes(32))))
    (await claimed(Idempotency(ReplyStore(database, bytes(32))))).drop()


async def test_an_answer_that_is_too_long_is_for_those_alone_who_wait(idempotency: Idempotency) -> None:
    claim = await claimed(idempotency)
    waits = asyncio.create_task(idempotency.begin(ALICE, ROUTE, b"k", b"{}"))
    await asyncio.sleep(0)
    await claim.keep(200, HEADERS, b"x" * (BODY_MAX + 1))
    found = await waits
    assert isinstance(found, Replay)
    assert len(found.body) == BODY_MAX + 1
    again = await claimed(idempotency)
    await again.keep(200, HEADERS, b"x" * BODY_MAX)
    assert isinstance(await idempotency.begin(ALICE, ROUTE, b"k", b"{}"), Replay)


@pytest.mark.parametrize("key", [b"", b"x" * 256, "schlüssel".encode()])
async def test_a_key_has_bounds(idempotency: Idempotency, key: bytes) -> None:
    with pytest.raises(BadRequestError, match="1 to 255"):
        await idempotency.begin(ALICE, ROUTE, key, b"{}")


async def test_without_a_database_no_promise_is_made(idempotency: Idempotency, database: Database) -> None:
    claim = await claimed(idempotency)
    database.close()
    with pytest.raises(StoreUnavailable):
        await idempotency.begin(ALICE, ROUTE, b"other", b"{}")
    claim.drop()
    assert len(idempotency) == 0


async def test_an_answer_goes_out_where_the_database_is_away_at_the_end(
    idempotency: Idempotency, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    claim = await claimed(idempotency)
    database.close()
    with caplog.at_level(logging.WARNING):
        await claim.keep(200, HEADERS, b"first")
    assert "could not be kept" in caplog.text
    assert len(idempotency) == 0
