"""The Dockerfile's entry point, run with the published flags in directories laid out as the container's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.examples.gateways import ask
from tests.examples.programs import PATH, REPOSITORY
from tests.mcp.serving import LEGACY_STDIO

TEXT = (REPOSITORY / "Dockerfile").read_text()
FLAGS = ("--config", "/app/config.yaml", "--port", "4000", "--detailed_debug")
"""As the published `docker run` gives them."""
CONFIG = """
model_list:
- model_name: gpt-4o
  litellm_params:
    model: demo/gpt-4o
callbacks:
- custom_mcp_hook.hook
mcp_servers:
  {"desk": {"command": "python", "args": ["%s"]}}
"""
HOOK = """
from litellm.integrations.custom_logger import CustomLogger


class Hook(CustomLogger):
    async def async_post_mcp_tool_call_hook(self, kwargs, response_obj, start_time, end_time):
        response_obj.mcp_tool_call_response[0].text += " seen by the hook"
        return response_obj


hook = Hook()
"""


@contextmanager
def container(root: Path) -> Iterator[tuple[str, str]]:
    """Its address and what it said at its start. What is `/app` and `/state` there is below `root`."""
    (entrypoint,) = re.findall(r"^ENTRYPOINT (.*)$", TEXT, re.MULTILINE)
    environ = dict(re.findall(r"(\w+)=(\S+)", *re.findall(r"^ENV (.*)$", TEXT, re.MULTILINE)))
    (*_, workdir) = re.findall(r"^WORKDIR (\S+)$", TEXT, re.MULTILINE)
    (volume,) = re.findall(r"^VOLUME (\S+)$", TEXT, re.MULTILINE)
    assert environ["TOLLBRIDGE_HOME"] == volume
    here = {"0.0.0.0": "127.0.0.1", "4000": "0", "/app/config.yaml": f"{root}/app/config.yaml"}
    command = [here.get(word, word) for word in (*json.loads(entrypoint), *FLAGS)]
    command[0] = str(Path(sys.executable).with_name(command[0]))
    given = {**environ, "PATH": PATH, "HOME": str(root), "TOLLBRIDGE_HOME": f"{root}{volume}"}
    cwd = f"{root}{workdir}"
    with subprocess.Popen(
        command, cwd=cwd, env=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        assert run.stdout is not None
        try:
            said = "".join(iter(run.stdout.readline, "Stop with Ctrl-C.\n"))
            (url, *_) = re.findall(r"http://127\.0\.0\.1:\d+", said)
            yield url, said
        finally:
            run.terminate()


def test_flags_go_to_the_entry_point_the_key_is_in_the_log_and_the_state_on_the_volume(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/config.yaml").write_text(CONFIG % LEGACY_STDIO.args)
    (tmp_path / "app/custom_mcp_hook.py").write_text(HOOK)
    with container(tmp_path) as (url, said):
        (key,) = set(re.findall(r"sk-tb-\w+", said))
        asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
        assert ask(f"{url}/v1/chat/completions", asked, key=key)["choices"]
        called = ask(f"{url}/mcp/tools/call", {"name": "echo", "arguments": {"text": "hi"}}, key=key)
        assert called[0]["text"] == "hi seen by the hook"
    assert (tmp_path / "state/master_key").read_text().strip() == key
    assert {"pepper", "tollbridge.db"} <= {path.name for path in (tmp_path / "state").iterdir()}


def test_the_image_is_built_from_what_is_sent_and_no_more() -> None:
    sent = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert sent[0] == "*"
    for line in re.findall(r"^COPY (.*) \S+$", TEXT, re.MULTILINE):
        for name in line.split():
            assert f"!{name}" in sent
            assert (REPOSITORY / name).exists()
