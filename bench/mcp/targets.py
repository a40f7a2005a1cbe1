"""Who stands in front of the server."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Protocol

import msgspec

from bench import ask
from bench.targets.litellm import LiteLLM
from bench.targets.target import cache_directory, new_key

PROXY = """
import sys
from fastmcp.server import create_proxy
proxy = create_proxy(f"http://127.0.0.1:{sys.argv[2]}/mcp")
proxy.run("http", host="127.0.0.1", port=int(sys.argv[1]), show_banner=False)
"""


PRICE_NANOUSD = 1_000_000
"""Of a call, where there is a ledger."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How one is started, and how a tool is called through it. `modern`: in the era of 2026-07-28, without a session.
    `home`: where its ledger is."""

    argv: list[str]
    path: str = "/mcp"
    prefix: str = ""
    key: str = ""
    modern: bool = True
    env: dict[str, str] = {}
    home: Path | None = None
    start_within_s: float = 20.0


class Target(Protocol):
    name: str
    about: str

    def missing(self) -> str | None: ...
    def way(self, port: int, upstream: int, directory: Path) -> Way: ...
    def ready(self, port: int, way: Way) -> Way:
        """When it runs: with the key that is to call."""


class Direct:
    name = "direct"
    about = "the server alone"

    def missing(self) -> str | None:
        return None

    def way(self, port: int, upstream: int, directory: Path) -> Way:
        return Way(argv=[sys.executable, "-m", "bench.mcp.server", str(port)])

    def ready(self, port: int, way: Way) -> Way:
        return way


class Relay(Direct):
    name = "relay"
    about = "bench/mcp/relay.py: key, allowed names, own name, a line for each call; nothing else"

    def way(self, port: int, upstream: int, directory: Path) -> Way:
        key = new_key()
        argv = [sys.executable, "-m", "bench.mcp.relay", str(port), str(upstream), key]
        return Way(argv=argv, key=key, prefix="up-")


class Tollbridge(Direct):
    name = "tollbridge"
    about = (
        "tollbridge serve: a key with rights, budget and limits; a price for each call; journal, ledger, log, metrics"
    )

    def way(self, port: int, upstream: int, directory: Path) -> Way:
        key = new_key()
        server = {
            "url": f"http://127.0.0.1:{upstream}/mcp",
            "mcp_info": {"mcp_server_cost_info": {"default_cost_per_query": PRICE_NANOUSD / 1e9}},
        }
        config = directory / "tollbridge.yaml"
        config.write_text(json.dumps({"mcp_servers": {"up": server}, "general_settings": {"master_key": key}}))
        argv = [str(Path(sys.executable).with_name("tollbridge")), "serve", "--config", str(config)]
        argv += ["--host", "127.0.0.1", "--port", str(port), "--log", str(directory / "requests.log")]
        home = directory / "state"
        return Way(argv=argv, path="/mcp/up", key=key, env={"TOLLBRIDGE_HOME": str(home)}, home=home)

    def ready(self, port: int, way: Way) -> Way:
        wanted = {
            **{"max_budget": 1e6, "rpm_limit": 10**9, "tpm_limit": 10**12, "max_parallel_requests": 10_000},
            "object_permission": {"mcp_servers": ["up"]},
        }
        body = json.dumps(wanted).encode()
        status, told = ask.post(port, "/key/generate", {"authorization": f"Bearer {way.key}"}, body)
        if status != 200:
            raise RuntimeError(f"no key was made: {status} {told[:200]!r}")
        return msgspec.structs.replace(way, key=json.loads(told)["key"])


class FastMcp(Direct):
    name = "fastmcp"
    about = "FastMCP's proxy: no keys, no ledger"

    def __init__(self) -> None:
        self._python = cache_directory("fastmcp") / "bin/python"

    def missing(self) -> str | None:
        return None if self._python.exists() or _installed(self._python, "fastmcp") else "fastmcp cannot be installed"

    def way(self, port: int, upstream: int, directory: Path) -> Way:
        return Way(argv=[str(self._python), "-c", PROXY, str(port), str(upstream)], modern=False)


class LiteLlm(Direct):
    name = "litellm"
    about = "LiteLLM's MCP gateway, no database"

    def __init__(self) -> None:
        self._program = cache_directory("litellm") / "bin/litellm"

    def missing(self) -> str | None:
        LiteLLM().prepare()
        return LiteLLM().missing()

    def way(self, port: int, upstream: int, directory: Path) -> Way:
        key = new_key()
        servers = {"up": {"url": f"http://127.0.0.1:{upstream}/mcp", "transport": "http"}}
        config = directory / "litellm.yaml"
        config.write_text(json.dumps({"mcp_servers": servers, "general_settings": {"master_key": key}}))
        argv = [str(self._program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
        return Way(argv=argv, path="/mcp/", prefix="up-", key=key, modern=False, env=env, start_within_s=90.0)


def _installed(python: Path, package: str) -> bool:
    print(f"bench: installing {package} ...", file=sys.stderr)
    venv.create(python.parents[1], with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", package], check=False)
    return subprocess.run([python, "-c", f"import {package}"], check=False).returncode == 0


TARGETS: dict[str, Target] = {target.name: target for target in (Direct(), Relay(), Tollbridge(), FastMcp(), LiteLlm())}
DEFAULT = ("direct", "relay", "tollbridge")
