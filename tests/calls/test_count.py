"""What a provider says when it is asked to count."""

from __future__ import annotations

import json

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.count import count_upstream
from tollbridge.errors import BadGatewayError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.transport.inprocess import InProcess, Reply
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES


async def counted(answer: bytes) -> bytes:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    ask = Ask(ANTHROPIC_MESSAGES, body, peek(body), "m", stream=False)
    deployment = build(Wanted(id="d", group="m", model="anthropic/x", given=Given(api_key="provider-key")), {}, ROWS)
    return await count_upstream(ask, deployment, InProcess(lambda _: Reply(200, (), (answer,))))


async def test_the_providers_count_goes_on_as_it_is() -> None:
    assert await counted(b'{"input_tokens": 7, "other": 1}') == b'{"input_tokens": 7, "other": 1}'


@pytest.mark.parametrize(
    "answer", [b"<html>maintenance</html>", b'{"input_tokens"', b"{}", b'{"input_tokens": "7"}', b""]
)
async def test_an_answer_that_is_no_count_is_the_providers_error(answer: bytes) -> None:
    with pytest.raises(BadGatewayError, match="no count of tokens") as raised:
        await counted(answer)
    assert (raised.value.provider, raised.value.model) == ("anthropic", "x")
