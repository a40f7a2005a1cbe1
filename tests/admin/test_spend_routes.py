"""`/spend/*` and `/global/spend*` through a whole gateway, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.admin.managing import Managed, managing
from tests.ledger.records import record
from tests.server.served import KEY as MASTER
from tollbridge.admin.price import Pricer
from tollbridge.admin.spend_routes import spend_routes
from tollbridge.observe import Record, Tried
from tollbridge.observe.ulid import Ulids
from tollbridge.server.routes import RouteTable
from tollbridge.store import spend
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.spend import SpendReader, with_attempts

NOON_NS = 1_767_268_800 * 10**9  # 2026-01-01T12:00:00Z
DAY_NS = 86_400 * 10**9


class Ledgered(Managed):
    store: EntryStore

    def fold(self, *records: Record) -> None:
        self.store.fold(records)

    async def get(self, path: str, key: str | None = None, status: int = 200) -> Any:
        answered = await (self.send("GET", path) if key is None else self.send("GET", path, key=key))
        assert answered.status == status, answered.body
        return answered.json()


@asynccontextmanager
async def keeping(database: Database, directory: Path) -> AsyncIterator[Any]:
    reader = SpendReader(database)

    def more(gateway: Any, keys: Any) -> Any:
        pricer = Pricer(lambda: gateway.engine.routes.groups, gateway.dialects)
        return spend_routes(reader, keys, pricer, clock=lambda: NOON_NS / 1e9 + 10 * 86_400)

    async with managing(database, directory, more=more) as gateway:
        gateway.__class__ = Ledgered
        gateway.store = EntryStore(database)  # type: ignore[attr-defined]
        yield gateway


def dated(days: int, **fields: Any) -> Record:
    return record(id=Ulids(lambda: NOON_NS + days * DAY_NS).next(), at=NOON_NS / 1e9 + days * 86_400, **fields)


async def test_a_request_is_shown_in_litellms_words(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        made = await gateway.made(key_alias="team a")
        tried = (
            Tried(deployment="fast/0", provider="groq", model="m0", status=500, error_class="InternalServerError"),
            Tried(deployment="fast/1", provider="openai", model="gpt-4.1", status=200),
        )
        one = dated(
            0,
            key_id=made["token"],
            answer_id="chatcmpl-x",
            tokens={"input": 10, "output": 5, "reasoning": 2},
            cost_nanousd=1_500_000_000,
            user="zoe",
            tags=("a",),
            metadata={"team": "x"},
            ttft_ms=250.0,
            duration_ms=1500.0,
            peer="10.0.0.1",
            tried=tried,
            attempts=2,
        )
        gateway.fold(one)
        for id in ("chatcmpl-x", one.request_id, one.id):
            [shown] = await gateway.get(f"/spend/logs?request_id={id}")
            assert shown["request_id"] == "chatcmpl-x"
        assert (shown["api_key"], shown["spend"], shown["call_type"]) == (made["token"], 1.5, "acompletion")
        assert (shown["prompt_tokens"], shown["completion_tokens"], shown["total_tokens"]) == (10, 5, 15)
        assert shown["startTime"] == "2026-01-01T12:00:00.000Z"
        assert shown["completionStartTime"] == "2026-01-01T12:00:00.250Z"
        assert shown["endTime"] == "2026-01-01T12:00:01.500Z"
        assert (shown["model"], shown["model_id"], shown["model_group"]) == ("gpt-4.1", "fast/1", "fast")
        assert (shown["custom_llm_provider"], shown["end_user"], shown["status"]) == ("openai", "zoe", "success")
        assert (shown["request_tags"], shown["requester_ip_address"], shown["cache_hit"]) == (
            ["a"],
            "10.0.0.1",
            "False",
        )
        metadata = shown["metadata"]
        assert (metadata["user_api_key_alias"], metadata["spend_logs_metadata"]) == ("team a", {"team": "x"})
        assert metadata["additional_usage_values"] == {"reasoning": 2}
        assert [one["provider"] for one in metadata["tollbridge"]["tried"]] == ["groq", "openai"]
        assert metadata["tollbridge"]["id"] == one.id


async def test_a_failure_without_price_says_so(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(
            dated(
                0,
                status=502,
                outcome="upstream_error",
                error_class="BadGatewayError",
                tokens=None,
                cost_nanousd=None,
                answer_id="",
                endpoint="/v1/messages",
            )
        )
        [shown] = await gateway.get("/spend/logs")
        assert (shown["spend"], shown["total_tokens"], shown["status"]) == (None, 0, "failure")
        assert shown["metadata"]["error_information"] == {"error_class": "BadGatewayError", "error_code": "502"}
        assert shown["call_type"] == "anthropic_messages"
        assert shown["request_id"].startswith("req_")


async def test_dates_give_days_or_rows(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(
            dated(0, key_id="a", cost_nanousd=10**9),
            dated(1, key_id="b", cost_nanousd=2 * 10**9, model="m2"),
            dated(2, key_id="b", cost_nanousd=None, model="m2"),
            dated(5, cost_nanousd=5 * 10**9),
        )
        dates = "start_date=2026-01-01&end_date=2026-01-04"
        assert await gateway.get(f"/spend/logs?{dates}") == [
            {"startTime": "2026-01-01", "spend": 1.0, "unpriced": 0, "users": {}, "models": {"gpt-4.1": 1.0}, "a": 1.0},
            {"startTime": "2026-01-02", "spend": 2.0, "unpriced": 0, "users": {}, "models": {"m2": 2.0}, "b": 2.0},
            {"startTime": "2026-01-03", "spend": 0.0, "unpriced": 1, "users": {}, "models": {"m2": 0.0}, "b": 0.0},
            {"startTime": "2026-01-04", "spend": 0.0, "unpriced": 0, "users": {}, "models": {}},
        ]
        rows = await gateway.get(f"/spend/logs?{dates}&summarize=false")
        assert [row["spend"] for row in rows] == [None, 2.0, 1.0]
        [row] = await gateway.get(
            "/spend/logs?start_date=2026-01-02T11:00:00&end_date=2026-01-02T13:00:00%2B00:00&summarize=false"
        )
        assert row["spend"] == 2.0
        assert await gateway.get("/spend/logs?start_date=2027-01-01&end_date=2027-01-02") == []
        assert [row["spend"] for row in await gateway.get("/spend/logs?start_date=2026-01-02")] == [5.0, None, 2.0]
        to_date = await gateway.get("/spend/logs?start_date=2026-01-05&summarize=true")
        assert [(day["startTime"], day["spend"]) for day in to_date][:2] == [("2026-01-06", 5.0), ("2026-01-07", 0.0)]


async def test_rows_come_a_page_at_a_time(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(*(dated(0, user="u" if n % 2 else None) for n in range(5)))
        page = await gateway.get("/spend/logs?limit=2")
        after = page[-1]["metadata"]["tollbridge"]["id"]
        rest = await gateway.get(f"/spend/logs?limit=10&after={after}")
        assert len({row["request_id"] for row in page + rest}) == 5
        assert len(await gateway.get("/spend/logs?user_id=u")) == 2


async def test_sums_over_all_are_of_the_last_thirty_days_or_the_dates(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        made = await gateway.made(key_alias="team a")
        gateway.fold(
            dated(-40, cost_nanousd=10**12),
            dated(0, key_id=made["token"], cost_nanousd=10**9),
            dated(1, key_id="gone", cost_nanousd=2 * 10**9, provider="anthropic", model="claude"),
            dated(1, key_id="gone", cost_nanousd=None, provider="anthropic", model="claude"),
        )
        assert await gateway.get("/global/spend") == {"spend": 3.0, "unpriced": 1, "max_budget": None}
        assert (await gateway.get("/global/spend?start_date=2025-01-01"))["spend"] == 1003.0
        assert (await gateway.get("/global/spend?end_date=2025-12-01"))["spend"] == 1000.0, "thirty days before"
        assert await gateway.get("/global/spend/keys") == [
            {"api_key": "gone", "key_alias": None, "key_name": None, "total_spend": 2.0, "unpriced": 1},
            {
                "api_key": made["token"],
                "key_alias": "team a",
                "key_name": made["key_name"],
                "total_spend": 1.0,
                "unpriced": 0,
            },
        ]
        assert await gateway.get("/global/spend/keys?limit=1&api_key=gone") == [
            {"api_key": "gone", "key_alias": None, "key_name": None, "total_spend": 2.0, "unpriced": 1}
        ]
        assert await gateway.get("/global/spend/models") == [
            {"model": "claude", "total_spend": 2.0, "unpriced": 1},
            {"model": "gpt-4.1", "total_spend": 1.0, "unpriced": 0},
        ]
        assert await gateway.get("/global/spend/provider") == [
            {"provider": "anthropic", "spend": 2.0, "unpriced": 1},
            {"provider": "openai", "spend": 1.0, "unpriced": 0},
        ]
        assert await gateway.get("/global/spend/logs") == [
            {"date": "2026-01-01", "spend": 1.0, "unpriced": 0},
            {"date": "2026-01-02", "spend": 2.0, "unpriced": 1},
        ]
        [key] = await gateway.get("/spend/keys")
        assert (key["key_alias"], key["spend"]) == ("team a", 1.0)


async def test_tags_are_summed_from_the_rows_of_their_time(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(
            dated(-40, tags=("old",), cost_nanousd=10**12),
            dated(0, tags=("a", "b", "a"), cost_nanousd=10**9),
            dated(0, tags=("b", '\0"tags":['), cost_nanousd=2 * 10**9, key_id="k2"),
            dated(1, tags=("a",), cost_nanousd=None),
            dated(1, metadata={"tags": ["no tag of ours"]}, cost_nanousd=10**9),
            *(dated(1, cost_nanousd=10**9) for _ in range(3)),
        )

        def tag(name: str, count: int, spend: float, unpriced: int = 0) -> dict[str, Any]:
            return {"individual_request_tag": name, "log_count": count, "total_spend": spend, "unpriced": unpriced}

        odd = tag('\0"tags":[', 1, 2.0)
        assert await gateway.get("/spend/tags") == [tag("b", 2, 3.0), odd, tag("a", 2, 1.0, 1)]
        assert await gateway.get("/spend/tags?limit=1") == [tag("b", 2, 3.0)]
        assert await gateway.get("/spend/tags?api_key=k2") == [odd, tag("b", 1, 2.0)]
        assert await gateway.get("/spend/tags?start_date=2026-01-02") == [tag("a", 1, 0.0, 1)]
        assert await gateway.get("/spend/tags?start_date=2025-01-01&end_date=2025-12-31") == [tag("old", 1, 1000.0)]


async def test_more_rows_than_are_read_at_once_and_more_tags_than_are_told(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spend, "ROWS_AT_ONCE", 3)
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(*(dated(0, tags=(f"t{n}", "all"), cost_nanousd=1) for n in range(9)))
        assert [one["log_count"] for one in await gateway.get("/spend/tags")] == [9] + [1] * 9
        monkeypatch.setattr(spend, "TAGS_MAX", 5)
        refused = await gateway.get("/spend/tags", status=422)
        assert refused["error"]["code"] == "too_many_tags"


async def test_whoever_is_meant_is_named_by_id_alias_or_key_and_whoever_is_not_there_is_told(
    database: Database, tmp_path: Path
) -> None:
    async with keeping(database, tmp_path) as gateway:
        made, unused = await gateway.made(key_alias="team-a"), await gateway.made(key_alias="idle")
        gateway.fold(
            *(dated(0, tags=("t",), key_id=id, cost_nanousd=10**9) for id in (made["token"], "master", "deleted0"))
        )
        paths = ("/spend/logs", "/spend/tags", "/global/spend/logs", "/global/spend/keys", "/global/spend/models")
        for path in paths:
            for name in (made["token"], "team-a", made["key"], "master", MASTER, "deleted0"):
                assert len(await gateway.get(f"{path}?api_key={name}")) == 1, (path, name)
            assert await gateway.get(f"{path}?api_key=idle") == []
            error = (await gateway.get(f"{path}?api_key=nobody", status=404))["error"]
            assert (error["param"], "'nobody'" in error["message"]) == ("api_key", True)
            for key, name in ((made["key"], "team-a"), (unused["key"], "idle")):
                assert len(await gateway.get(f"{path}?api_key={name}", key=key)) == (name == "team-a")
        secret = "sk-tb-" + "x" * 57
        assert secret not in str(await gateway.get(f"/global/spend?api_key={secret}", status=404))


async def test_a_key_sees_its_own_and_nothing_of_others(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        own, other = await gateway.made(), await gateway.made(key_alias="theirs")
        mine = dated(0, tags=("mine",), key_id=own["token"], answer_id="mine", cost_nanousd=10**9, provider="groq")
        theirs = dated(
            0,
            tags=("mine", "secret-model"),
            key_id=other["token"],
            answer_id="theirs",
            cost_nanousd=7 * 10**9,
            model="secret-model",
        )
        gateway.fold(mine, theirs)
        dates = "start_date=2026-01-01&end_date=2026-01-01"
        paths = {
            "/spend/logs": 1,
            "/spend/logs?request_id=mine": 1,
            "/spend/logs?request_id=theirs": 0,
            f"/spend/logs?request_id={theirs.request_id}": 0,
            f"/spend/logs?request_id={theirs.id}": 0,
            f"/spend/logs?after={'7' + 'Z' * 25}": 1,
            f"/spend/logs?{dates}": 1,
            f"/spend/logs?{dates}&summarize=false": 1,
            f"/spend/logs?api_key={own['token']}": 1,
            "/spend/keys": 1,
            "/spend/tags": 1,
            "/global/spend/logs": 1,
            "/global/spend/keys": 1,
            "/global/spend/models": 1,
            "/global/spend/provider": 1,
        }
        for path, count in paths.items():
            found = await gateway.get(path, key=own["key"])
            assert len(found) == count, path
            text = str(found)
            assert ": 7.0" not in text, path
            assert "secret-model" not in text, path
            assert other["token"] not in text, path
        assert (await gateway.get("/global/spend", key=own["key"]))["spend"] == 1.0
        for named in (other["token"], other["key"], "theirs", "nobody", "master", "sk-nobody's"):
            for path in ("/spend/logs", "/spend/tags", "/global/spend", "/global/spend/keys"):
                refused = await gateway.get(f"{path}?api_key={named}", key=own["key"], status=404)
                assert refused["error"]["code"] == "key_not_found"
        assert len(await gateway.get(f"/spend/logs?api_key={other['key']}")) == 1
        for route in spend_routes(gateway.store, gateway.keys, None):  # type: ignore[arg-type]
            assert route.access == "self", route.path
            method = route.methods[0]
            assert (await gateway.send(method, route.path, key="sk-wrong")).status == 401


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("start_date=yesterday", "start_date"),
        ("end_date=2026-13-01", "end_date"),
        ("limit=0", "limit"),
        ("limit=100001", "limit"),
        ("limit=-5", "limit"),
        ("summarize=perhaps&start_date=2026-01-01&end_date=2026-01-01", "summarize"),
        ("start_date=2026-01-01&end_date=2026-01-01&user_id=u", "user_id"),
        ("team=1", "team"),
        ("after=xx", "after"),
        (f"after={'8' + 'Z' * 25}", "after"),
        ("summarize=maybe", "summarize"),
        ("summarize=true", "summarize"),
        ("start_date=2026-01-02&end_date=2026-01-01", "end_date"),
        ("start_date=2026-01-01&end_date=2026-01-01&after=01KDV51F0000000000000000000", "after"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(
    database: Database, tmp_path: Path, query: str, named: str
) -> None:
    async with keeping(database, tmp_path) as gateway:
        for path in ("/spend/logs", "/spend/tags", "/global/spend") if named == "end_date" else ("/spend/logs",):
            refused = await gateway.get(f"{path}?{query}", status=422)
            assert refused["error"]["param"] == named


async def test_a_cost_is_calculated_before_and_after(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:

        async def calculated(status: int = 200, **body: Any) -> Any:
            answered = await gateway.send("POST", "/spend/calculate", body)
            assert answered.status == status, answered.body
            return answered.json()

        messages = [{"role": "user", "content": "Hello there"}]
        assert await calculated(model="demo/hello", messages=messages) == {"cost": 0.0}
        usage = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
        choices = [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "demo/hello", "choices": choices}
        assert await calculated(completion_response={**answer, "usage": usage}) == {"cost": 0.0}
        claude = {"type": "message", "role": "assistant", "id": "m", "model": "demo/hello", "stop_reason": "end_turn"}
        used = {"content": [{"type": "text", "text": "Hi"}], "usage": {"input_tokens": 9, "output_tokens": 12}}
        assert await calculated(completion_response={**claude, **used}) == {"cost": 0.0}
        embed = {
            "content": {"parts": [{"text": "hi"}]}
        }  # the formats of tasks are no conversations' when they are read
        assert (await gateway.send("POST", "/v1beta/models/demo%2Fhello:embedContent", embed)).status in (200, 400, 404)
        assert (await calculated(400, completion_response=answer))["error"]["param"] == "completion_response"
        assert (await calculated(400, model="demo/hello"))["error"]["param"] == "messages"
        assert (await calculated(400, messages=messages))["error"]["param"] == "model"
        for body, param, told in (
            ({}, "model", "is missing"),
            ({"model": 7, "messages": messages}, "model", "must be a text, and is a number"),
            ({"model": "demo/hello", "messages": []}, "messages", "is empty"),
            ({"completion_response": "x"}, "completion_response", "must be an object, an answer as it came"),
            ({"completion_response": answer}, "completion_response", "has no `usage`"),
            (
                {"completion_response": {"model": "demo/hello", "usage": usage}},
                "completion_response",
                "is no whole answer",
            ),
        ):
            error = (await calculated(400, **body))["error"]
            assert (error["param"], told in error["message"]) == (param, True), error
        assert (await calculated(404, model="nowhere/nothing", messages=messages))["error"]["code"] is not None
        assert (await calculated(422, model="demo/hello", nothing=1))["error"]["param"] == "nothing"


def test_paths_are_found() -> None:
    routes = spend_routes(None, None, None)  # type: ignore[arg-type]
    table = RouteTable(routes)
    assert all(table.find(route.path, "GET") is not None for route in routes)


async def test_rows_come_by_numbered_pages_too(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        rows = [
            dated(
                day,
                key_id="a" if day % 2 else "b",
                cost_nanousd=day * 10**9,
                outcome="ok" if day < 4 else "upstream_error",
                user=f"u{day}",
                model="m1" if day < 3 else "m2",
                group="g1" if day < 3 else "g2",
            )
            for day in range(6)
        ]
        gateway.fold(*rows)

        async def shown(query: str) -> tuple[list[float], int, int]:
            told = await gateway.get(f"/spend/logs/v2?{query}")
            return [row["spend"] for row in told["data"]], told["total"], told["total_pages"]

        whole = await gateway.get("/spend/logs/v2")
        assert whole["data"] == await gateway.get("/spend/logs")
        assert {name: whole[name] for name in ("total", "page", "page_size", "total_pages")} == {
            "total": 6,
            "page": 1,
            "page_size": 50,
            "total_pages": 1,
        }
        assert await shown("page=2&page_size=4") == ([1, 0], 6, 2)
        assert await shown("page=3&page_size=4") == ([], 6, 2)
        assert await shown("page_size=2&sort_order=asc&sort_by=startTime") == ([0, 1], 6, 3)
        assert await shown("api_key=a") == ([5, 3, 1], 3, 1)
        assert await shown("status_filter=failure") == ([5, 4], 2, 1)
        assert await shown("status_filter=success&model=m1") == ([2, 1, 0], 3, 1)
        assert await shown("model_group=g2&min_spend=3.5&max_spend=4") == ([4], 1, 1)
        assert await shown("end_user=u2") == await shown("user_id=u2") == ([2], 1, 1)
        assert await shown("start_date=2026-01-02&end_date=2026-01-03") == ([2, 1], 2, 1)
        assert await shown(f"request_id={rows[3].request_id}") == ([3], 1, 1)
        third = f"request_id={rows[3].request_id}"
        for other in ("status_filter=failure", "model=m1", "model_group=g1", "min_spend=4", "end_user=u1", "api_key=b"):
            assert await shown(f"{third}&{other}") == ([], 0, 0), other
        assert await shown(f"{third}&start_date=2020-01-01&end_date=2020-01-02") == ([], 0, 0)
        assert await shown(f"{third}&status_filter=success&end_user=u3&max_spend=3") == ([3], 1, 1)
        assert await gateway.get(f"/spend/logs?{third}&user_id=u1") == []
        refused = await gateway.get("/spend/logs/v2?status_filter=x", status=422)
        assert "is one of success, failure" in refused["error"]["message"]
        for wrong in (
            "page=0",
            "page_size=1001",
            "page=3000",
            "sort_by=spend",
            "min_spend=x",
            "max_spend=-1",
            "team_id=t",
        ):
            await gateway.get(f"/spend/logs/v2?{wrong}", status=422)
        key = (await gateway.made())["key"]
        assert (await gateway.get("/spend/logs/v2", key=key))["total"] == 0
        await gateway.get("/spend/logs/v2?api_key=a", key=key, status=404)


async def test_requests_of_one_id_come_by_pages_and_no_more_are_read(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider may give all its answers the same one."""
    read: list[int] = []

    async def noted(connection: Any, entries: list[Any]) -> list[Any]:
        read.append(len(entries))
        return await with_attempts(connection, entries)

    monkeypatch.setattr("tollbridge.store.spend.with_attempts", noted)
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(*(dated(day, answer_id="same", cost_nanousd=day * 10**9) for day in range(5)))
        for page, spends in ((1, [4, 3]), (3, [0]), (4, [])):
            told = await gateway.get(f"/spend/logs/v2?request_id=same&page_size=2&page={page}")
            assert ([row["spend"] for row in told["data"]], told["total"]) == (spends, 5)
    assert read == [2, 1, 0]


