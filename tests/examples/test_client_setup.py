"""docs/client-setup.md: each block is what its client reads, and leads to the gateway with the key."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

import tollbridge
from tests.examples.gateways import BIN, KEY, ask, serving
from tests.examples.programs import REPOSITORY
from tests.mcp.serving import LEGACY_STDIO
from tests.shared import SHARED

PAGE = (REPOSITORY / "docs/client-setup.md").read_text()
ADDRESS = "http://127.0.0.1:4000"
VARIABLE = re.compile(r"\$\{(?:input:)?[\w-]+\}|\$\w+")
TOOL = "echo"


def section(client: str, language: str) -> list[str]:
    (found,) = re.findall(rf"^## {client}\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)
    return re.findall(rf"^```{language}\n(.*?)^```", found, re.S | re.M)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("setup")
    desk = {**LEGACY_STDIO.configured(), "access_groups": ["dev_group"], "allowed_tools": [TOOL]}
    models = [{"model_name": "*", "litellm_params": {"model": "demo/*"}}]
    (place / "config.yaml").write_text(json.dumps({"model_list": models, "mcp_servers": {"desk": desk}}))
    with serving(place, "--config", str(place / "config.yaml")) as url:
        yield url


def filled(text: str, gateway: str) -> str:
    """As the client takes it: with the gateway's address, and the key where a variable stands."""
    assert ADDRESS in text
    return VARIABLE.sub(KEY, text.replace(ADDRESS, gateway))


def tools(url: str, headers: dict[str, str]) -> set[str]:
    async def listed() -> set[str]:
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return {tool.name for tool in (await client.list_tools()).tools}

    return asyncio.run(listed())


@pytest.mark.parametrize(
    ("client", "servers"), [("Claude Code", "mcpServers"), ("Cursor", "mcpServers"), ("VS Code", "servers")]
)
def test_a_client_of_tools_reaches_them_as_its_file_says(client: str, servers: str, gateway: str) -> None:
    (text,) = section(client, "json")
    (server,) = json.loads(filled(text, gateway))[servers].values()
    assert server.get("type", "http") == "http"
    assert tools(server["url"], server["headers"]) == {TOOL}
    wrong = {name: value.replace(KEY, "sk-tb-wrong") for name, value in server["headers"].items()}
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(server["url"], b"{}", wrong))
    refused.value.close()
    assert refused.value.code == 401


def test_codex_reaches_models_and_tools_as_its_file_says(gateway: str) -> None:
    whole, grouped = (tomllib.loads(filled(text, gateway)) for text in section("Codex", "toml"))
    provider = whole["model_providers"][whole["model_provider"]]
    assert (provider["env_key"], provider["wire_api"]) == ("TOLLBRIDGE_KEY", "responses")
    answered = ask(f"{provider['base_url']}/responses", {"model": whole["model"], "input": "Hello!"})
    assert "You said: Hello!" in answered["output"][0]["content"][0]["text"]
    server = whole["mcp_servers"]["tollbridge"]
    assert server["bearer_token_env_var"] == "TOLLBRIDGE_KEY"
    assert tools(server["url"], {"Authorization": f"Bearer {KEY}"}) == {TOOL}
    desk = grouped["mcp_servers"]["desk"]
    from_environment = dict.fromkeys(desk["env_http_headers"], KEY)
    assert tools(desk["url"], {**desk["http_headers"], **from_environment}) == {TOOL}


def test_claude_desktop_starts_the_gateway_as_a_command(gateway: str, tmp_path: Path) -> None:
    (text,) = section("Claude Desktop", "json")
    file = tmp_path / "claude_desktop_config.json"
    said = json.loads(filled(text, gateway))
    (server,) = said["mcpServers"].values()
    server["env"]["PATH"] = str(BIN)
    file.write_text(json.dumps(said))

    async def listed() -> set[str]:
        async with tollbridge.tools(file) as found:
            return set(found.names)

    assert asyncio.run(listed()) == {TOOL}


def test_models_are_reached_by_the_variables_of_an_environment(gateway: str) -> None:
    claude, webui = (
        dict(re.findall(r"^export (\w+)=(.*)$", filled(text, gateway), re.MULTILINE))
        for client in ("Claude Code", "Open WebUI")
        for text in section(client, "sh")
    )
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": [{"role": "user", "content": "Hello!"}]}
    told = ask(f"{claude['ANTHROPIC_BASE_URL']}/v1/messages", asked, key=claude["ANTHROPIC_AUTH_TOKEN"])
    assert "You said: Hello!" in told["content"][0]["text"]
    assert ask(f"{webui['OPENAI_API_BASE_URL']}/models", key=webui["OPENAI_API_KEY"])["object"] == "list"


def test_cursors_block_is_the_published_one() -> None:
    (page,) = (SHARED / "seeds").glob("004_*.txt")
    text = page.read_text().partition("Cursor Configuration with Access Groups\n")[2]
    published, _ = json.JSONDecoder().raw_decode(text.replace("<your-litellm-proxy-base-url>", ADDRESS))
    (ours,) = section("Cursor", "json")
    assert json.loads(ours) == published
