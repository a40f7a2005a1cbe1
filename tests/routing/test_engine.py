"""What health learns from an attempt, however it ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.errors import RateLimitError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.routing.board import Fallbacks, Routes
from tollbridge.routing.engine import Engine, Trace
from tollbridge.routing.groups import Group, Groups
from tollbridge.routing.health import Health, Rules
from tollbridge.routing.plan import Policy
from tollbridge.transport.base import Transport
from tollbridge.transport.inprocess import InProcess, Reply
from tollbridge.wires.openai_chat import OPENAI_CHAT


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), ZeroDivisionError()])
async def test_a_trial_that_ends_without_an_outcome_is_open_to_the_next(failure: BaseException) -> None:
    body = json.dumps({"model": "m", "messages": []}).encode()
    ask = Ask(OPENAI_CHAT, body, peek(body), "m", stream=False)
    deployment = build(Wanted(id="d", group="m", model="openai/x", given=Given(api_key="k")), {}, ROWS)
    health, time = Health(Rules(cooldown_s=5.0)), 100.0
    health.failed("d", RateLimitError("x"), time - 10.0)
    routes = Routes(Groups([Group("m", "m", (deployment,))]), Fallbacks(), health, now=lambda: time)
    engine = Engine(routes, InProcess(lambda _: Reply(200, (), ())), Policy(retries=0))

    async def how(ask: Ask, deployment: Deployment, transport: Transport) -> str:
        assert not health.ready("d", time)
        raise failure

    with pytest.raises(type(failure)):
        await engine.run(ask, Trace([]), how)
    assert health.ready("d", time)
