"""`tollbridge.MCPClient`: servers' tools for a program without async."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tollbridge

SERVER = Path(__file__).resolve().parents[2] / "examples/customer_service/server.py"
COMMAND = [sys.executable, str(SERVER)]
NAMES = {"get_recent_customers", "create_support_ticket", "calculate_account_value"}


def test_a_server_that_a_file_names_is_connected_and_its_tools_are_given_to_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    servers = {"tools-server": {"command": COMMAND[0], "args": COMMAND[1:]}}
    Path("mcp.json").write_text(json.dumps({"mcpServers": servers}))
    with tollbridge.MCPClient() as client:
        client.connect("tools-server")
        assert {tool.name for tool in client.list_tools()} == NAMES
        assert all(tool.inputSchema["type"] == "object" for tool in client.list_tools())
        messages = [{"role": "user", "content": "Use the tools: calculate_account_value of C-1001"}]
        message = tollbridge.completion("demo/any", messages, tools=client.get_tool_schemas()).choices[0].message
        told = client.call_openai_tool(message.tool_calls[0])
        assert "523.75" in told["content"]
        assert told["tool_call_id"] == message.tool_calls[0].id
        assert "Ingrid Solberg" in client.read_resource("customer://C-1001")[0]["text"]
        assert client.get_prompt("customer_service_response", {"customer_name": "Ada", "issue": "late"})[0]["content"]


def test_more_servers_join_and_one_that_cannot_be_reached_leaves_the_others_as_they_were() -> None:
    with tollbridge.MCPClient() as client:
        client.connect({"server_name": "one", "command": COMMAND[0], "args": COMMAND[1:]})
        client.connect({"server_name": "two", "command": COMMAND[0], "args": COMMAND[1:]})
        names = [tool.name for tool in client.list_tools()]
        assert {name for name in names if not name.startswith("two_")} == NAMES
        assert {name for name in names if name.startswith("two_")} == {f"two_{name}" for name in NAMES}
        with pytest.raises(tollbridge.APIConnectionError, match="three"):
            client.connect({"server_name": "three", "command": "/bin/false"})
        assert [tool.name for tool in client.list_tools()] == names
        assert "Ingrid" in json.dumps(client.call_tool("two_get_recent_customers").content)


def test_what_cannot_be_connected_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    client = tollbridge.MCPClient()
    assert client.list_tools() == client.get_tool_schemas() == []
    with pytest.raises(tollbridge.ConfigError, match=r"no server of .mcp.json or mcp.json"):
        client.connect("nobody-knows-it")
    with pytest.raises(tollbridge.ConfigError, match="call `connect` first"):
        client.call_tool("anything")


def test_a_program_that_does_not_close_it_ends_without_a_word() -> None:
    program = (
        "import tollbridge; client = tollbridge.MCPClient()\n"
        f"client.connect({COMMAND!r})\n"
        "print(len(client.list_tools()))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
