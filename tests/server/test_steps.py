"""`--detailed_debug` and `set_verbose`: what is done for a request, step by step, in nobody's words."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from bench.mock_upstream import serving
from tests.server.accounted import accounted
from tests.server.faults import CHAT, MESSAGES, PROVIDER_KEY, ask, configuration, entry

SECRET = "what nobody else shall read"


async def test_each_attempt_wait_and_fallback_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "tollbridge.routing")
    async with serving() as mock:
        mock.provider.order("bad", always="status=500")
        at = f"http://127.0.0.1:{mock.port}"
        text = configuration(
            entry("bad", mock.port, info={"id": "first"}),
            entry("good", mock.port, "anthropic", info={"id": "second"}, api_base=f"{at}?api_key={PROVIDER_KEY}"),
            router={"num_retries": 1, "fallbacks": [{"bad": ["good"]}]},
        )
        async with accounted(text, tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask("bad", text=SECRET, logit_bias={"1": 2}))
            assert (await gateway.post(MESSAGES, ask("good", stream=True))).status == 200
        id = answered.headers["x-request-id"]
    told = [record.getMessage() for record in caplog.records if record.name == "tollbridge.routing"]
    steps = [re.sub(r"\d+\.\d+ s", "T", one.removeprefix(f"{id} ")) for one in told if one.startswith(f"{id} ")]
    assert steps == [
        f"asks for 'bad' in openai_chat, {steps[0].split(', ')[1].split()[0]} bytes (model, max_tokens, messages, "
        "logit_bias); ready: openai/bad (first)",
        f"attempt 1: openai/bad (first) at {at}/v1/chat/completions",
        "attempt 1 failed after T: InternalServerError 500",
        "waits T for the next",
        f"attempt 2: openai/bad (first) at {at}/v1/chat/completions",
        "attempt 2 failed after T: InternalServerError 500",
        f"attempt 3, instead as 'good': anthropic/good (second) at {at}/v1/messages",
        "attempt 3 is answered after T, translated; dropped_param $.logit_bias",
    ]
    assert any("streamed" in one for one in told)
    assert any(one.endswith("passed on as it is") for one in told)
    assert not any(SECRET in one or PROVIDER_KEY in one for one in told)


async def test_nothing_is_told_unless_it_is_wanted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        await gateway.post(CHAT, ask())
    assert not [record for record in caplog.records if record.name == "tollbridge.routing"]
