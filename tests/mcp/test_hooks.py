"""The operator's hook after a tool call, as LiteLLM's page shows it: beside the configuration, by LiteLLM's imports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import gateway
from tests.mcp.serving import LEGACY_STDIO
from tests.mcp.test_in_models import Model, asking
from tests.server.accounted import accounted
from tests.server.faults import CHAT, entry
from tests.transport.upstream import Upstream
from tollbridge.errors import ConfigError

HOOK = """
from typing import Optional
from litellm.integrations.custom_logger import CustomLogger
from litellm.types.mcp import MCPPostCallResponseObject


class CustomMCPCostTracker(CustomLogger):
    async def async_post_mcp_tool_call_hook(
        self, kwargs, response_obj: MCPPostCallResponseObject, start_time, end_time
    ) -> Optional[MCPPostCallResponseObject]:
        assert start_time <= end_time
        assert isinstance(kwargs["arguments"], dict)
        {body}
        return response_obj


custom_mcp_cost_tracker = CustomMCPCostTracker()
"""
COSTS = """
        response_obj.hidden_params.response_cost = 42.00 if kwargs.get("name") == "echo" else None
        response_obj.mcp_tool_call_response[0].text += " (" + kwargs["server_name"] + ")"
"""
CALL = {"name": "echo", "server_name": "desk", "arguments": {"text": "hi"}}


def config(directory: Path, body: str, port: int = 1, *, top: bool = True) -> dict[str, Any]:
    directory.mkdir(exist_ok=True)
    (directory / "custom_mcp_hook.py").write_text(HOOK.replace("{body}", body.strip()))
    said = ["custom_mcp_hook.custom_mcp_cost_tracker"]
    info = {"mcp_server_cost_info": {"default_cost_per_query": 0.01}}
    command = {"command": LEGACY_STDIO.command, "args": list(LEGACY_STDIO.args), "mcp_info": info}
    return {
        "model_list": [entry("m", port, info={"mode": "chat"})],
        "mcp_servers": {"desk": command},
        **({"callbacks": said} if top else {"litellm_settings": {"callbacks": said[0]}}),
    }


@pytest.mark.parametrize("top", [True, False], ids=["at the top", "in litellm_settings"])
async def test_a_hook_sets_the_cost_and_changes_what_the_client_is_told(tmp_path: Path, top: bool) -> None:
    async with gateway(config(tmp_path, COSTS, top=top), tmp_path) as served:
        called = await served.post("/mcp-rest/tools/call", CALL)
        [entry] = await served.entries(1)
    assert called["content"][0]["text"].endswith("hi (desk)")
    assert entry["metadata"]["tollbridge"]["cost_nanousd"] == 42 * 10**9


async def test_it_runs_for_calls_that_a_model_makes(tmp_path: Path) -> None:
    model = Model([("echo", {"text": "hi"})])
    async with Upstream(model) as upstream:
        text = json.dumps(config(tmp_path, COSTS, upstream.port))
        async with accounted(text, tmp_path) as served:
            await served.post(CHAT, asking(CHAT, streams=False))
    assert "(desk)" in str(model.asked[1]["messages"][-1]["content"])


@pytest.mark.parametrize(
    "body", ["raise RuntimeError('no')", "response_obj.mcp_tool_call_response = 7 / 0", "return 7"]
)
async def test_a_hook_that_fails_loses_neither_the_call_nor_its_cost(tmp_path: Path, body: str) -> None:
    async with gateway(config(tmp_path, body), tmp_path) as served:
        called = await served.post("/mcp-rest/tools/call", CALL)
        [entry] = await served.entries(1)
    assert called["content"][0]["text"].endswith("hi")
    assert entry["metadata"]["tollbridge"]["cost_nanousd"] == 10**7


async def test_a_hook_that_cannot_be_loaded_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    text = config(tmp_path, COSTS)
    (tmp_path / "custom_mcp_hook.py").write_text("import nothing_of_that_name")
    with pytest.raises(ConfigError, match=r"custom_mcp_hook.*nothing_of_that_name"):
        async with gateway(text, tmp_path):
            pass


@pytest.mark.parametrize("check", ["async_pre_call_hook", "async_moderation_hook", "async_post_call_success_hook"])
async def test_a_hook_that_would_check_requests_keeps_the_gateway_from_starting(tmp_path: Path, check: str) -> None:
    """S62: nothing here calls it."""
    text = config(tmp_path, COSTS)
    hook = (tmp_path / "custom_mcp_hook.py").read_text()
    checked = f"    async def {check}(self, *args, **kwargs):\n        raise ValueError\n\n\ncustom_mcp_cost"
    (tmp_path / "custom_mcp_hook.py").write_text(hook.replace("custom_mcp_cost", checked, 1))
    with pytest.raises(ConfigError, match=f"checks by `{check}`"):
        async with gateway(text, tmp_path):
            pass
