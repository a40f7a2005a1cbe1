"""The code of the published articles runs: under the shim, against the offline model behind a gateway, with a real MCP
server on stdio; and with the OpenAI SDK, against the gateway's own `/mcp`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.litellm.published import Edit, Fragment, fragment
from tests.databases import furnish

SERVER = Path(__file__).with_name("account_server.py")
TOLLBRIDGE = str(Path(sys.executable).with_name("tollbridge"))
PUT_IN = {
    'command="poetry"',
    'args=["run", "python", "src/main.py"]',
    'command="python3"',
    "./mcp_server.py",
    "http://localhost:4000",
    "http://localhost:8000",
}
"""All that is ever put in: where the server is, and where the gateway."""
QUERY = (
    "Calculate the account value for customer 67890, who has made purchases of $150, $300, $13 and $89. "
    "What is the average?"
)
OPEN = f"messages = [{json.dumps({'role': 'user', 'content': QUERY})}]\n"
CONFIG = "class Config:\n    LLM_PROVIDER = 'both'\n    OPENAI_MODEL = '{}'\n    ANTHROPIC_MODEL = '{}'\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. Every name of a model is the offline model's; one MCP server."""
    home = tmp_path_factory.mktemp("gateway")
    config = home / "config.yaml"
    models = [{"model_name": "*", "litellm_params": {"model": "demo/*"}}]
    servers = {"desk": {"command": sys.executable, "args": [str(SERVER)]}}
    config.write_text(json.dumps({"model_list": models, "mcp_servers": servers}))
    environ = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(furnish(home / "state"))}
    command = [TOLLBRIDGE, "--config", str(config), "--open", "--port", "0", "--log", "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home, env=environ) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found is not None, said
        yield found.group()
        process.terminate()


STEPS = "    "


class Bench:
    """Runs scripts in a directory of their own, by the shim."""

    def __init__(self, directory: Path, gateway: str) -> None:
        self.directory = directory
        self.gateway = gateway

    def run(self, script: str, **files: str) -> str:
        for name, text in files.items():
            (self.directory / f"{name}.py").write_text(text)
        (self.directory / "script.py").write_text(script)
        environ = {
            "PATH": os.environ["PATH"],
            "TOLLBRIDGE_HOME": str(self.directory / "state"),
            "PYTHONIOENCODING": "utf-8",
        }
        keys = ("OPENAI_API_KEY=your-key", f"OPENAI_BASE_URL={self.gateway}/v1", "ANTHROPIC_API_KEY=your-key")
        (self.directory / ".env").write_text("\n".join([*keys, f"ANTHROPIC_BASE_URL={self.gateway}", ""]))
        command = [sys.executable, "-W", "error", "-m", "tollbridge.compat.litellm", "script.py"]
        done = subprocess.run(
            command, cwd=self.directory, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{script}\n\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def bench(tmp_path: Path, gateway: str) -> Bench:
    return Bench(tmp_path, gateway)


def permitted(*fragments: Fragment) -> None:
    """Nothing was done to them but what may be."""
    for one in fragments:
        assert one.edits
        for edit in one.edits:
            match edit:
                case Edit("indented", before, after):
                    words = [word for other in one.edits if other.kind == "split" for word in (other.after,)]
                    squeezed = after.strip() if not words else re.sub(r"\s", "", after)
                    assert squeezed == (before.strip() if not words else re.sub(r"\s", "", before))
                case Edit("split", before, after):
                    assert before == after.replace(" ", "")
                case Edit("put in", before):
                    assert before in PUT_IN


def on_stdio(one: Fragment) -> Fragment:
    """With the path of a server that is there."""
    if any('command="poetry"' in line for line in one.lines):
        one.put('command="poetry"', f"command={json.dumps(sys.executable)}")
        return one.put('args=["run", "python", "src/main.py"]', f"args=[{json.dumps(str(SERVER))}]")
    return one.put('command="python3"', f"command={json.dumps(sys.executable)}").put("./mcp_server.py", str(SERVER))


@pytest.mark.parametrize(
    ("article", "last", "choose", "check", "models", "testing"),
    [
        (
            "000",
            'print(f"Loaded',
            "# Dynamically",
            "# Check if the model",
            ("gpt-4o", "claude-4-latest"),
            "Testing with",
        ),
        ("003", 'print(f"加载了', "# 根据配置", "# 检查模型", ("gpt-4.1", "claude-sonnet-4-0"), "用 "),
    ],
)
def test_two_models_in_a_row_use_the_tools_and_tell_the_accounts_value_whole_and_streamed(
    bench: Bench, article: str, last: str, choose: str, check: str, models: tuple[str, str], testing: str
) -> None:
    setup = on_stdio(fragment(article, "import asyncio", last))
    choice = fragment(article, choose, ")")
    calls = fragment(article, check, "This code" if article == "000" else "这段代码")
    calls.lines.pop()
    streamed = fragment(article, "# Stream responses" if article == "000" else "# 流式处理回复", "pass")
    script = "".join(
        (
            setup.at(0, {"def ": 0}),
            STEPS * 3 + OPEN,
            choice.at(3, {"elif": 0, "else": 0, "for model": 0}),
            STEPS * 4 + "message = response.choices[0].message\n",
            STEPS * 4 + "messages.append(message)\n",
            calls.at(4, {"# Get final": 1, "# 用工具结果": 1}),
            STEPS * 4 + "print('FINAL', final_response.choices[0].message.content)\n",
            STEPS * 4 + "print('STREAMED', end=' ')\n",
            streamed.at(4, {"# Handle": 1, "# 实时处理流式": 1}),
            STEPS * 4 + "print()\n",
            STEPS * 4 + OPEN,
            "asyncio.run(setup_litellm_mcp())\n",
        )
    )
    permitted(setup, choice, calls, streamed)
    said = bench.run(script, config=CONFIG.format(*models))
    for model in models:
        assert f"{testing}{' ' if article == '000' else ''}{model}" in said
    assert said.count("calculate_account_value") >= 2
    finals = re.findall(r"^(?:FINAL|STREAMED) .*", said, re.MULTILINE)
    assert [line.split()[0] for line in finals] == ["FINAL", "STREAMED"] * 2
    for line in finals:
        assert all(figure in line for figure in ("552.0", "138.0")), line
        assert re.search(r"count\D+4\b", line), line


HEAD = (
    "import asyncio, litellm\n"
    "litellm.model_alias_map = {'ollama/llama2': 'demo/llama2', 'ollama/mixtral': 'demo/mixtral'}\n"
    "litellm.num_retries = 0\n"
    "tools = [{'type': 'function', 'function': {'name': 'look_up', 'parameters': {'type': 'object'}}}]\n"
    "messages = [{'role': 'user', 'content': 'Good morning'}]\n"
    "query = 'Good morning'\n"
)


@pytest.mark.parametrize(
    ("article", "route", "comply", "fall", "tune", "track", "tuned"),
    [
        ("000", "# Route simple", "# Use local", "# LiteLLM can", "# Customize", "# LiteLLM tracks", "claude-3"),
        ("003", "# 把简单", "# 敏感数据", "# LiteLLM 自动处理", "# 为每个", "# LiteLLM 自动追踪", "claude-sonnet-4-0"),
    ],
)
def test_scenarios_and_patterns_run(
    bench: Bench, article: str, route: str, comply: str, fall: str, tune: str, track: str, tuned: str
) -> None:
    routed = fragment(article, route, ")")
    complied = fragment(article, comply, "model = " + ('"claude-3-opus' if article == "000" else '"claude-sonnet'))
    if article == "000":
        complied = fragment(article, comply, ")")
    fell = fragment(article, fall, "continue")
    tuning = fragment(article, tune, ")")
    tuning.lines += fragment(article, "model = select_best", ")").lines
    tracked = fragment(article, track, "print(")
    script = "".join(
        (
            HEAD,
            f"def select_best_model(query):\n    return {tuned!r}\n",
            "async def main():\n",
            STEPS + "global messages\n",
            STEPS + "for is_simple_query in (lambda text: True, lambda text: False):\n",
            STEPS * 2 + "message = 'Good morning'\n",
            routed.at(2, {"else": 0, "response": 0}),
            STEPS * 2 + "print('ROUTED', model, response.model)\n",
            STEPS + "for contains_pii in (lambda text: True, lambda text: False):\n",
            complied.at(2, {"else": 0, "# Same": 0}),
            STEPS * 2 + "print('COMPLIED', model)\n",
            STEPS + "litellm.model_alias_map['gpt-4'] = litellm.model_alias_map['gpt-4.1'] = 'demo/error-503'\n",
            fell.at(1, {"except": 1}),
            STEPS + "print('FELL TO', model)\n",
            tuning.at(1),
            STEPS + "print('TUNED', config)\n",
            STEPS + "model = 'gpt-4o'\n",
            tracked.at(1),
            "asyncio.run(main())\n",
        )
    )
    permitted(routed, complied, fell, tuning, tracked)
    said = bench.run(script)
    cheap, able = ("gpt-3.5-turbo", "gpt-4") if article == "000" else ("gpt-4.1-mini", "gpt-4.1")
    assert f"ROUTED {cheap} {cheap}\nROUTED {able} {able}\n" in said
    assert "COMPLIED ollama/llama2\nCOMPLIED claude-" in said
    assert f"{able}" in said.partition("FELL TO")[0]
    assert "FELL TO claude-" in said
    assert "TUNED {'temperature': 0.5, 'max_tokens': 4000}" in said
    assert re.search(r"[$]\d+\.\d{4}$", said.strip())


INSIDE = {"server_params": 0, "async with": 0, "async with ClientSession": 1}


def both(*fragments: Fragment) -> str:
    """One after the other, each with the names that it leaves open."""
    mains = [f"async def main():\n{one.at(1, INSIDE)}asyncio.run(main())\n" for one in fragments]
    return "import asyncio, json\n" + "print('AND THEN')\n".join(mains)


@pytest.mark.parametrize(("article", "lists", "calls"), [("002", 1, 3), ("004", 1, 2)])
def test_the_bridge_of_the_documentation_runs_with_the_sdk(bench: Bench, article: str, lists: int, calls: int) -> None:
    """Listing the tools and asking; then also calling the tool and asking again."""
    listing = on_stdio(fragment(article, "# Create server parameters", 'print("LLM RESPONSE', lists))
    calling = on_stdio(fragment(article, "# Create server parameters", '"FINAL LLM', calls))
    calling.lines.append(")")
    script = both(listing, calling)
    permitted(listing, calling)
    asked, then = bench.run(script).split("AND THEN")
    for said in (asked, then):
        assert '"name": "add"' in said.partition("LLM RESPONSE: ")[2]
        assert '"arguments": "{\\"a\\":3,\\"b\\":5}"' in said
    assert "The tool answered: 8" in then.partition("FINAL LLM RESPONSE: ")[2]


def test_the_bridge_runs_with_the_openai_sdk_and_the_gateway(bench: Bench, gateway: str) -> None:
    listing = on_stdio(fragment("002", "# Create server parameters", 'print("LLM RESPONSE', 2))
    listing.put("http://localhost:4000", gateway)
    calling = on_stdio(fragment("002", "# Create server parameters", 'print("FINAL', 4))
    calling.put("http://localhost:8000", gateway)
    script = both(listing, calling)
    permitted(listing, calling)
    asked, then = bench.run(script).split("AND THEN")
    for said in (asked, then):
        assert "name='add'" in said.partition("LLM RESPONSE: ")[2]
    assert "The tool answered: 8" in then.partition("FINAL RESPONSE: ")[2]


OVER_HTTP = {
    "sse_client": ("from mcp.client.sse import sse_client", "sse_client("),
    "streamable_http": (
        "from mcp.client.streamable_http import streamable_http_client",
        "streamable_http_client(",
    ),
}


@pytest.mark.parametrize("transport", OVER_HTTP)
def test_the_gateways_own_tools_are_listed_and_called_over_http(bench: Bench, gateway: str, transport: str) -> None:
    """As it is published over `sse_client`; the same over Streamable HTTP."""
    one = fragment("002", "import asyncio", "asyncio.run(main())").put("http://localhost:4000", gateway)
    script = one.at(0, {"async def": 0, "async with ClientSession": 2, "# Run it": 0})
    permitted(one)
    imported, opened = OVER_HTTP[transport]
    script = script.replace(OVER_HTTP["sse_client"][0], imported).replace("with sse_client(", f"with {opened}")
    said = bench.run(script)
    assert "send_email" in said.partition("Result:")[0]
    result = said.partition("Result:")[2]
    assert "sent: " in result
    assert "is_error=False" in result
