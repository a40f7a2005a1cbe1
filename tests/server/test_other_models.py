"""Models that a body names beside its own: a key reaches none by them that is not in its list, and what they may cost
is held."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.mock_upstream import serving
from tests.server.accounted import accounted
from tests.server.faults import CHAT, MESSAGES, ask, configuration, entry, error_of
from tests.server.test_worst_case import ask as asked
from tests.server.test_worst_case import limits
from tests.vendor import Vendor, answered_with
from tollbridge.calls.ask import peek
from tollbridge.catalog.pricing import UNPRICED, Tariff
from tollbridge.errors import BadRequestError
from tollbridge.server.other_models import NAMED_MAX, WHATEVER, named
from tollbridge.server.worst_case import Bounds
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES

RESPONSES = "/v1/responses"
GEMINI = "/v1beta/models/m:generateContent"


def advisor(model: str) -> dict[str, Any]:
    return {"type": "advisor_20260301", "name": "advisor", "model": model}


FUNCTION = {
    "type": "function",
    "function": {"name": "car", "parameters": {"properties": {"model": {"enum": ["opus"]}}, "required": ["model"]}},
}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, []),
        ({"tools": [FUNCTION]}, []),
        ({"tools": [{"name": "car", "input_schema": {"model": "opus"}}]}, []),
        ({"tools": [{"name": "car", "parameters": {"model": "opus"}}]}, []),
        ({"tools": [{"functionDeclarations": [{"name": "car", "parameters": {"model": "opus"}}]}]}, []),
        ({"tools": [{"type": "custom", "name": "car", "model": "opus"}]}, []),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, []),
        ({"tools": [FUNCTION, advisor("opus")]}, [("$.tools[1].model", "opus", True)]),
        ({"tools": [{"type": "image_generation", "model": "g"}]}, [("$.tools[0].model", "g", True)]),
        (
            {"tools": [{"type": "openrouter:advisor", "parameters": {"model": "a/opus"}}]},
            [("$.tools[0].parameters.model", "a/opus", True)],
        ),
        ({"tools": [{"type": "openrouter:advisor"}]}, [("$.tools[0]", WHATEVER, True)]),
        (
            {"tools": [{"retrieval": {"ranking": {"llmRanker": {"modelName": "g"}}}}]},
            [("$.tools[0].retrieval.ranking.llmRanker.modelName", "g", True)],
        ),
        (
            {"plugins": [{"id": "web"}, {"id": "fusion", "analysis_models": ["a", "b"], "model": "c"}]},
            [
                ("$.plugins[1].analysis_models[0]", "a", True),
                ("$.plugins[1].analysis_models[1]", "b", True),
                ("$.plugins[1].model", "c", True),
            ],
        ),
        ({"plugins": [{"id": "fusion"}]}, [("$.plugins[0]", WHATEVER, True)]),
        (
            {"plugins": [{"id": "fusion", "model": "c", "analysis_models": []}]},
            [("$.plugins[0].model", "c", True), ("$.plugins[0]", WHATEVER, True)],
        ),
        (
            {"tools": [{"type": "openrouter:fusion", "parameters": {"analysis_models": ["a"]}}]},
            [("$.tools[0].parameters.analysis_models[0]", "a", True), ("$.tools[0]", WHATEVER, True)],
        ),
        ({"plugins": [{"id": "fusion", "enabled": False}]}, []),
        ({"models": ["a", "b", 5, None, ""]}, [("$.models[0]", "a", False), ("$.models[1]", "b", False)]),
        ({"models": None}, []),
        ({"tools": [{"name": "buy", "input_schema": {}, "input_examples": [{"model": "T"}]}]}, []),
        ({"tools": [advisor("a") | {"input_schema": {}}]}, [("$.tools[0].model", "a", True)]),
        ({"plugins": [{"k" * 200: {"models": ["m"] * 9}}]}, [(f"$.plugins[0].{'k' * 100}.models[0]", "m", True)]),
        (
            {"models": ["a"] * 1000, "tools": [advisor("a")]},
            [("$.models[0]", "a", False), ("$.tools[0].model", "a", True)],
        ),
        ({"tools": [{"type": ["x"], "model": "a"}]}, [("$.tools[0].model", "a", True)]),
        ({"models": [{"type": {}, "model": "a"}]}, [("$.models[0].model", "a", False)]),
        ({"plugins": [{"id": ["openrouter:"]}]}, []),
        ({"fallbacks": "default"}, [("$.fallbacks", WHATEVER, False)]),
        ({"fallbacks": [{"model": "opus"}]}, [("$.fallbacks[0].model", "opus", False)]),
        ({"preset": "mine"}, [("$.preset", "@preset/mine", False)]),
        (
            {"providerOptions": {"gateway": {"models": ["a"]}}},
            [("$.providerOptions.gateway.models[0]", "a", False)],
        ),
        (
            {"compound_custom": {"models": {"answering_model": "a"}}},
            [("$.compound_custom.models.answering_model", "a", True)],
        ),
        (
            {"generationConfig": {"routingConfig": {"manualMode": {"modelName": "g"}}}},
            [("$.generationConfig.routingConfig.manualMode.modelName", "g", False)],
        ),
        ({"generationConfig": {"responseSchema": {"properties": {"model": {"type": "STRING"}}}}}, []),
        ({"metadata": {"model": "opus"}, "messages": [{"model": "opus"}]}, []),
    ],
    ids=str,
)
def test_who_is_named_is_found_and_who_is_not_is_not(fields: dict[str, Any], found: list[Any]) -> None:
    assert list(named(peek(json.dumps(fields).encode()))) == found


def test_who_names_too_many_is_told_so() -> None:
    """Each of them would be looked up while everybody waits."""
    fields = {"models": msgspec.Raw(json.dumps([f"m{number}" for number in range(NAMED_MAX + 1)]).encode())}
    with pytest.raises(BadRequestError, match=rf"more than {NAMED_MAX} models beside its own - at `\$\.models\[100\]`"):
        named(fields)


def test_escapes_and_depth_hide_nobody() -> None:
    escaped = rb'{"tools": [{"type": "advisor_20260301", "mod\u0065l": "opus"}]}'
    assert [one.model for one in named(peek(escaped))] == ["opus"]
    deep = b'{"tools": ' + b"[" * 900 + b'{"model": "opus"}' + b"]" * 900 + b"}"
    assert [one.model for one in named(peek(deep))] == [WHATEVER]


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "advisor": (MESSAGES, {"tools": [advisor("opus")]}, "$.tools[0].model"),
    "advisor in chat": (CHAT, {"tools": [advisor("opus")]}, "$.tools[0].model"),
    "in the extra body": (CHAT, {"extra_body": {"models": ["opus"]}}, "$.models[0]"),
    "models": (CHAT, {"models": ["m", "opus"]}, "$.models[1]"),
    "models, by the provider's name": (CHAT, {"models": ["openai/opus"]}, "$.models[0]"),
    "in Responses": (RESPONSES, {"input": "hi", "models": ["opus"]}, "$.models[0]"),
    "advisor of OpenRouter's": (CHAT, {"tools": [{"type": "openrouter:advisor"}]}, "$.tools[0]"),
    "in Gemini's": (
        GEMINI,
        {
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "generationConfig": {"routingConfig": {"manualMode": {"modelName": "opus"}}},
        },
        "$.generationConfig.routingConfig.manualMode.modelName",
    ),
    "counted": (MESSAGES + "/count_tokens", {"tools": [advisor("opus")]}, "$.tools[0].model"),
}


@pytest.mark.parametrize("way", list(REFUSED))
async def test_a_key_reaches_no_model_by_naming_it_beside_its_own(tmp_path: Path, way: str) -> None:
    path, fields, where = REFUSED[way]
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port), entry("opus", mock.port)), tmp_path) as gateway:
            bound, both, free = [
                (await gateway.made(models=models))["key"] for models in (["m"], ["m", "opus", "openai/*"], [])
            ]
            refused = await gateway.send("POST", path, ask(**fields), key=bound)
            assert not mock.provider.books.captures
            statuses = [(await gateway.send("POST", path, ask(**fields), key=key)).status for key in (both, free)]
    assert refused.status == 403
    assert f"`{where}`" in json.dumps(refused.json())
    if path != GEMINI:
        assert "opus" in error_of(path.removesuffix("/count_tokens"), refused.json())["message"] or "chooses" in str(
            refused.json()
        )
    assert 403 not in statuses


@pytest.mark.parametrize(
    ("models", "allowed"),
    [
        (["m"], False),
        (["m", "big"], True),  # its deployment is called so at the provider
        (["m", "large"], True),  # an alias of it
        (["m", "claude-opus-4-8"], True),
        (["m", "claude-opus-*"], True),
        (["m", "anthropic/claude-opus-4-8"], True),
        (["m", "anthropic/*"], True),
        (["m", "openai/*"], False),
        (["m", "best"], True),  # an access group that has it
        (["m", "rest"], False),
    ],
)
async def test_who_may_ask_for_a_model_may_name_it(tmp_path: Path, models: list[str], allowed: bool) -> None:
    async with serving() as mock:
        entries = (
            entry("m", mock.port, "anthropic", model="anthropic/claude-haiku-4-5"),
            entry(
                "big",
                mock.port,
                "anthropic",
                model="anthropic/claude-opus-4-8",
                info={"access_groups": ["best"]},
            ),
            entry("*", mock.port, info={"access_groups": ["rest"]}, model="openai/*"),
        )
        router = {"model_group_alias": {"large": "big"}}
        async with accounted(configuration(*entries, router=router), tmp_path) as gateway:
            key = (await gateway.made(models=models))["key"]
            body = ask(tools=[advisor("claude-opus-4-8")])
            assert (await gateway.send("POST", MESSAGES, body, key=key)).status == (200 if allowed else 403)
            own = ask(tools=[advisor("claude-haiku-4-5")])
            assert (await gateway.send("POST", MESSAGES, own, key=key)).status == 200


def test_what_is_held_is_the_price_of_the_dearest_that_is_named() -> None:
    big = Tariff({"input": 10**12, "output": 10**12}, "")
    plain = Tariff({"input": 10**9, "output": 10**9}, "", kin=lambda model: big if model == "opus" else UNPRICED)
    place = limits(None, None, plain)

    def worst(**fields: Any) -> tuple[int, int]:
        """(without whom it names, with them)"""
        bounds = Bounds(asked(wire=ANTHROPIC_MESSAGES, max_tokens=100, **fields))
        alone = msgspec.structs.replace(place, tariff=Tariff({"input": 10**9, "output": 10**9}, ""))
        beside, priced = bounds.price([alone]), bounds.price([place])
        assert beside is not None
        assert priced is not None
        return beside, priced

    alone, instead = worst(models=["small", "opus"])
    assert instead == 1000 * alone
    alone, beside = worst(tools=[advisor("opus")])
    assert beside == 1001 * alone // 2, "at this tariff nobody else has a price, and counts like the one that is asked"
    alone, unknown = worst(tools=[advisor("zeus")])
    assert unknown == alone
    alone, none = worst(tools=[FUNCTION])
    assert none == alone
    forced = msgspec.structs.replace(place, forced_raw=peek(b'{"models": ["opus"]}'))
    assert (Bounds(asked(max_tokens=100)).price([forced]) or 0) == 1000 * (
        Bounds(asked(max_tokens=100)).price([place]) or 0
    )


async def test_a_gateway_that_serves_nothing_without_a_price_looks_at_whom_a_body_names(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(
            entry("m", mock.port, "anthropic", model="anthropic/claude-haiku-4-5"),
            litellm={"block_requests_for_models_without_pricing": True},
        )
        async with accounted(text, tmp_path) as gateway:
            known = await gateway.send("POST", MESSAGES, ask(tools=[advisor("claude-opus-4-8")]))
            unknown = await gateway.send("POST", MESSAGES, ask(tools=[advisor("claude-zeus-9")]))
    assert (known.status, unknown.status) == (200, 403)
    assert "claude-zeus-9" in error_of(MESSAGES, unknown.json())["message"]


HAIKU = {"input": 1000, "output": 5000}
"""Nano-dollars a token."""
FALLEN = [
    {"type": "message", "model": "claude-haiku-4-5", "input_tokens": 100, "output_tokens": 10},
    {"type": "fallback_message", "model": "claude-zeus-9", "input_tokens": 1000, "output_tokens": 100},
]
ADVISED = [{"type": "advisor_message", "model": "claude-zeus-9", "input_tokens": 1000, "output_tokens": 100}]


@pytest.mark.parametrize("path", [MESSAGES, "/anthropic/v1/messages"])
@pytest.mark.parametrize(
    ("iterations", "spent"),
    [
        (ADVISED, 1100 * HAIKU["input"] + 200 * HAIKU["output"]),
        (FALLEN, 1100 * HAIKU["input"] + 110 * HAIKU["output"]),
    ],
    ids=["advised", "fallen back"],
)
async def test_a_part_without_a_price_ends_a_budget_too(
    tmp_path: Path, path: str, iterations: list[dict[str, Any]], spent: int
) -> None:
    usage = {"input_tokens": 100, "output_tokens": 100, "iterations": iterations}
    message = {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5"},
        **{"content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "stop_sequence": None},
        "usage": usage,
    }
    async with Vendor({("POST", "/v1/messages"): answered_with(message)}) as vendor:
        text = configuration(entry("m", vendor.port, "anthropic", model="anthropic/claude-haiku-4-5"))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=[], max_budget=0.003))["key"]
            body = ask("m" if path == MESSAGES else "claude-haiku-4-5")
            statuses = [(await gateway.send("POST", path, body, key=key)).status for _ in range(3)]
            await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
            rows = (await gateway.send("GET", "/spend/logs")).json()
    assert statuses == [200, 200, 429]
    assert [row["metadata"]["tollbridge"]["priced"] for row in rows] == ["assumed", "assumed"]
    assert [round(row["spend"] * 10**9) for row in rows] == [spent, spent]
