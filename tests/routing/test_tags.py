"""By its tags a request may have some deployments of a model, and not others."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import pytest

from tests.server.accounted import accounted
from tests.server.faults import CHAT, ask, configuration, entry
from tests.server.tasks_upstream import Provider
from tests.transport.upstream import Upstream
from tollbridge import Router
from tollbridge.calls.deployment import Deployment
from tollbridge.routing.tags import tagged


class Member(NamedTuple):
    name: str
    tags: tuple[str, ...] = ()


FREE, PAID, BOTH = Member("free", ("free",)), Member("paid", ("paid",)), Member("both", ("free", "paid"))
USUAL, PLAIN = Member("usual", ("default",)), Member("plain")


@pytest.mark.parametrize(
    ("members", "tags", "match_any", "names"),
    [
        ([FREE, PAID, USUAL], ["free"], True, "free"),
        ([FREE, PAID, BOTH], ["free", "paid"], True, "free paid both"),
        ([FREE, PAID, BOTH], ["free", "paid"], False, "both"),
        ([FREE, PAID, USUAL], ["other"], True, "usual"),
        ([FREE, PAID, PLAIN], ["other"], True, ""),
        ([FREE, USUAL, PLAIN], [], True, "usual"),
        ([FREE, PLAIN], [], True, "free plain"),
        ([FREE, PAID, BOTH], ["!paid"], True, "free"),
        ([FREE, PAID, BOTH], ["&paid"], True, "paid both"),
        ([FREE, PAID, BOTH], ["free", "!paid"], True, "free"),
        ([PAID, USUAL], ["&free"], True, ""),
    ],
)
def test_who_is_for_a_request(members: list[Member], tags: list[str], match_any: bool, names: str) -> None:
    found = tagged(cast(list[Deployment], members), tags, match_any)
    assert " ".join(cast(list[Member], found)[at].name for at in range(len(found))) == names


def answer(text: str) -> Provider:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return Provider().at(
        "/chat/completions", {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}
    )


async def test_a_gateway_routes_by_the_tags_of_body_metadata_and_header(tmp_path: Path) -> None:
    async with Upstream(answer("free")) as free, Upstream(answer("paid")) as paid, Upstream(answer("backup")) as backup:
        config = configuration(
            entry("m", free.port, tags=["free"]),
            entry("m", paid.port, tags=["paid", "default"]),
            entry("b", backup.port),
            router={"enable_tag_filtering": True},
        )
        async with accounted(config, tmp_path) as gateway:

            async def text(headers: dict[str, str] | None = None, **fields: object) -> str:
                answered = await gateway.send("POST", CHAT, ask(**fields), headers)
                said: str = answered.json()["choices"][0]["message"]["content"]
                return said

            for _ in range(4):
                assert await text(tags=["free"]) == "free"
                assert await text(metadata={"tags": ["free"]}) == "free"
                assert await text({"x-litellm-tags": "free"}) == "free"
                assert await text() == "paid"
                assert await text(tags=["nobody"]) == "paid"
            refused = await gateway.send("POST", CHAT, ask("b", tags=["free"]))
            assert (refused.status, refused.json()["error"]["code"]) == (400, "no_deployment_for_tags")
            assert await text(model="b") == "backup"


async def test_without_the_setting_tags_choose_nobody(tmp_path: Path) -> None:
    async with Upstream(answer("one")) as one:
        async with accounted(configuration(entry("m", one.port, tags=["free"])), tmp_path) as gateway:
            answered = await gateway.send("POST", CHAT, ask(tags=["other"]))
    assert answered.status == 200


async def test_models_that_a_pattern_makes_are_chosen_by_their_tags_too(tmp_path: Path) -> None:
    async with Upstream(answer("any")) as any_:
        everything = entry("openai/*", any_.port, tags=["free"])
        everything["litellm_params"]["model"] = "openai/*"
        config = configuration(everything, router={"enable_tag_filtering": True})
        async with accounted(config, tmp_path) as gateway:
            answered = await gateway.send("POST", CHAT, ask("openai/gpt-x", tags=["free"]))
            refused = await gateway.send("POST", CHAT, ask("openai/gpt-x", tags=["paid"]))
    assert (answered.status, refused.status) == (200, 400)


async def test_a_router_in_python_is_told_the_tags_of_a_call() -> None:
    async with Upstream(answer("free")) as free, Upstream(answer("usual")) as usual:
        listed = [entry("m", free.port, tags=["free"]), entry("m", usual.port, tags=["default"])]
        router = Router(listed, enable_tag_filtering=True)
        ask_it = [{"role": "user", "content": "hi"}]
        for said, text in (({"tags": ["free"]}, "free"), ({"metadata": {"tags": ["free"]}}, "free"), ({}, "usual")):
            made = await router.acompletion("m", ask_it, **said)
            assert made.choices[0].message.content == text
