"""Admission that has to wait: nothing of the body is looked at before it is known who asks."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.http.raw import PATIENCE_S, Stage, connected, get, post, serving
from tollbridge.policy.principal import Principal
from tollbridge.server.http.limits import Limits
from tollbridge.server.inbound import Inbound


def waiting() -> Stage:
    stage = Stage()
    stage.admits = asyncio.Event()
    return stage


def admit(stage: Stage) -> None:
    assert stage.admits is not None
    stage.admits.set()


@pytest.mark.parametrize("request_of", [get, lambda path: post(path, b"body"), lambda path: post(path, b"x" * 300_000)])
async def test_a_request_goes_on_when_it_is_admitted(request_of) -> None:
    stage = waiting()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(request_of("/echo"))
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        admit(stage)
        assert (await wire.answer()).status == 200
        await wire.send(post("/echo", b"next"))
        assert (await wire.answer()).body == b"next"


async def test_requests_behind_one_another_are_admitted_in_their_order() -> None:
    stage = waiting()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(post("/echo", b"one") + post("/later/deny", b"two") + post("/echo", b"three"))
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        assert len(stage.seen) == 1, "the second waits for the first"
        admit(stage)
        assert (await wire.answer()).body == b"one"
        assert (await wire.answer()).status == 403
        assert (await wire.answer()).body == b"three"


async def test_a_refusal_that_came_late_keeps_the_connection() -> None:
    stage = waiting()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(post("/later/deny", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"))
        admit(stage)
        answered = await wire.answer()
        assert (answered.status, answered.body, answered.closes) == (403, b"not you", False)
        await wire.send(post("/echo", b"next"))
        assert (await wire.answer()).body == b"next"
    assert [inbound.path for inbound in stage.seen] == ["/later/deny", "/echo"]


async def test_a_body_over_the_limit_is_refused_after_admission() -> None:
    stage = waiting()
    async with serving(stage, limits=Limits(body_bytes=10)) as listener, connected(listener) as wire:
        await wire.send(post("/echo", b"x" * 11))
        admit(stage)
        assert (await wire.answer()).status == 413


async def test_a_fault_in_admission_is_an_internal_error() -> None:
    stage = waiting()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(post("/later/bug", b"x"))
        admit(stage)
        assert (await wire.answer()).status == 500


async def test_a_client_that_left_meanwhile_is_not_handled() -> None:
    stage = waiting()
    async with serving(stage) as listener:
        async with connected(listener) as wire:
            await wire.send(post("/wait", b"x"))
            await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
            stage.entered.clear()
            wire.reset()
        async with connected(listener) as other:  # by now the server has seen the other leave
            await other.send(get("/echo"))
            await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
            stage.entered.clear()
            admit(stage)
            assert (await other.answer()).status == 200
    assert not stage.entered.is_set(), "the one that left was never handled"


async def test_who_asked_before_is_told_only_with_the_very_same_head() -> None:
    stage = Stage()
    known: list[Principal | None] = []

    def admit_and_note(inbound: Inbound) -> None:
        known.append(inbound.known)
        inbound.route, inbound.principal = inbound.path, Principal(f"p{len(known)}")

    stage.admit = admit_and_note  # type: ignore[method-assign, assignment]
    async with serving(stage) as listener, connected(listener) as wire:
        for body, authorization in ((b"a", "x"), (b"longer", "x"), (b"a", "y"), (b"a", "y"), (b"a", "x")):
            await wire.send(post("/echo", body, f"Authorization: Bearer {authorization}"))
            assert (await wire.answer()).body == body
        await wire.send(get("/echo"))
        assert (await wire.answer()).status == 200
        await wire.send(post("/echo", b"a", "Authorization: Bearer x"))
        assert (await wire.answer()).status == 200
    assert [None if one is None else one.id for one in known] == [None, "p1", None, "p3", None, None, None]
