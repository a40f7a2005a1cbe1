"""MCP servers of the gateway as tools of a model, in each dialect: offered, called, fed back, billed by the round."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.mcp.serving import LEGACY_STDIO
from tests.mcp.test_credentials import LIST, STORED, Server
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, DONE, MESSAGES, USAGE, ask, chunk, configuration, entry, events_of, stream
from tests.server.served import KEY
from tests.server.test_counted_aside import LONG, kept_busy, watched
from tests.transport.upstream import Peer, Upstream, answer, until
from tollbridge.mcp.toolbox import _approval, _chosen
from tollbridge.server.identify import OpenDoor

RESPONSES = "/v1/responses"
DIALECTS = [CHAT, MESSAGES, RESPONSES]
PRICES = {"input_cost_per_token": 0.000002, "output_cost_per_token": 0.00001}
ECHO = {"text": "from the tool"}
LONG_AGO = [{"role": "user", "content": LONG}]


class Model:
    """Plays an OpenAI model: it calls the tools that it is told to call, a list a round, then it speaks."""

    def __init__(self, *rounds: list[tuple[str, Any]], streams: bool = False, usage: Any = USAGE) -> None:
        self.usage = usage
        self.rounds = list(rounds)
        self.streams = streams
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            self.asked.append(json.loads(said.partition(b"\r\n\r\n")[2]))
            calls = self.rounds[len(self.asked) - 1] if len(self.asked) <= len(self.rounds) else []
            peer.send(self._stream(calls) if self.streams else self._whole(calls))

    def _calls(self, calls: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "index": number,
                "id": f"call_{len(self.asked)}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(calls)
        ]

    def _whole(self, calls: list[tuple[str, Any]]) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": None if calls else "It is done."}
        if calls:
            message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in self._calls(calls)]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return answer(
            json.dumps(
                {"id": f"c{len(self.asked)}", "object": "chat.completion", "created": 1, "model": "m"}
                | {"choices": [choice], "usage": self.usage}
            ).encode()
        )

    def _stream(self, calls: list[tuple[str, Any]]) -> bytes:
        delta: dict[str, Any] = {"role": "assistant", "content": "" if calls else "It is done."}
        if calls:
            delta["tool_calls"] = self._calls(calls)
        end = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}
        return stream(
            chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}]),
            chunk(choices=[end]),
            chunk(choices=[], usage=self.usage),
            DONE,
        )


def config(port: int) -> str:
    text = json.loads(configuration(entry("m", port, info={"mode": "chat"}, **PRICES)))
    command = {"command": LEGACY_STDIO.command, "args": list(LEGACY_STDIO.args)}
    info = {"mcp_server_cost_info": {"default_cost_per_query": 0.25}}
    text["mcp_servers"] = {"desk": {**command, "allow_all_keys": True, "mcp_info": info}}
    return json.dumps(text)


def tool(**said: Any) -> dict[str, Any]:
    return {
        "type": "mcp",
        "server_label": "desk",
        "server_url": "litellm_proxy",
        "require_approval": "never",
        "allowed_tools": ["echo", "exit_process"],
        **said,
    }


def asking(path: str, *, streams: bool, **said: Any) -> dict[str, Any]:
    if path == RESPONSES:
        return {"model": "m", "input": "hi", "stream": streams, "tools": [tool()], **said}
    return ask(stream=streams, tools=[tool()], **said)


def text_in(path: str, body: bytes) -> str:
    if not body.startswith(b"{"):
        return body.decode()
    said = json.loads(body)
    if path == CHAT:
        return str(said["choices"][0]["message"]["content"])
    if path == MESSAGES:
        return "".join(block.get("text", "") for block in said["content"])
    return "".join(part["text"] for item in said["output"] for part in item.get("content") or [])


async def rows(gateway: Accounted) -> list[dict[str, Any]]:
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    found: list[dict[str, Any]] = (await gateway.send("GET", "/spend/logs")).json()
    return found[::-1]


def _took(row: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(row["endTime"]) - datetime.fromisoformat(row["startTime"])


@pytest.mark.parametrize("streams", [False, True])
async def test_what_was_waited_for_tools_and_earlier_rounds_is_not_the_gateways_doing(
    tmp_path: Path, streams: bool
) -> None:
    """Its process is started by the first who asks for its tools, and the first round takes its time as well."""

    class Slow(Model):
        async def __call__(self, peer: Peer) -> None:
            await asyncio.sleep(0.5)
            await super().__call__(peer)

    model = Slow([("echo", ECHO)], streams=streams)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        told = await gateway.post(CHAT, asking(CHAT, streams=streams))
        assert told.status == 200
        last = next(one for one in reversed(gateway.records) if one.endpoint == CHAT)
    took = last.ttft_ms or last.duration_ms
    assert took > 500
    assert last.overhead_ms < took / 4
    assert float(told.headers["x-litellm-overhead-duration-ms"]) < took / 4


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", DIALECTS)
async def test_a_tool_is_called_and_the_model_goes_on_with_what_it_said(
    tmp_path: Path, path: str, streams: bool
) -> None:
    model = Model([("echo", ECHO)], streams=streams)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        key = (await gateway.made(max_parallel_requests=1, max_budget=5))["key"]
        answered = await gateway.send("POST", path, asking(path, streams=streams), key=key)
        entries = await rows(gateway)
        assert gateway.accounts.book.held == 0
    assert answered.status == 200, answered.body
    assert "It is done." in text_in(path, answered.body)
    first, second = model.asked
    assert [one["function"]["name"] for one in first["tools"]] == ["echo", "exit_process"]
    assert second["messages"][-2]["tool_calls"][0]["function"]["name"] == "echo"
    assert second["messages"][-1]["role"] == "tool"
    assert "from the tool" in str(second["messages"][-1]["content"])
    own = {
        provider: [one["metadata"]["tollbridge"] for one in entries if one["custom_llm_provider"] == provider]
        for provider in ("openai", "mcp")
    }
    [call], rounds = own["mcp"], own["openai"]
    assert [one["cost_nanousd"] for one in rounds] == [26_000, 26_000]
    assert call["cost_nanousd"] == 250_000_000
    assert [(one["model_id"], one["model"]) for one in entries if one["custom_llm_provider"] == "mcp"] == [
        ("desk", "echo")
    ]
    assert rounds[1]["parent"] == call["parent"] == rounds[0]["id"]
    whole, first_round, its = (
        next(_took(row) for row in entries if row["metadata"]["tollbridge"] is one)
        for one in (rounds[1], rounds[0], call)
    )
    assert first_round + its <= whole + timedelta(milliseconds=5)  # each has its own, the last that of the request
    if not streams:
        assert answered.headers["x-tollbridge-cost-usd"] == "0.250052"  # of all that it took
        assert answered.json()["usage"].get("total_tokens", 10) == 10


@pytest.mark.parametrize("kind", ["whole", "stream", "background"])
async def test_its_entries_have_the_id_that_the_client_was_told(tmp_path: Path, kind: str) -> None:
    """All rounds of one answer: who asks for its cost by its id is told of all of them."""
    model = Model([("echo", ECHO)], streams=kind == "stream")
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        more = {"background": True} if kind == "background" else {}
        answered = await gateway.send("POST", RESPONSES, asking(RESPONSES, streams=kind == "stream", **more))
        assert answered.status == 200, answered.body
        if kind == "stream":
            id = json.loads(events_of(answered.body)[0][1])["response"]["id"]
        else:
            id = answered.json()["id"]
        async with asyncio.timeout(20):
            while (await gateway.send("GET", f"{RESPONSES}/{id}")).json()["status"] != "completed":
                await asyncio.sleep(0.02)
        entries = await rows(gateway)
    assert [row["request_id"] for row in entries if row["custom_llm_provider"] == "openai"] == [id, id]


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_the_responses_dialect_tells_what_was_listed_and_called(tmp_path: Path, streams: bool) -> None:
    model = Model([("echo", ECHO)], streams=streams)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        answered = await gateway.post(RESPONSES, asking(RESPONSES, streams=streams))
    if streams:
        events = [json.loads(data) for _, data in events_of(answered.body) if data != "[DONE]"]
        kinds = [event["type"] for event in events]
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        for kind in (
            "mcp_list_tools.completed",
            "mcp_call.in_progress",
            "mcp_call_arguments.done",
            "mcp_call.completed",
        ):
            assert kinds.count(f"response.{kind}") == 1, kind
        output = events[-1]["response"]["output"]
    else:
        output = answered.json()["output"]
    assert [item["type"] for item in output] == ["mcp_list_tools", "mcp_call", "message"]
    listed, called, _ = output
    assert [one["name"] for one in listed["tools"]] == ["echo", "exit_process"]
    assert (called["name"], called["server_label"], called["error"]) == ("echo", "desk", None)
    assert json.loads(called["arguments"]) == ECHO
    assert "from the tool" in called["output"]


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_what_needs_approval_is_handed_back_and_not_called(tmp_path: Path, path: str, streams: bool) -> None:
    model = Model([("echo", ECHO)], streams=streams)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        asked = asking(path, streams=streams)
        del asked["tools"][0]["require_approval"]
        answered = await gateway.post(path, asked)
        entries = await rows(gateway)
    assert answered.status == 200
    assert len(model.asked) == len(entries) == 1
    wanted = {CHAT: '"tool_calls"', MESSAGES: '"tool_use"', RESPONSES: '"mcp_approval_request"'}[path]
    assert wanted in answered.body.decode()
    assert "from the tool" in answered.body.decode().replace("\\", "")


CHOICES: list[tuple[dict[str, Any], bool, bool]] = [
    ({"require_approval": {"always": {"tool_names": ["echo"]}}}, True, False),
    ({"require_approval": {"never": {"tool_names": ["echo"]}}}, True, True),
    ({"denied_tools": ["echo"], "require_approval": "never"}, False, False),
    ({"allowed_tools": ["echo"], "require_approval": "never"}, True, True),
    ({"allowed_tools": ["desk-echo"], "require_approval": "never"}, False, False),
]


@pytest.mark.parametrize(("said", "offered", "runs"), CHOICES)
@pytest.mark.parametrize("server", ["desk", "my-desk"])
async def test_a_tool_is_chosen_by_its_own_name_whatever_its_servers_is(
    tmp_path: Path, server: str, said: dict[str, Any], offered: bool, runs: bool
) -> None:
    """`my-desk-echo` is `echo` of `my-desk`, and `desk-echo` of nobody."""
    if server == "desk" and said.get("allowed_tools") == ["desk-echo"]:
        offered = runs = True  # its whole name
    model = Model([(f"{server}-echo", ECHO)])
    definition = {"type": "mcp", "server_label": "all", "server_url": "litellm_proxy", **said}
    async with Upstream(model) as upstream:
        text = json.loads(config(upstream.port))
        desk = text["mcp_servers"].pop("desk")
        text["mcp_servers"] = {server: desk, "other": desk}
        async with accounted(json.dumps(text), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask(tools=[definition]))
    assert answered.status == 200, answered.body
    names = [one["function"]["name"] for one in model.asked[0].get("tools", ())]
    assert (f"{server}-echo" in names) is offered
    said_by_tools = [one["content"] for one in model.asked[-1]["messages"] if one["role"] == "tool"]
    assert any("from the tool" in str(one) for one in said_by_tools) is runs


async def test_what_is_denied_is_not_reached_by_another_servers_name_for_it(tmp_path: Path) -> None:
    """`b-echo` of `a` would be called as `a-b-echo`, which is `echo` of `a-b`."""
    model = Model([("a-b-echo", ECHO)])
    definition = {"type": "mcp", "server_url": "litellm_proxy", "require_approval": "never", "denied_tools": ["echo"]}
    async with Upstream(model) as upstream:
        text = json.loads(config(upstream.port))
        desk = text["mcp_servers"].pop("desk")
        renamed = {"tool_name_to_display_name": {"echo": "b-echo"}}
        text["mcp_servers"] = {"a": {**desk, **renamed}, "a-b": desk}
        async with accounted(json.dumps(text), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask(tools=[definition]))
    assert answered.status == 200, answered.body
    assert "a-b-echo" not in [one["function"]["name"] for one in model.asked[0]["tools"]]
    assert len(model.asked) == 1


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
async def test_several_calls_of_one_round_run_side_by_side_and_a_broken_tool_is_told_to_the_model(
    tmp_path: Path, streams: bool
) -> None:
    model = Model([("echo", {"text": "one"}), ("echo", {"text": "two"})], [("exit_process", {})], streams=streams)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        answered = await gateway.post(CHAT, asking(CHAT, streams=streams))
    assert "It is done." in text_in(CHAT, answered.body)
    assert len(model.asked) == 3
    told = [str(message["content"]) for message in model.asked[2]["messages"] if message["role"] == "tool"]
    assert "one" in told[0]
    assert "two" in told[1]
    assert "failed" in told[2]
    assert not any("is_error" in message for message in model.asked[2]["messages"])  # no field of OpenAI's


async def test_tools_that_the_client_runs_go_to_the_client_beside_ours(tmp_path: Path) -> None:
    own = {"type": "function", "function": {"name": "mine", "parameters": {"type": "object", "properties": {}}}}
    model = Model([("mine", {}), ("echo", ECHO)])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        answered = await gateway.post(CHAT, ask(tools=[own, tool()]))
    calls = answered.json()["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["mine", "echo"]
    assert len(model.asked) == 1


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", DIALECTS)
async def test_a_loop_that_does_not_end_is_ended_and_that_is_told(tmp_path: Path, path: str, streams: bool) -> None:
    model = Model(*[[("echo", ECHO)]] * 100, streams=streams)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        answered = await gateway.post(path, asking(path, streams=streams))
    assert answered.status == 200
    assert len(model.asked) == 16
    assert [one.caveats for one in gateway.records if "rounds_ended $.tools" in one.caveats]
    assert streams or "rounds_ended $.tools" in answered.headers["x-tollbridge-caveats"]


@pytest.mark.parametrize("streams", [False, True])
async def test_rounds_without_usage_are_counted_aside(tmp_path: Path, streams: bool) -> None:
    model = Model([("echo", ECHO)], streams=streams, usage=None)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        with watched() as on_the_loop:
            told = await gateway.post(CHAT, asking(CHAT, streams=streams, messages=LONG_AGO))
        assert told.status == 200
        records = [one for one in gateway.records if one.provider == "openai"]
    assert not on_the_loop
    assert [one.estimated for one in records] == [True, True]
    assert records[1].parent == records[0].id
    assert all(one.cost_nanousd for one in records)


@pytest.mark.parametrize("streams", [False, True])
async def test_who_leaves_while_a_round_is_counted_pays_for_it_once(tmp_path: Path, streams: bool) -> None:
    model = Model([("echo", ECHO)], streams=streams, usage=None)
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        async with kept_busy():
            asked = asyncio.ensure_future(gateway.post(CHAT, asking(CHAT, streams=streams, messages=LONG_AGO)))
            await until(lambda: len(model.asked) == 1)
            await asyncio.sleep(0.2)
            asked.cancel()
            await until(lambda: gateway.gateway.load.requests == 0)
        records = [one for one in gateway.records if one.endpoint == CHAT]
        entered = [one for one in records if one.id]
        told = await rows(gateway)
    assert len(entered) == len(told) == 1
    assert entered[0].estimated
    assert entered[0].cost_nanousd
    assert len(model.asked) == 1
    assert records[-1].outcome == "cancelled"


async def test_a_key_without_the_server_is_offered_nothing_of_it(tmp_path: Path) -> None:
    text = json.loads(config(1))
    model = Model()
    async with Upstream(model) as upstream:
        text = json.loads(config(upstream.port))
        text["mcp_servers"]["desk"]["allow_all_keys"] = False
        async with accounted(json.dumps(text), tmp_path) as gateway:
            key = (await gateway.made())["key"]
            answered = await gateway.send("POST", RESPONSES, asking(RESPONSES, streams=False), key=key)
    assert answered.status == 200
    assert "tools" not in model.asked[0]
    assert answered.json()["output"][0]["tools"] == []


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", DIALECTS)
async def test_a_server_that_is_not_there_is_a_caveat_and_refused_where_nothing_may_be_lost(
    tmp_path: Path, path: str, streams: bool
) -> None:
    model = Model(streams=streams)
    body = asking(path, streams=streams) | {"tools": [tool(server_url="litellm_proxy/mcp/nothere")]}
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        answered = await gateway.post(path, body)
        refused = await gateway.post(path, body, {"x-tollbridge-strict": "true"})
    assert answered.status == 200
    assert "no_tools $.tools" in answered.headers["x-tollbridge-caveats"]
    assert gateway.records[0].caveats == ("no_tools $.tools",)
    assert refused.status == 400
    assert "'desk' gives no tools: nothere: there is no such server for this key" in refused.body.decode()
    if path == RESPONSES and not streams:
        assert answered.json()["output"][0]["error"] == "nothere: there is no such server for this key"
    assert len(model.asked) == 1


@pytest.mark.parametrize("way", ["authorization", "headers"])
async def test_an_authorization_that_is_a_key_narrows(tmp_path: Path, way: str) -> None:
    model = Model()
    async with Upstream(model) as upstream:
        text = config(upstream.port).replace('"allow_all_keys": true', '"allow_all_keys": false')
        async with accounted(text, tmp_path) as gateway:
            narrow = await gateway.made(object_permission={"mcp_tool_permissions": {"desk": ["echo"]}})
            said: Any = narrow["key"] if way == "authorization" else {"Authorization": f"Bearer {narrow['key']}"}
            await gateway.post(RESPONSES, asking(RESPONSES, streams=False) | {"tools": [tool(**{way: said})]})
            everything = await gateway.post(RESPONSES, asking(RESPONSES, streams=False))
            unknown = tool(authorization="sk-tb-" + "x" * 30)
            other = await gateway.post(RESPONSES, asking(RESPONSES, streams=False) | {"tools": [unknown]})
    assert [one["function"]["name"] for one in model.asked[0]["tools"]] == ["echo"]
    assert len(everything.json()["output"][0]["tools"]) == 2
    assert other.status == 200  # a credential of somebody else's, for the server


async def test_under_open_a_definition_brings_credentials_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is shown at an open door is let in: it is no key for that."""
    monkeypatch.setattr("tests.server.accounted.MasterKey", lambda key: OpenDoor())
    model, server = Model(), Server()
    async with Upstream(model) as upstream, Upstream(server) as desk:
        text = json.loads(config(upstream.port))
        text["mcp_servers"]["desk"] = {"url": f"http://127.0.0.1:{desk.port}/mcp", "auth_type": "bearer_token"}
        async with accounted(json.dumps(text), tmp_path) as gateway:
            asked = asking(RESPONSES, streams=False) | {"tools": [tool(authorization="own", allowed_tools=None)]}
            await gateway.post(RESPONSES, asked)
    assert any("authorization: bearer own" in head for head in server.heads)


