"""At which addresses the operator's models are is told to the admin and in the log, and to no key."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, MESSAGES, RESPONSES, ask, configuration, entry
from tests.transport.upstream import CHUNKED_HEAD, Peer, Upstream, chunked

CHUNK = b'data: {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, '
CHUNK += b'"delta": {"role": "assistant", "content": "Hel"}, "finish_reason": null}]}\n\n'


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def whys(gateway: Accounted) -> list[str]:
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
    return [one["why"] for line in lines for one in (line, *line.get("tried", ())) if "why" in one]


async def test_who_is_not_the_admin_is_not_told_where_a_model_is(tmp_path: Path) -> None:
    port = closed_port()
    async with accounted(
        configuration(entry("m", port), router={"num_retries": 0, "disable_cooldowns": True}), tmp_path
    ) as gateway:
        key = (await gateway.made())["key"]
        for path in (CHAT, MESSAGES):
            for streamed in (False, True):
                told = await gateway.send("POST", path, ask(stream=streamed), key=key)
                assert told.status == 502
                assert f":{port}" not in told.body.decode()
                assert "the server refused the connection" in told.body.decode()
        passed = await gateway.send("POST", "/openai/v1/chat/completions", ask(), key=key)
        assert f":{port}" not in passed.body.decode()
        admins = await gateway.post(CHAT, ask())
        assert f"127.0.0.1:{port} refused the connection" in admins.json()["error"]["message"]
        kept = await gateway.send("POST", RESPONSES, {"model": "m", "input": "x"}, key=key)
        assert f":{port}" not in kept.body.decode()
        await asyncio.sleep(0.2)  # the log is written beside
        found = whys(gateway)
    assert found
    assert all(f"127.0.0.1:{port} refused the connection" in why for why in found)


async def test_of_what_is_not_counted_in_attempts_the_log_tells_the_address_and_a_key_is_told_none(
    tmp_path: Path,
) -> None:
    port = closed_port()
    own = {"path": "/search", "target": f"http://127.0.0.1:{port}/api/search"}
    model = entry("live", port)
    model["litellm_params"]["model"] = "openai/gpt-realtime"
    text = configuration(model, general={"pass_through_endpoints": [own]}, router={"num_retries": 0})
    async with accounted(text, tmp_path) as gateway:
        key = (await gateway.made())["key"]
        opens = {
            **{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        for method, path, headers in (("POST", "/search", {}), ("GET", "/v1/realtime?model=live", opens)):
            told = await gateway.send(method, path, {"q": "x"} if method == "POST" else None, key=key, headers=headers)
            assert told.status == 502
            assert f":{port}" not in told.body.decode()
        await asyncio.sleep(0.2)  # the log is written beside
        found = whys(gateway)
    assert len(found) == 2
    assert all(f"127.0.0.1:{port} refused the connection" in why for why in found)


async def test_a_stream_that_breaks_tells_a_key_no_address_either(tmp_path: Path) -> None:
    async def breaks(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(CHUNK))
        await peer.sent()
        peer.close()

    async with Upstream(breaks) as upstream:
        text = configuration(entry("m", upstream.port), router={"num_retries": 0, "disable_cooldowns": True})
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made())["key"]
            for path in (CHAT, MESSAGES):
                told = await gateway.send("POST", path, ask(stream=True), key=key)
                assert "Hel" in told.body.decode()
                assert "ended its answer early" in told.body.decode()
                assert f":{upstream.port}" not in told.body.decode()


async def test_an_error_names_the_model_that_was_asked_for_and_not_the_pattern_that_it_fits(tmp_path: Path) -> None:
    wild = {"model_name": "our/*", "litellm_params": {"model": "demo/*"}}
    speak = {"input": "x", "voice": "alloy"}
    async with accounted(json.dumps({"model_list": [wild]}), tmp_path) as gateway:
        told = await gateway.post("/v1/audio/speech", {"model": "our/hello", **speak})
    async with accounted("{}", tmp_path / "bare") as gateway:
        bare = await gateway.post("/v1/audio/speech", {"model": "demo/hello", **speak})
    assert told.json()["error"]["message"].startswith("The model 'our/hello' does not speak here")
    assert bare.status in (400, 404)
    assert "*" not in bare.json()["error"]["message"]
