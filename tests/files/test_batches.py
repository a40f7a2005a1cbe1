"""Batches: each model is one that the key may ask for, and what a batch cost is in the ledger once."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.files.vendors import (
    CLAUDE,
    MODEL,
    AnthropicVendor,
    OpenAIVendor,
    answer,
    anthropic_entry,
    jsonl,
    message,
    openai_entry,
    request,
    serving,
)
from tests.server.accounted import Accounted, accounted
from tests.server.served import KEY
from tests.vendor import answered_with
from tollbridge.errors import StoreUnavailable
from tollbridge.observe.ulid import at
from tollbridge.policy.principal import Principal

COST = 1000 * 75 + 100 * 300
"""Nano-dollars of one answer: half of 0.15 and 0.60 dollars a million."""
CLAUDE_COST = 1000 * 500 + 100 * 2500


def client_of(gateway: Accounted, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0)


async def entries(gateway: Accounted) -> list[dict[str, Any]]:
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    rows: list[dict[str, Any]] = (await gateway.send("GET", "/spend/logs")).json()
    return rows


def cost(row: dict[str, Any]) -> int | None:
    found: int | None = row["metadata"]["tollbridge"]["cost_nanousd"]
    return found


async def begun(client: openai.AsyncOpenAI, *requests: dict[str, Any]) -> Any:
    file = await client.files.create(file=("in.jsonl", jsonl(*requests)), purpose="batch")
    return await client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


async def test_what_litellms_clients_tell_the_log_is_not_sent_to_the_vendor(tmp_path: Path) -> None:
    noted: Any = {"litellm_metadata": {"tags": ["t"], "spend_logs_metadata": {"owner": "o"}}}
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"])
        async with client_of(gateway, made["key"]) as client:
            content = ("in.jsonl", jsonl(request("mine", 1)))
            file = await client.files.create(file=content, purpose="batch", extra_body=noted)
            await client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={"a": "b"},
                extra_body=noted,
            )
        [(fields, _)] = vendor.files.values()
        [batch] = vendor.batches.values()
        told = [record.tags for record in gateway.records if record.endpoint == "/v1/batches"]
    assert fields == {"purpose": "batch", "filename": "in.jsonl"}
    assert "litellm_metadata" not in batch
    assert batch["metadata"] == {"a": "b"}
    assert told == [("t",)]


async def test_a_batchs_own_metadata_goes_on_and_is_told_and_guards_are_refused(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"])
        async with client_of(gateway, made["key"]) as client:
            file = await client.files.create(file=("in.jsonl", jsonl(request("mine", 1))), purpose="batch")
            said = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
            own = {"tags": "x, y", "user_id": "u"}
            good = await gateway.send("POST", "/v1/batches", {**said, "metadata": own}, key=made["key"])
            told = gateway.records[-1]
            for guarded in ({"metadata": {"guardrails": "pii"}}, {"guardrails": ["pii"]}):
                bad = await gateway.send("POST", "/v1/batches", {**said, **guarded}, key=made["key"])
                assert (bad.status, bad.json()["error"]["code"]) == (400, "guards_not_built")
        [batch] = vendor.batches.values()
    assert good.status == 200
    assert batch["metadata"] == own
    assert (told.metadata, told.user, told.tags) == (own, "u", ())


async def test_openais_client_runs_a_batch_to_its_end(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"])
        async with client_of(gateway, made["key"]) as client:
            batch = await begun(client, request("mine", 1), request("mine", 2))
            [(_, sent), *_] = vendor.files.values()
            assert [json.loads(line) for line in sent.splitlines()] == [request(MODEL, 1), request(MODEL, 2)]
            [theirs] = vendor.batches
            assert vendor.batches[theirs]["input_file_id"] in vendor.files
            assert (await client.batches.retrieve(batch.id)).status == "validating"
            assert (await client.batches.cancel(batch.id)).status == "cancelling"
            vendor.finish(theirs, [answer(1), answer(2)])
            ended = await client.batches.retrieve(batch.id)
            listed = [one async for one in client.batches.list()]
            assert ended.output_file_id is not None
            output = await client.files.content(ended.output_file_id)
        [row] = await entries(gateway)
        spent = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()["info"]["spend"]
    assert batch.id.startswith("batch_tb1.")
    assert (ended.id, ended.status, ended.input_file_id) == (batch.id, "completed", batch.input_file_id)
    assert listed == [ended]
    assert output.content.count(b"chatcmpl") == 2
    assert cost(row) == 2 * COST
    assert (row["prompt_tokens"], row["completion_tokens"], row["api_key"]) == (2000, 200, made["token"])
    assert spent == pytest.approx(2 * COST / 1e9)


async def test_s63_it_costs_once_however_often_it_is_looked_at(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"], max_budget=100)
        async with client_of(gateway, made["key"]) as client:
            batch = await begun(client, request("mine"))
            vendor.finish(next(iter(vendor.batches)), [answer(1)])
            await asyncio.gather(*(client.batches.retrieve(batch.id) for _ in range(8)))
            await asyncio.gather(*(client.batches.retrieve(batch.id) for _ in range(8)))
        rows = await entries(gateway)
        assert gateway.accounts.book.spent(made["token"]) == COST
    assert [cost(row) for row in rows] == [COST]
    assert vendor.downloads == 1


async def test_s63_it_costs_once_though_its_entry_is_in_the_database_before_it_is_said_to_owe_nothing(
    tmp_path: Path,
) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"], max_budget=100)
        book = gateway.accounts.book
        async with client_of(gateway, made["key"]) as client:
            batch = await begun(client, request("mine"))
            vendor.finish(next(iter(vendor.batches)), [answer(1)])
            async with gateway.gateway.references.debts._counting:
                looking = asyncio.ensure_future(client.batches.retrieve(batch.id))
                async with asyncio.timeout(10):
                    while not (rows := await entries(gateway)):
                        await asyncio.sleep(0.01)
                assert not looking.done()
            await looking
        assert [cost(row) for row in rows] == [COST]
        assert (book.spent(made["token"]), book.owed(made["token"])) == (COST, 0)


async def test_s63_those_that_begin_at_once_spend_no_more_than_is_left(tmp_path: Path) -> None:
    """And what goes on at the provider is held against all that the key asks meanwhile, until it has ended."""
    chat = {"model": "mine", "max_tokens": 10_000, "messages": [{"role": "user", "content": "hi"}]}
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"], max_budget=0.008)  # a request below may cost 0.006
        book = gateway.accounts.book
        async with client_of(gateway, made["key"]) as client:
            content = jsonl(request("mine", max_tokens=10_000))
            file = await client.files.create(file=("in.jsonl", content), purpose="batch")

            async def begin() -> Any:
                return await client.batches.create(
                    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
                )

            tried = await asyncio.gather(*(begin() for _ in range(20)), return_exceptions=True)
            (batch,) = [one for one in tried if not isinstance(one, BaseException)]
            assert {getattr(one, "code", None) for one in tried} == {None, "budget_held"}
            found = gateway.accounts.keyring.find(made["key"].encode())
            principal = found if isinstance(found, Principal) else await found
            assert principal.key is not None
            trusted = book.reserve(principal.key, 6_000_000)  # one at a time may cost more than is left
            refused = await gateway.send("POST", "/v1/chat/completions", chat, key=made["key"])
            trusted.release()
            owed = book.owed(made["token"])
            book.owe({})
            await gateway.gateway.references.debts.look()  # as after a start
            assert book.owed(made["token"]) == owed
            vendor.finish(next(iter(vendor.batches)), [answer(1)])
            await client.batches.retrieve(batch.id)
            assert (book.owed(made["token"]), book.spent(made["token"])) == (0, COST)
            await begin()
    assert owed == pytest.approx(6_000_000, rel=0.1)
    assert "by batches that have not ended" in refused.json()["error"]["message"]
    assert len(vendor.batches) == 2
    assert book.flying == 0


@pytest.mark.parametrize(
    ("after_s", "counts"), [(5, True), (86_400, True), (-86_400, False), (9e8, False), (None, False)]
)
async def test_a_batch_counts_on_the_day_when_it_ended_where_that_can_be(
    tmp_path: Path, after_s: float | None, counts: bool
) -> None:
    """Else on the day when it began: a provider that says 1970, or nothing, puts it into no sums that nobody sees."""
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"])
        began = time.time()
        async with client_of(gateway, made["key"]) as client:
            batch = await begun(client, request("mine"))
            [theirs] = vendor.batches
            vendor.finish(theirs, [answer(1)])
            ended = None if after_s is None else int(began + after_s)
            vendor.batches[theirs] |= {"completed_at": ended, "created_at": 1}
            await client.batches.retrieve(batch.id)
        await entries(gateway)
        [record] = [one for one in gateway.records if one.cost_nanousd]
    assert at(record.id) == pytest.approx(ended if counts and ended else began, abs=60)


async def test_who_dies_before_it_is_said_to_be_paid_writes_the_same_entry_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"])
        keeper: Any = gateway.gateway.references

        async def away(_: Any) -> None:
            raise StoreUnavailable("away")

        async with client_of(gateway, made["key"]) as client:
            batch = await begun(client, request("mine"))
            vendor.finish(next(iter(vendor.batches)), [answer(1)])
            with monkeypatch.context() as patched:
                patched.setattr(keeper.store, "paid", away)
                await client.batches.retrieve(batch.id)
            first = await entries(gateway)
            keeper._written.clear()  # as the next process knows nothing of it
            await client.batches.retrieve(batch.id)
        rows = await entries(gateway)
        spent = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()["info"]["spend"]
    assert vendor.downloads == 2
    assert [cost(row) for row in first] == [cost(row) for row in rows] == [COST]
    assert spent == pytest.approx(COST / 1e9)


async def test_what_could_not_be_said_to_be_paid_is_said_later_and_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"], max_budget=100)
        keeper: Any = gateway.gateway.references
        book = gateway.accounts.book

        async def away(_: Any) -> None:
            raise StoreUnavailable("away")

        async with client_of(gateway, made["key"]) as client:
            batch = await begun(client, request("mine"))
            vendor.finish(next(iter(vendor.batches)), [answer(1)])
            with monkeypatch.context() as patched:
                patched.setattr(keeper.store, "paid", away)
                await client.batches.retrieve(batch.id)
            await entries(gateway)
            assert book.owed(made["token"]) > 0
            await client.batches.retrieve(batch.id)
        rows = await entries(gateway)
        assert (book.spent(made["token"]), book.owed(made["token"])) == (COST, 0)
    assert [cost(row) for row in rows] == [COST]
    assert vendor.downloads == 1


async def test_it_is_paid_for_though_nobody_asks_again(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            await begun(client, request("mine"))
            vendor.finish(next(iter(vendor.batches)), [answer(1), answer(2), answer(3)], "expired")
        keeper: Any = gateway.gateway.references
        await keeper.collect()
        await keeper.collect()
        rows = await entries(gateway)
        owing = await keeper.store.owing(2e10, 10)
    assert [cost(row) for row in rows] == [3 * COST]
    assert owing == []


async def test_answers_that_cannot_be_had_now_are_paid_for_later(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            batch = await begun(client, request("mine"))
            theirs = next(iter(vendor.batches))
            vendor.finish(theirs, [answer(1)])
            output = vendor.batches[theirs]["output_file_id"]
            kept = vendor.files.pop(output)
            assert (await client.batches.retrieve(batch.id)).status == "completed"
            assert await entries(gateway) == []
            vendor.files[output] = kept
            await client.batches.retrieve(batch.id)
        rows = await entries(gateway)
    assert [cost(row) for row in rows] == [COST]


async def test_an_answer_that_cannot_be_read_makes_the_cost_unknown(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            batch = await begun(client, request("mine"))
            vendor.finish(next(iter(vendor.batches)), [answer(1), {"model": MODEL}])
            await client.batches.retrieve(batch.id)
        [row] = await entries(gateway)
    assert cost(row) is None
    assert row["prompt_tokens"] == 1000


async def test_s64_a_line_with_another_model_refuses_the_file(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor:
        text = serving(openai_entry(vendor), openai_entry(vendor, "theirs", "gpt-4.1"))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=["mine"]))["key"]
            async with client_of(gateway, key) as client:
                for model in ("theirs", "gpt-4.1", "openai/gpt-4o"):
                    with pytest.raises(openai.PermissionDeniedError):
                        await begun(client, *(request("mine", number) for number in range(50)), request(model))
    assert vendor.files == {}


async def test_s64_a_key_whose_list_was_cut_since_begins_no_batch(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"])
        async with client_of(gateway, made["key"]) as client:
            file = await client.files.create(file=("in.jsonl", jsonl(request("mine"))), purpose="batch")
            await gateway.send("POST", "/key/update", {"key": made["token"], "models": ["other"]})
            with pytest.raises(openai.PermissionDeniedError):
                await client.batches.create(
                    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
                )
    assert vendor.batches == {}


async def test_a_file_that_was_not_looked_into_begins_no_batch(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            file = await client.files.create(file=("in.jsonl", jsonl(request("x"))), purpose="user_data")
            with pytest.raises(openai.BadRequestError):
                await client.batches.create(
                    input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
                )
    assert vendor.batches == {}


UNREADABLE = [b"{", b"[]", b"{}", b'{"body": []}', b'{"body": {}}', b"\xff", b'{"body": {"model": 1}}']


async def test_a_line_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            for line in UNREADABLE:
                content = jsonl(request("mine")) + line + b"\n"
                with pytest.raises(openai.BadRequestError, match="Line 2 of the file"):
                    await client.files.create(file=("in.jsonl", content), purpose="batch")
    assert vendor.files == {}


async def test_a_line_that_may_not_be_asked_for_says_which_blank_lines_counted(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            content = jsonl(request("mine")) + b"\n" + jsonl(request("gpt-5"))
            with pytest.raises(
                openai.PermissionDeniedError, match="Line 3 of the file: This key may not ask for gpt-5"
            ):
                await client.files.create(file=("in.jsonl", content), purpose="batch")
    assert vendor.files == {}


async def test_a_model_that_a_request_of_a_batch_names_beside_its_own_is_looked_at(tmp_path: Path) -> None:
    tools = [{"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-4-8"}]
    params: Any = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    async with AnthropicVendor() as vendor, OpenAIVendor() as other:
        async with accounted(serving(anthropic_entry(vendor), openai_entry(other)), tmp_path) as gateway:
            key = (await gateway.made(models=["claude", "mine"]))["key"]
            async with client_of(gateway, key) as client:
                content = jsonl(request("mine", models=["gpt-5"]))
                with pytest.raises(openai.PermissionDeniedError, match=r"Line 1 .* gpt-5 - at `\$.models\[0\]`"):
                    await client.files.create(file=("in.jsonl", content), purpose="batch")
            async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=key, max_retries=0) as claude:
                with pytest.raises(anthropic.PermissionDeniedError, match=r"requests\[0\].*claude-opus-4-8"):
                    await claude.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    assert other.files == {}


async def test_a_batch_of_another_vendors_model_is_told_so(tmp_path: Path) -> None:
    params: Any = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    async with AnthropicVendor() as vendor, OpenAIVendor() as other:
        async with accounted(serving(anthropic_entry(vendor), openai_entry(other)), tmp_path) as gateway:
            key = (await gateway.made(models=["claude", "mine"]))["key"]
            async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=key, max_retries=0) as client:
                with pytest.raises(anthropic.BadRequestError, match=r"requests\[1\].*'mine' is served elsewhere"):
                    await client.messages.batches.create(
                        requests=[
                            {"custom_id": "a", "params": params},
                            {"custom_id": "b", "params": {**params, "model": "mine"}},
                        ]
                    )
    assert vendor.batches == {}


async def test_s38_a_batch_takes_no_key_of_ours_to_its_vendor(tmp_path: Path) -> None:
    """Its vendor runs it, and could not be given our servers."""
    async with OpenAIVendor() as openais, AnthropicVendor() as anthropics:
        config = json.loads(serving(openai_entry(openais), anthropic_entry(anthropics)))
        config["mcp_servers"] = {"desk": {"url": "http://127.0.0.1:1/mcp"}}
        async with accounted(json.dumps(config), tmp_path) as gateway:
            key = (await gateway.made(models=["claude", "mine"]))["key"]
            server = {"type": "url", "name": "desk", "url": "litellm_proxy/mcp/desk", "authorization_token": key}
            params = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
            body = {"requests": [{"custom_id": "a", "params": {**params, "mcp_servers": [server]}}]}
            refused = await gateway.send("POST", "/v1/messages/batches", body, key=key)
            tool = {"type": "mcp", "server_label": "a", "server_url": f"{gateway.url}/mcp", "authorization": key}
            async with client_of(gateway, key) as client:
                with pytest.raises(openai.BadRequestError, match=r"Line 1.*MCP servers of this gateway"):
                    content = jsonl(request("mine", tools=[tool]))
                    await client.files.create(file=("in.jsonl", content), purpose="batch")
    assert (refused.status, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "MCP servers of this gateway" in refused.json()["error"]["message"]
    assert key not in str((vars(openais), vars(anthropics)))


@pytest.mark.parametrize("change", [lambda id: id[:20], lambda id: id[:-1] + ("A" if id[-1] != "A" else "B")])
async def test_an_id_of_ours_that_does_not_open_goes_nowhere_not_even_for_the_admin(
    tmp_path: Path, change: Any
) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        async with client_of(gateway, KEY) as client:
            file = await client.files.create(file=("a", b"x"), purpose="user_data")
            asked, id = len(vendor.asked), change(file.id)
            with pytest.raises(openai.NotFoundError):
                await client.files.retrieve(id)
            part: Any = {"type": "file", "file": {"file_id": id}}
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(model="mine", messages=[{"role": "user", "content": [part]}])
    assert len(vendor.asked) == asked


async def test_s63_what_batches_may_cost_is_within_the_budget(tmp_path: Path) -> None:
    """Of all that are under way together, though each of them would fit."""
    lines = [request("mine", number, max_tokens=1000) for number in range(5)]
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["mine"], max_budget=0.008)
        async with client_of(gateway, made["key"]) as client:
            first = await begun(client, *lines)
            with pytest.raises(openai.RateLimitError) as refused:
                await begun(client, *lines)
            vendor.finish(next(iter(vendor.batches)), [answer(1)])
            await client.batches.retrieve(first.id)
            await entries(gateway)
            await begun(client, *lines)
        assert gateway.accounts.book.held == 0
    assert refused.value.code == "budget_exceeded" or refused.value.type == "budget_exceeded"
    assert len(vendor.batches) == 2


async def test_s61_another_tenants_batch_does_not_exist(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        mine, other = [(await gateway.made(models=["mine"]))["key"] for _ in range(2)]
        async with client_of(gateway, mine) as client:
            batch = await begun(client, request("mine"))
        asked = len(vendor.asked)
        for method, path in (("GET", f"/v1/batches/{batch.id}"), ("POST", f"/v1/batches/{batch.id}/cancel")):
            assert (await gateway.send(method, path, key=other)).status == 404
        assert (await gateway.send("GET", "/v1/batches", key=other)).json()["data"] == []
        assert len(vendor.asked) == asked


async def test_an_error_names_our_ids(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            batch = await begun(client, request("mine"))
            vendor.batches.clear()
            with pytest.raises(openai.NotFoundError) as gone:
                await client.batches.retrieve(batch.id)
    assert batch.id in str(gone.value)
    assert "batch_0000" not in str(gone.value)


async def test_anthropics_client_runs_a_batch_to_its_end(tmp_path: Path) -> None:
    async with AnthropicVendor() as vendor, accounted(serving(anthropic_entry(vendor)), tmp_path) as gateway:
        made = await gateway.made(models=["claude"])
        params: Any = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=made["key"], max_retries=0) as client:
            batch = await client.messages.batches.create(requests=[{"custom_id": "r0", "params": params}])
            [theirs] = vendor.batches
            assert vendor.requests[theirs][0]["params"] == {**params, "model": CLAUDE}
            assert (await client.messages.batches.cancel(batch.id)).processing_status == "canceling"
            vendor.finish(theirs, [message(1), message(2)])
            told = [entry async for entry in await client.messages.batches.results(batch.id)]
            ended = await client.messages.batches.retrieve(batch.id)
            listed = [one.id async for one in client.messages.batches.list()]
            with pytest.raises(anthropic.PermissionDeniedError):
                other: Any = {**params, "model": "claude-opus-4-1"}
                await client.messages.batches.create(requests=[{"custom_id": "r0", "params": other}])
            deleted = await client.messages.batches.delete(batch.id)
        [row] = await entries(gateway)
    assert batch.id.startswith("msgbatch_tb1.")
    assert [entry.result.type for entry in told] == ["succeeded", "succeeded", "errored"]
    assert ended.results_url == f"{gateway.url}/v1/messages/batches/{batch.id}/results"
    assert listed == [deleted.id] == [batch.id]
    assert cost(row) == 2 * CLAUDE_COST
    assert row["api_key"] == made["token"]


async def test_a_page_of_a_list(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["mine"]))["key"]
        async with client_of(gateway, key) as client:
            made = [(await begun(client, request("mine"))).id for _ in range(3)]
            one = await client.batches.list(limit=2)
            rest = await client.batches.list(limit=2, after=one.data[-1].id)
        wrong = await gateway.send("GET", "/v1/batches?limit=0", key=key)
    assert [batch.id for batch in (*one.data, *rest.data)] == made[::-1]
    assert (one.has_more, rest.has_more, wrong.status) == (True, False, 400)


async def test_under_a_providers_path_it_is_that_provider(tmp_path: Path) -> None:
    async with OpenAIVendor() as vendor, OpenAIVendor({("GET", "*"): answered_with({})}) as groq:
        other = openai_entry(groq, "fast")
        other["litellm_params"]["model"] = "groq/llama"
        async with accounted(serving(openai_entry(vendor), other), tmp_path) as gateway:
            key = (await gateway.made(models=[]))["key"]
            async with openai.AsyncOpenAI(base_url=f"{gateway.url}/groq/v1", api_key=key) as client:
                made = await client.files.create(file=("a", b"x"), purpose="user_data")
                assert [file.id async for file in client.files.list()] == [made.id]
            assert (await gateway.send("GET", "/openai/v1/files", key=key)).json()["data"] == []
    assert (len(vendor.files), len(groq.files)) == (0, 1)
