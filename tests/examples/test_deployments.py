"""examples/deployments: each configuration starts, and what its head draws is so."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
import yaml

import tollbridge
from tests.examples.gateways import KEY, ask, serving
from tests.examples.programs import EXAMPLES, Desk

DEPLOYMENTS = EXAMPLES / "deployments"
OPEN = {"O-1", "O-3"}
METRICS = "metrics-0123456789abcdef"


def names(url: str, servers: str) -> set[str]:
    """Of the tools of these servers. Others are not started for it, which takes a while each."""

    async def listed() -> set[str]:
        async with tollbridge.tools(url, key=KEY, headers={"x-mcp-servers": servers}) as tools:
            return set(tools.names)

    return asyncio.run(listed())


def said(url: str, model: str, question: str, **more: object) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": question}], **more}
    text: str = ask(f"{url}/v1/chat/completions", body)["choices"][0]["message"]["content"]
    return text


def test_gateway_first_answers_for_each_model_and_has_tools_for_who_wants_them(tmp_path: Path) -> None:
    with serving(tmp_path, "--config", str(DEPLOYMENTS / "gateway_first.yaml")) as url:
        for model in ("assistant", "writer", "house"):
            assert "You said: Hello!" in said(url, model, "Hello!")
        (server,) = ask(f"{url}/v1/mcp/server")
        assert server["server_name"] == "customer-service"


def test_mcp_first_asks_a_model_with_the_tools_of_all_its_servers(desk: Desk) -> None:
    listed, answer = desk.run("deployments/mcp_first.py").split("\n", 1)
    assert {"create_support_ticket", "find_orders"} <= set(listed.split(", "))
    assert all(f'"id": "{order}"' in answer for order in OPEN)


def test_hybrid_makes_the_calls_for_models_of_both_kinds(tmp_path: Path) -> None:
    with serving(tmp_path, "--config", str(DEPLOYMENTS / "hybrid.yaml")) as url:
        tool: dict[str, object] = {
            "type": "mcp",
            "server_label": "all",
            "server_url": "tollbridge",
            "require_approval": "never",
        }
        tool["headers"] = {"x-mcp-servers": "warehouse"}
        for model in ("gpt-4o", "private"):
            answer = said(url, model, "Find the orders that are open.", tools=[tool])
            assert all(f'"id": "{order}"' in answer for order in OPEN)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass(frozen=True)
class Stack:
    """`front`: the gateway itself; `back`: the one with the tools; `port`: where nginx is to reach `front`."""

    front: str
    back: str
    port: int


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two of ours, as their files say; the first asks the second with a key that has no other right."""
    folder, port = DEPLOYMENTS / "behind_nginx", free_port()
    with ExitStack() as running:
        serve = running.enter_context
        back = serve(serving(tmp_path_factory.mktemp("back"), "--config", str(folder / "tools.yaml")))
        rights = {"object_permission": {"mcp_servers": ["orders", "papers"]}, "models": ["no-default-models"]}
        key = ask(f"{back}/key/generate", rights)["key"]
        environ = {"TOOLS_URL": f"{back}/mcp", "TOOLS_KEY": key, "METRICS_TOKEN": METRICS}
        arguments = ("--config", str(folder / "models.yaml"), "--port", str(port))
        serve(serving(tmp_path_factory.mktemp("front"), *arguments, **environ))
        yield Stack(f"http://127.0.0.1:{port}", back, port)


def test_a_gateway_behind_a_gateway_has_its_tools_under_nested_names(stack: Stack) -> None:
    wanted = {f"warehouse-{name}" for name in ("orders-find_orders", "papers-list_papers", "papers-read_paper")}
    until = time.monotonic() + 60
    while (found := names(f"{stack.front}/ai/mcp", "warehouse")) != wanted and time.monotonic() < until:
        time.sleep(0.5)  # servers that start slowly are left out of a list, and in the next one
    assert found == wanted
    tool = {"type": "mcp", "server_label": "w", "server_url": "tollbridge/mcp/warehouse", "require_approval": "never"}
    answer = said(f"{stack.front}/ai", "assistant", "Find the orders that are open.", tools=[tool])
    assert all(f'"id": "{order}"' in answer for order in OPEN)


def test_prometheus_reads_what_its_file_says_with_its_token(stack: Stack) -> None:
    (job,) = yaml.safe_load((DEPLOYMENTS / "behind_nginx/prometheus.yml").read_text())["scrape_configs"]
    asked = Request(stack.front + job["metrics_path"], headers={"Authorization": f"Bearer {METRICS}"})
    with urlopen(asked) as answer:
        assert b"tollbridge_requests" in answer.read()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_nginx_leads_to_the_gateway(stack: Stack, tmp_path: Path) -> None:
    port = free_port()
    text = (DEPLOYMENTS / "behind_nginx/nginx.conf").read_text()
    for old, new in {
        "127.0.0.1:8080;": f"127.0.0.1:{port};",
        "127.0.0.1:4000;": f"127.0.0.1:{stack.port};",
        "pid /tmp/tollbridge-nginx.pid": f"pid {tmp_path}/nginx.pid",
    }.items():
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    command = [str(shutil.which("nginx")), "-p", str(tmp_path), "-e", "stderr", "-c", str(file)]
    with subprocess.Popen(command) as nginx:
        try:
            url = f"http://127.0.0.1:{port}/ai"
            wait(f"{url}/healthz")
            assert "You said: Hello!" in said(url, "assistant", "Hello!")
            assert "warehouse-orders-find_orders" in names(f"{url}/mcp", "warehouse")
            with pytest.raises(HTTPError) as refused:
                urlopen(f"http://127.0.0.1:{port}/v1/models")
            assert refused.value.code == 404
            refused.value.close()
        finally:
            nginx.terminate()


def wait(url: str) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            urlopen(url).close()
            return
        except URLError:
            if time.monotonic() > until:
                raise