async def test_an_authorization_for_a_server_reaches_it_and_the_admins_key_does_not(tmp_path: Path) -> None:
    model, server = Model(), Server()
    async with Upstream(model) as upstream, Upstream(server) as desk:
        text = json.loads(config(upstream.port))
        url = f"http://127.0.0.1:{desk.port}/mcp"
        text["mcp_servers"]["desk"] = {"url": url, "auth_type": "bearer_token", "auth_value": STORED}
        async with accounted(json.dumps(text), tmp_path) as gateway:
            for token in ("servers-own", KEY):
                asked = tool(authorization=token, allowed_tools=None)
                await gateway.post(RESPONSES, asking(RESPONSES, streams=False) | {"tools": [asked]})
            key = (await gateway.made(object_permission={"mcp_servers": ["desk"]}))["key"]
            headers = {"x-litellm-api-key": key, "authorization": f"Bearer {KEY}"}
            listed = await gateway.send("POST", "/mcp", LIST, key=None, headers=headers)
    assert listed.status == 200, listed.body
    shown = [line for head in server.heads for line in head.split("\r\n") if line.startswith("authorization:")]
    assert set(shown) == {"authorization: bearer servers-own", f"authorization: bearer {STORED}"}


@pytest.mark.parametrize(
    "said", [{"always": {"tool_names": 5}}, {"never": [1]}, {"always": {"read_only": "yes"}}, 7, {"never": "echo"}]
)
async def test_an_approval_that_cannot_be_read_is_named(tmp_path: Path, said: Any) -> None:
    model = Model()
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        body = asking(RESPONSES, streams=False) | {"tools": [tool(require_approval=said)]}
        refused = await gateway.post(RESPONSES, body)
    assert refused.status == 400
    assert refused.json()["error"]["param"] == "tools"
    assert model.asked == []


