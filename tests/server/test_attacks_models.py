"""Row S64 of the attack matrix through a whole gateway: a key reaches the models of its list, whatever way it goes, and
is not told of others. Below: tests/policy/test_access.py (what a list says), tests/admin/test_key_routes.py (what is
listed)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import Mock, serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, MESSAGES, ask, configuration, entry, error_of, hasten
from tests.server.served import Answered

COUNT = "/v1/messages/count_tokens"


def models(port: int) -> str:
    return configuration(
        entry("fast", port),
        entry("slow", port, "anthropic", info={"id": "slow-deployment"}),
        entry("broken", port, model="openai/broken,status=500"),
        entry("any/*", port, model="openai/*"),
        router={
            "num_retries": 0,
            "disable_cooldowns": True,
            "fallbacks": [{"broken": ["slow"]}],
            "default_fallbacks": ["slow"],
            "model_group_alias": {"sneaky": "slow", "cheap": "fast"},
        },
    )


def asked(mock: Mock) -> set[str]:
    """The models that the provider was asked for."""
    return {json.loads(seen.body)["model"].partition(",")[0] for seen in mock.provider.books.captures}


WAYS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "by name": (CHAT, ask("slow"), {}),
    "by an alias": (CHAT, ask("sneaky"), {}),
    "in another dialect": (MESSAGES, ask("slow"), {}),
    "as a stream": (CHAT, ask("slow", stream=True), {}),
    "in the path": ("/engines/slow/chat/completions", ask("fast"), {}),
    "in Azure's path": ("/openai/deployments/slow/chat/completions?api-version=1", ask("fast"), {}),
    "in the path by an alias": ("/engines/sneaky/chat/completions", ask("fast"), {}),
    "in the path, escaped": ("/engines/%73low/chat/completions", ask("fast"), {}),
    "in the path with a slash": ("/engines/any%2Fslow/chat/completions", ask("fast"), {}),
    "by the deployment's id": (CHAT, ask("slow-deployment"), {}),
    "in upper case": (CHAT, ask("SLOW"), {}),
    "with a space": (CHAT, ask("slow "), {}),
    "with a NUL": (CHAT, ask("fast\0"), {}),
    "in wide letters": (CHAT, ask("\uff53low"), {}),
    "by the provider's name": (CHAT, ask("anthropic/slow"), {}),
    "through a wildcard": (CHAT, ask("any/slow"), {}),
    "as a pattern": (CHAT, ask("any/*"), {}),
    "as every model": (CHAT, ask("*"), {}),
    "by the operator's fallback": (CHAT, ask("broken"), {}),
    "by a fallback of its own": (CHAT, ask("broken", fallbacks=["slow"]), {}),
    "by a fallback's alias": (CHAT, ask("broken", fallbacks=["sneaky"]), {}),
    "by a fallback through a wildcard": (CHAT, ask("broken", fallbacks=["any/slow"]), {}),
    "by tags that say so": (CHAT, ask("fast", tags=["slow"], metadata={"model_group": "slow"}), {}),
    "counted": (COUNT, ask("slow"), {}),
    "counted by an alias": (COUNT, ask("sneaky"), {}),
    "counted by a fallback": (COUNT, ask("broken", fallbacks=["slow"]), {}),
    "said by headers": (CHAT, ask("fast"), {"x-litellm-model": "slow", "x-model": "slow", "openai-model": "slow"}),
}
MAY = {"fast", "broken"}


LEAD = {*list(WAYS)[:10], "counted", "counted by an alias"}
LEAD |= {way for way in WAYS if way.startswith(("through a wildcard", "by a fallback", "by the operator's fallback"))}
"""Who may ask for every model gets to `slow` by these."""


async def test_s64_no_way_leads_to_a_model_that_is_not_in_the_keys_list(tmp_path: Path) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        hasten(gateway)
        bound, free = (await gateway.made(models=sorted(MAY)))["key"], (await gateway.made())["key"]
        for way, (path, body, headers) in WAYS.items():
            mock.provider.books.captures.clear()
            answered = await gateway.send("POST", path, body, headers, key=bound)
            assert asked(mock) <= MAY, way
            if answered.status != 200:
                told = error_of(path.removesuffix("/count_tokens"), answered.json())["message"]
                assert "sneaky" not in told or "sneaky" in body["model"] + path
                assert told.count("slow") <= 1, "only what was asked for is said again"
            await gateway.send("POST", path, body, headers, key=free)
            assert ("slow" in asked(mock)) == (way in LEAD), way


async def test_s64_of_two_names_in_a_body_the_one_that_is_checked_is_sent(tmp_path: Path) -> None:
    body = b'{"model": "fast", "messages": [{"role": "user", "content": "hi"}], "model": "slow"}'
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        key = (await gateway.made(models=["fast"]))["key"]
        assert (await gateway.send("POST", CHAT, body, key=key)).status == 403
        swapped = body.replace(b"slow", b"FAST").replace(b"fast", b"slow").replace(b"FAST", b"fast")
        assert (await gateway.send("POST", CHAT, swapped, key=key)).status == 200
        [seen] = mock.provider.books.captures
        assert json.loads(seen.body, object_pairs_hook=list)[0] == ["model", "fast"] or b"slow" not in seen.body


@pytest.mark.parametrize(
    ("name", "why"), [("any/a\0b", "no control characters"), ("any/" + "\U00020000" * 128, "at most 512 bytes")]
)
async def test_s64_a_name_that_no_ledger_keeps_reaches_no_model_through_a_wildcard(
    tmp_path: Path, name: str, why: str
) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        answered = await gateway.send("POST", CHAT, ask(name), key=(await gateway.made())["key"])
        assert asked(mock) == set()
    assert answered.status == 404
    assert why in error_of(CHAT, answered.json())["message"]


async def told(gateway: Accounted, key: str, name: str, path: str = CHAT) -> Answered:
    return await gateway.send("POST", path, ask(name), key=key)


@pytest.mark.parametrize("path", [CHAT, MESSAGES, COUNT])
async def test_s64_a_model_that_is_not_for_it_and_one_that_is_not_there_are_told_alike(
    tmp_path: Path, path: str
) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        key = (await gateway.made(models=["fast"]))["key"]
        there, nowhere = await told(gateway, key, "slow", path), await told(gateway, key, "slaw", path)
        assert there.status == nowhere.status == 403
        assert there.body.replace(b"slow", b"slaw") == nowhere.body
        assert (await told(gateway, (await gateway.made())["key"], "slaw", path)).status == 404
        assert not mock.provider.books.captures


async def test_s64_a_list_may_name_an_alias_a_pattern_within_a_wildcard_or_one_name_of_it(tmp_path: Path) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        cases = {
            "cheap": {"cheap": 200, "fast": 403, "slow": 403},
            "fast": {"cheap": 200, "fast": 200},
            "any/s*": {"any/small": 200, "any/slow": 200, "any/fast": 403, "slow": 403},
            "any/fast": {"any/fast": 200, "any/slow": 403, "fast": 403},
            "any/*": {"any/x": 200, "fast": 403},
        }
        for listed, names in cases.items():
            key = (await gateway.made(models=[listed]))["key"]
            found = {name: (await told(gateway, key, name)).status for name in names}
            assert found == names, listed


async def test_s64_a_keys_own_alias_lends_no_right(tmp_path: Path) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        key = (await gateway.made(models=["fast", "gpt-4o"], aliases={"gpt-4o": "slow", "mine": "fast"}))["key"]
        assert (await told(gateway, key, "gpt-4o")).status == 403
        assert (await told(gateway, key, "mine")).status == 200
        assert asked(mock) == {"fast"}


async def test_s63_to_count_tokens_is_a_request_like_any_other(tmp_path: Path) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        key = (await gateway.made(rpm_limit=2))["key"]
        statuses = [(await told(gateway, key, name, COUNT)).status for name in ("slow", "fast", "slow", "fast")]
        assert statuses == [200, 200, 429, 429]
        assert len(mock.provider.books.captures) == 1, "where the wire cannot count, it is counted here"
