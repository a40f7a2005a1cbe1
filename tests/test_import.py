"""The front door: lazy, small, silent. Each look is into a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tollbridge
import tollbridge.exceptions

# Never at import: what opens sockets, and what is slow to load.
_HEAVY = {
    "aiohttp",
    "asyncio",
    "click",
    "httptools",
    "openai",
    "prometheus_client",
    "pydantic",
    "requests",
    "socket",
    "ssl",
    "tiktoken",
    "uvloop",
    "yaml",
}

_PROBE = """
import json, pathlib, re, sys
# The kernel's own high-water mark of this image; getrusage's is inherited from the process that started this one.
rss = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
events = []
sys.addaudithook(lambda name, args: events.append(name) if name.startswith("socket.") else None)
before, rss_before = set(sys.modules), rss()
{program}
print(json.dumps({{"modules": sorted(set(sys.modules) - before), "sockets": events, "kB": rss() - rss_before}}))
"""


def _probe(program: str) -> dict[str, Any]:
    # -I -S: what `site` and .pth files load is not ours.
    paths = [str(Path(tollbridge.__file__).parents[1]), *(path for path in sys.path if path.endswith("site-packages"))]
    program = f"import sys; sys.path += {paths!r}" + _PROBE.format(program=program)
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_import_loads_one_file_and_opens_no_socket() -> None:
    seen = _probe("import tollbridge")
    assert seen["modules"] == ["tollbridge"]
    assert seen["sockets"] == []
    assert seen["kB"] < 40_000


def test_objects_and_exceptions_come_without_the_network_stack() -> None:
    seen = _probe("import tollbridge; tollbridge.ModelResponse, tollbridge.exceptions.Timeout")
    assert not _HEAVY & set(seen["modules"])
    assert seen["sockets"] == []


def test_a_first_mocked_completion_is_light_and_silent() -> None:
    """Everything between the caller and the network, but nothing that only the network or the server needs."""
    seen = _probe(
        "import tollbridge; "
        "r = tollbridge.completion('gpt-4o', [{'role': 'user', 'content': 'x'}], mock_response='hi'); "
        "assert r.choices[0].message.content == 'hi'"
    )
    loop_brings = {"asyncio", "socket", "ssl"}
    assert not (_HEAVY - loop_brings) & set(seen["modules"])
    ours = {name for name in seen["modules"] if name.startswith("tollbridge.")}
    assert not {"tollbridge.config", "tollbridge.observe", "tollbridge.transport.pool", "tollbridge.cli"} & ours
    assert not {name for name in ours if name.startswith("tollbridge.wires.") and name.endswith(".wire")}
    assert not [name for name in seen["sockets"] if name in ("socket.connect", "socket.bind", "socket.getaddrinfo")]
    assert seen["kB"] < 40_000


def test_every_public_name_is_there_and_at_home_where_type_checkers_look() -> None:
    for name in tollbridge.__all__:
        assert getattr(tollbridge, name) is not None, name
    assert set(tollbridge.__all__) <= set(dir(tollbridge))
    assert sorted(set(tollbridge.__all__)) == tollbridge.__all__
    text = Path(tollbridge.__file__).read_text()
    hints = text[text.index("if TYPE_CHECKING:") : text.index("__all__ = [")]
    for name in tollbridge.__all__:
        assert name in hints, name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    assert not hasattr(tollbridge, "complete")
    assert tollbridge.exceptions.Timeout is tollbridge.Timeout
    assert issubclass(tollbridge.APITimeoutError, tollbridge.Timeout)


def test_exceptions_are_all_at_the_front_door() -> None:
    for name in tollbridge.exceptions.__all__:
        assert getattr(tollbridge, name) is getattr(tollbridge.exceptions, name)


def test_star_import_gives_what_all_says() -> None:
    names: dict[str, object] = {}
    exec("from tollbridge import *", names)  # noqa: S102
    assert set(tollbridge.__all__) <= set(names)


def test_a_server_reads_nothing_of_a_task_before_it_is_asked_for_one() -> None:
    loaded = _probe("import tollbridge.assemble.gateway, tollbridge.server.app; tollbridge.assemble.gateway.WIRES")
    rooms = ("rerank", "moderations", "audio", "images", "multipart", "embeddings.cohere", "openai_completions")
    tasks = [f"tollbridge.wires.{room}" for room in rooms]
    tasks += [
        f"tollbridge.{name}" for name in ("server.tasks", "calls.task_ask", "calls.task_build", "providers.tasks")
    ]
    assert not [name for name in loaded["modules"] if name.startswith(tuple(tasks))]


_SERVING = """
import os, pathlib, tempfile
from tollbridge.cli.process import application
from tollbridge.cli.serve import read_config
from tollbridge.home import Home
from tollbridge.server.identify import MasterKey
here = pathlib.Path(tempfile.mkdtemp())
(here / "c.yaml").write_text("model_list: [{model_name: m, litellm_params: {model: openai/gpt-4o, api_key: k}}]")
config, environ = read_config(here / "c.yaml", {"HOME": str(here)}, False)
with application(config, environ, Home(here), MasterKey("k" * 40), "none"):
    pass
"""


def test_a_gateway_that_serves_a_model_loads_no_room_that_nobody_asked_for() -> None:
    loaded = set(_probe(_SERVING)["modules"])
    ours = {name for name in loaded if name.startswith("tollbridge.")}
    mcp = {name for name in ours if name.startswith(("tollbridge.mcp.", "tollbridge.assemble.mcp", "tollbridge.sdk"))}
    assert mcp == {"tollbridge.mcp.ours", "tollbridge.assemble.mcp_room"}
    assert not {name for name in ours if name.startswith("tollbridge.wires.") and name.endswith(".wire")}
    assert not {"tollbridge.assemble.hooks", "tollbridge.providers.blocking", "tollbridge.server.front_page"} & ours
    others = {"aiohttp", "asyncpg", "boto3", "http.client", "prometheus_client", "rich", "tiktoken", "urllib.request"}
    assert not (others | {"wsgiref.handlers"}) & loaded


def test_what_a_command_imports_is_not_looked_through_for_garbage() -> None:
    program = (
        "import gc, click; from tollbridge.cli import main; looked = []\n"
        "gc.callbacks.append(lambda phase, info: looked.append(info['generation']))\n"
        "main.get_command(click.Context(main), 'serve'); imported = len(looked)\n"
        "things = [[] for _ in range(2_000)]\n"
        "assert gc.isenabled() and len(looked) > imported, 'it is looked again'\n"
        "assert gc.get_freeze_count() > 10_000 > len(gc.get_objects()), 'but not there'\n"
    )
    _probe(program)
