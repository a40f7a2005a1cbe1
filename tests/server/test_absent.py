"""Each route of LiteLLM's proxy is there, or is told to be absent, with what to do instead where there is something."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests.server.accounted import accounted
from tests.shared import SHARED
from tollbridge.server.absent import ABSENT, instead_of

LISTED = SHARED / "compat/litellm-endpoints.md"
CONFIGURED = json.dumps(
    {
        "model_list": [{"model_name": "m", "litellm_params": {"model": "demo/hello"}}],
        "mcp_servers": {"desk": {"command": "true"}},
    }
)
SERVED_OF_SPEND = {
    *("/spend/logs", "/spend/logs/v2", "/spend/keys", "/spend/tags", "/spend/calculate", "/global/spend"),
    *("/global/spend/logs", "/global/spend/keys", "/global/spend/models", "/global/spend/provider"),
    *("/global/spend/tags", "/global/spend/all_tag_names", "/global/activity", "/global/activity/model"),
}


def listed() -> list[tuple[str, str]]:
    """(method, path), as an address may be."""
    found = re.findall(r"^- `([A-Z/]+)` (\S+)$", LISTED.read_text(), re.MULTILINE)
    return [
        (method, re.sub(r"<[^>]*>", "/x", re.sub(r"\{[^}]*\}", "x", path)))
        for methods, path in found
        for method in methods.split("/")
        if method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ]


@pytest.mark.skipif(not LISTED.exists(), reason="../shared/compat is not here")
async def test_each_route_of_litellms_is_there_or_says_that_it_is_not(tmp_path: Path) -> None:
    absent, there = set(), set()
    async with accounted(CONFIGURED, tmp_path) as gateway:
        await gateway.routes()
        for method, path in listed():
            answered = await gateway.send(method, path, None if method == "GET" else {})
            assert answered.status < 500, (method, path, answered.body)
            error = answered.json().get("error") if answered.status == 404 else None
            if error is None or error.get("code") != "unknown_url":
                there.add(path)
                continue
            absent.add(path)
            assert error["message"].startswith(f"There is no {path} here.{instead_of(path)}")
            assert answered.headers["content-type"] == "application/json"
    assert len(absent) > 500
    assert len(there) > 100
    assert there >= SERVED_OF_SPEND
    spend = {path for path in absent if "spend" in path.split("/") and not path.startswith(("/v1/tool", "/x/"))}
    assert spend, "some are not built"
    assert not [path for path in spend if not instead_of(path)]


@pytest.mark.parametrize(
    "path", ["/team/new", "/v1/assistants/x", "/spend/users", "/guardrails/list", "/v2/model/info"]
)
def test_an_absent_path_says_what_to_do_instead(path: str) -> None:
    assert instead_of(path).startswith(" Instead: ")
    assert "](" not in instead_of(path)


@pytest.mark.parametrize("path", ["/", "", "/nothing", "/v1/nothing/at/all", "/teams", "/v1"])
def test_of_any_other_path_nothing_is_said(path: str) -> None:
    assert instead_of(path) == ""


def test_the_longest_beginning_counts() -> None:
    assert instead_of("/global/spend/teams") != instead_of("/spend/logs/ui/x") != instead_of("/spend/anything")
    beginnings = [beginning for one in ABSENT for beginning in one.beginnings]
    assert len(beginnings) == len(set(beginnings))


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_a_long_path_is_looked_at_where_it_begins(prefix: str) -> None:
    assert instead_of(f"{prefix}/health/readiness/details" + "/a" * 30_000) == instead_of("/health/latest")
    began = time.thread_time()
    assert instead_of(prefix + "/a" * 500_000) == ""
    assert time.thread_time() - began < 1, "it grew with the square of the path: minutes"