ALONE = {"tool_names": ["echo"]}
RULES: list[tuple[Any, bool, bool]] = [
    ({"never": ALONE}, True, False),
    ({"always": ALONE}, False, True),
    ({"never": ALONE, "always": {"tool_names": ["exit_process"]}}, True, False),
    ({"never": {"read_only": True}}, False, False),
    ({"never": {"read_only": False}}, True, True),
    ({"always": {"read_only": False}}, False, False),
    ({"always": {"read_only": True}}, True, True),
    ({"always": {}}, False, False),
    ({"never": {}}, False, False),
    ({}, False, False),
]


@pytest.mark.parametrize(("said", "echoes", "exits"), RULES)
def test_who_needs_no_approval(said: Any, echoes: bool, exits: bool) -> None:
    approval = _approval(said, "here")
    assert approval.runs({}, "desk-echo", "echo") is echoes
    assert approval.runs({"annotations": {"destructiveHint": True}}, "exit_process", "exit_process") is exits


def test_tools_may_be_chosen_by_what_their_server_says_of_them() -> None:
    chosen = _chosen({"allowed_tools": {"read_only": True}}, "allowed_tools", "here")
    assert chosen is not None
    reading, writing = {"annotations": {"readOnlyHint": True}}, {"annotations": {"readOnlyHint": False}}
    assert [chosen.has(one, "a", "a") for one in (reading, writing, {})] == [True, False, False]


