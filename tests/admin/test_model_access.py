"""S64 through a whole gateway: whatever way leads to a model, the list of the key must hold its group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.admin.managing import CHAT, managing
from tests.databases import fresh_sqlite
from tests.server.faults import ask, configuration, entry
from tollbridge.store.database import Database

CONFIG = configuration(
    {"model_name": "fast", "litellm_params": {"model": "demo/fast"}, "model_info": {"id": "fast-deployment"}},
    {"model_name": "dear", "litellm_params": {"model": "demo/dear"}, "model_info": {"id": "dear-deployment"}},
    {"model_name": "demo/*", "litellm_params": {"model": "demo/*"}},
    entry("broken", 9),
    router={
        "model_group_alias": {"nick": "dear", "demo/nick": "dear"},
        "fallbacks": [{"broken": ["dear"]}],
        "num_retries": 0,
        "disable_cooldowns": True,
    },
)
DEAR = ("dear", "nick", "demo/nick")

PATHS: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {}),
    ("/chat/completions", {}),
    ("/v1/messages", {}),
    ("/v1/messages/count_tokens", {}),
    (CHAT, {"stream": True}),
]


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    database = Database.open(fresh_sqlite(tmp_path / "a.db"))
    yield database
    database.close()


async def test_no_name_and_no_path_leads_around_the_list(sqlite: Database, tmp_path: Path) -> None:
    async with managing(sqlite, tmp_path, CONFIG) as gateway:
        made = await gateway.made(models=["fast", "demo/*"], aliases={"mine": "dear", "best": "nick", "ok": "fast"})
        names = (*DEAR, "mine", "best", "dear-deployment", "DEAR", "Fast", "fast ", "openai/dear", "nothing")
        for path, more in PATHS:
            for name in names:
                body = ask(name) | more
                answered = await gateway.send("POST", path, body, key=made["key"])
                assert answered.status == 403, (path, name, answered.body)
                assert (await gateway.send("POST", path, ask("fast") | more, key=made["key"])).status == 200
        for path in ("/engines/{}/chat/completions", "/openai/deployments/{}/chat/completions"):
            for name in ("dear", "nick", "mine", "demo%2Fnick", "demo/nick"):
                for body in (ask("fast"), {"messages": ask()["messages"]}):
                    answered = await gateway.send("POST", path.format(name), body, key=made["key"])
                    assert answered.status == 403, (path, name)
            assert (await gateway.send("POST", path.format("fast"), ask("dear"), key=made["key"])).status == 200
        assert (await gateway.send("POST", CHAT, ask("ok"), key=made["key"])).status == 200
        assert (await gateway.send("POST", CHAT, ask("demo/anything"), key=made["key"])).status == 200
        for name in (*DEAR, "fast"):
            assert (await gateway.send("POST", CHAT, ask(name))).status == 200, "the master key may"


async def test_a_refusal_does_not_tell_a_model_that_is_there_from_one_that_is_not(
    sqlite: Database, tmp_path: Path
) -> None:
    async with managing(sqlite, tmp_path, CONFIG) as gateway:
        made = await gateway.made(models=["fast"])
        errors = [
            (await gateway.send("POST", CHAT, ask(name), key=made["key"])).json()["error"] for name in ("dear", "deaf")
        ]
        assert errors[0]["message"].replace("dear", "deaf") == errors[1]["message"]
        assert errors[0]["code"] == errors[1]["code"] == "key_model_access_denied"


async def test_a_fallback_leads_only_where_the_key_may_go(sqlite: Database, tmp_path: Path) -> None:
    async with managing(sqlite, tmp_path, CONFIG) as gateway:
        narrow = await gateway.made(models=["broken", "fast"])
        wide = await gateway.made(models=["broken", "dear"])
        for path, more in PATHS[:3]:
            refused = await gateway.send("POST", path, ask("broken") | more, key=narrow["key"])
            assert refused.status == 502, refused.body
            assert (await gateway.send("POST", path, ask("broken") | more, key=wide["key"])).status == 200
        for target in ("dear", "nick"):
            own = ask("broken", fallbacks=[target])
            assert (await gateway.send("POST", CHAT, own, key=narrow["key"])).status == 502
        own = ask("broken", fallbacks=["dear", "fast"])
        answered = await gateway.send("POST", CHAT, own, key=narrow["key"])
        assert (answered.status, answered.json()["model"]) == (200, "fast")


async def test_a_pattern_that_is_narrower_than_the_configurations_holds(sqlite: Database, tmp_path: Path) -> None:
    async with managing(sqlite, tmp_path, CONFIG) as gateway:
        made = await gateway.made(models=["demo/he*"])
        assert (await gateway.send("POST", CHAT, ask("demo/hello"), key=made["key"])).status == 200
        assert (await gateway.send("POST", CHAT, ask("demo/other"), key=made["key"])).status == 403


async def test_a_deployments_id_is_for_those_who_may_ask_for_its_group(sqlite: Database, tmp_path: Path) -> None:
    async with managing(sqlite, tmp_path, CONFIG) as gateway:
        made = await gateway.made(models=["fast", "broken"], aliases={"mine": "dear-deployment"})
        for path, more in PATHS:
            assert (await gateway.send("POST", path, ask("fast-deployment") | more, key=made["key"])).status == 200
            assert (await gateway.send("POST", path, ask("dear-deployment") | more)).status == 200, "the master key may"
            for name in ("dear-deployment", "mine"):
                assert (await gateway.send("POST", path, ask(name) | more, key=made["key"])).status == 403
        own = ask("broken", fallbacks=["dear-deployment", "fast-deployment"])
        answered = await gateway.send("POST", CHAT, own, key=made["key"])
        assert (answered.status, answered.json()["model"]) == (200, "fast")
        assert answered.headers["x-litellm-model-id"] == "fast-deployment"
        for path, status in (("/v1/models/fast-deployment", 200), ("/v1/models/dear-deployment", 404)):
            assert (await gateway.send("GET", path, key=made["key"])).status == status