async def test_requests_are_counted_up_to_a_limit(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tollbridge.admin.spend_routes.COUNTED_MAX", 3)
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(*(dated(day) for day in range(5)))
        told = await gateway.get("/spend/logs/v2?page_size=2")
        assert (told["total"], told["total_pages"], len(told["data"])) == (3, 2, 2)


async def test_activity_is_told_by_day_and_by_name(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(
            dated(0, group="g1", tokens={"input": 10, "output": 5}),
            dated(0, group="g2", tokens={"input": 1, "output": 1}),
            dated(1, group="g2", tokens={"input": 2, "output": 2}, key_id="k2"),
        )
        days = [
            {"date": "Jan 01", "day": "2026-01-01", "api_requests": 2, "total_tokens": 17},
            {"date": "Jan 02", "day": "2026-01-02", "api_requests": 1, "total_tokens": 4},
        ]
        told = {"daily_data": days, "sum_api_requests": 3, "sum_total_tokens": 21}
        assert await gateway.get("/global/activity?start_date=2026-01-01&end_date=2026-01-05") == told
        assert (await gateway.get("/global/activity?api_key=k2"))["sum_total_tokens"] == 4
        by_name = await gateway.get("/global/activity/model")
        assert [(one["model"], one["sum_api_requests"], one["sum_total_tokens"]) for one in by_name] == [
            ("g2", 2, 6),
            ("g1", 1, 15),
        ]
        assert [day["total_tokens"] for day in by_name[0]["daily_data"]] == [2, 4]
        await gateway.get("/global/activity?limit=3", status=422)


async def test_tags_are_told_in_litellms_other_words_too(database: Database, tmp_path: Path) -> None:
    async with keeping(database, tmp_path) as gateway:
        gateway.fold(dated(0, tags=("a", "b"), cost_nanousd=10**9), dated(1, tags=("b",), cost_nanousd=10**9))
        a, b = ({"name": "a", "spend": 1.0, "log_count": 1}, {"name": "b", "spend": 2.0, "log_count": 2})
        assert await gateway.get("/global/spend/tags") == {"spend_per_tag": [b, a]}
        assert await gateway.get("/global/spend/tags?tags=a,%20c") == {"spend_per_tag": [a]}
        assert await gateway.get("/global/spend/all_tag_names") == {"tag_names": ["a", "b"]}