async def test_required_binds_the_first_round_only(tmp_path: Path) -> None:
    model = Model([("echo", ECHO)])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        await gateway.post(CHAT, asking(CHAT, streams=False, tool_choice="required"))
    assert [one.get("tool_choice") for one in model.asked] == ["required", None]


@pytest.mark.parametrize("kept", [True, False], ids=["by the response before", "by its items"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("approve", [True, False])
async def test_a_call_that_the_client_allowed_is_made_and_one_that_it_did_not_is_not(
    tmp_path: Path, kept: bool, streams: bool, approve: bool
) -> None:
    model = Model([("echo", ECHO)])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        asked = asking(RESPONSES, streams=False)
        del asked["tools"][0]["require_approval"]
        first = (await gateway.post(RESPONSES, asked)).json()
        request = first["output"][-1]
        assert request["type"] == "mcp_approval_request"
        told = {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": approve}
        model.streams = streams
        if kept:
            again = {**asked, "stream": streams, "previous_response_id": first["id"], "input": [told]}
        else:
            items = [{"role": "user", "content": "hi"}, *first["output"], told]
            again = {**asked, "stream": streams, "input": items}
        answered = await gateway.post(RESPONSES, again)
    assert answered.status == 200, answered.body
    assert "It is done." in answered.body.decode()
    assert ("mcp_call" in answered.body.decode()) == approve
    [result] = [one for one in model.asked[1]["messages"] if one["role"] == "tool"]
    assert ("from the tool" in str(result["content"])) == approve
    assert ("did not allow" in str(result["content"])) != approve
    assert len(result["tool_call_id"]) <= 40


async def test_the_model_is_told_again_what_tools_did_in_earlier_turns(tmp_path: Path) -> None:
    model = Model([("echo", ECHO)], [], [])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        first = (await gateway.post(RESPONSES, asking(RESPONSES, streams=False))).json()
        again = {**asking(RESPONSES, streams=False), "input": "and now?", "previous_response_id": first["id"]}
        second = await gateway.post(RESPONSES, again)
        assert second.status == 200, second.body
        said = (await gateway.post(MESSAGES, asking(MESSAGES, streams=False))).json()
        messages = [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": said["content"]},
            {"role": "user", "content": "and now?"},
        ]
        third = await gateway.post(MESSAGES, {**asking(MESSAGES, streams=False), "messages": messages})
        assert third.status == 200, third.body
    roles = [message["role"] for message in model.asked[2]["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert "from the tool" in str(model.asked[2]["messages"][2]["content"])


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_fallback_is_asked_nothing_else_where_tools_are_run_here(tmp_path: Path, path: str) -> None:
    model = Model()
    async with Upstream(model) as upstream:
        text = json.loads(config(upstream.port))
        text["model_list"].append(entry("spare", upstream.port))
        async with accounted(json.dumps(text), tmp_path) as gateway:
            other = {"model": "spare", "messages": [{"role": "user", "content": "something else"}]}
            answered = await gateway.post(path, asking(path, streams=False, fallbacks=[other]))
            named = await gateway.post(path, asking(path, streams=False, fallbacks=["spare"]))
    assert (answered.status, named.status, len(model.asked)) == (400, 200, 1)
    assert "Where tools are run here" in answered.json()["error"]["message"]


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
async def test_a_definition_in_extra_body_is_run_here_and_its_secrets_are_sent_to_nobody(
    tmp_path: Path, path: str
) -> None:
    model = Model([("echo", ECHO)])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        said = asking(path, streams=False)
        tools = [{**tool, "headers": {"x-mcp-auth": "SECRET"}} for tool in said.pop("tools")]
        answered = await gateway.send("POST", path, {**said, "extra_body": {"tools": tools}})
    assert answered.status == 200
    assert "SECRET" not in json.dumps(model.asked)
    assert {tool["function"]["name"] for tool in model.asked[0]["tools"]} >= {"echo"}


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
async def test_a_server_of_ours_in_anthropics_words_takes_no_key_to_a_provider(tmp_path: Path, path: str) -> None:
    model = Model([("echo", ECHO)])
    async with Upstream(model) as upstream, accounted(config(upstream.port), tmp_path) as gateway:
        server = {"type": "url", "url": f"{gateway.url}/mcp/desk", "name": "desk", "authorization_token": KEY}
        said = {**asking(path, streams=False), "tools": [server]}
        refused = await gateway.send("POST", path, said)
        assert (refused.status, refused.json()["error"]["param"]) == (400, "tools[0]")
        assert model.asked == []
        del said["tools"]
        answered = await gateway.send("POST", path, {**said, "mcp_servers": [server]})
    assert answered.status == 200
    assert KEY not in json.dumps(model.asked)
    assert not any("mcp_servers" in body for body in model.asked)
    assert {tool["function"]["name"] for tool in model.asked[0]["tools"]} >= {"echo"}


async def test_where_tools_are_run_here_a_request_keeps_its_tags_its_marks_and_its_time(tmp_path: Path) -> None:
    said: dict[str, Any] = {"info": {"mode": "chat"}, **PRICES}
    slow = {"timeout": 60, "timeout_by_service_tier": {"fast": 0.1}}
    async with serving() as mock:
        text = json.loads(
            configuration(
                entry("m", mock.port, model="openai/up-default", tags=["default"], **said),
                entry("m", mock.port, model="openai/up-paid", tags=["paid"], **said),
                entry("slow", mock.port, model="openai/mock,delay_ms=1500", **slow, **said),
                entry("claude", mock.port, "anthropic", **said),
                router={"enable_tag_filtering": True, "num_retries": 0},
            )
        )
        text["mcp_servers"] = json.loads(config(1))["mcp_servers"]
        async with accounted(json.dumps(text), tmp_path) as gateway:
            for tag in ("paid", "default", "paid"):
                assert (await gateway.send("POST", CHAT, ask(tools=[tool()], tags=[tag]))).status == 200
                assert json.loads(mock.provider.books.captures[-1].body)["model"] == f"up-{tag}"
            late = await gateway.send("POST", CHAT, ask("slow", tools=[tool()], service_tier="fast"))
            points = [{"location": "message", "role": "user"}]
            marking = ask("claude", tools=[tool()], cache_control_injection_points=points)
            assert (await gateway.send("POST", CHAT, marking)).status == 200
            marked = mock.provider.books.captures[-1].body
    assert late.status == 504
    assert b'"cache_control"' in marked
