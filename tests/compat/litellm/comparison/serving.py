"""Starts the one or the other gateway on a configuration, and runs a sheet's cases against it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.compat.litellm.comparison.gateway import Gateway, Sheet
from tests.compat.litellm.comparison.upstream import Upstream

START_S = 180


@contextmanager
def served(program: str, sheet: Sheet, upstream: Upstream, directory: Path) -> Iterator[Gateway]:
    (directory / "config.yaml").write_text(json.dumps(sheet.config(upstream), indent=1))
    for name, text in sheet.files.items():
        (directory / name).write_text(text)
    start = {"tollbridge": _tollbridge, "litellm": _litellm}[program]
    with start(sheet, directory) as url:
        yield Gateway(url, upstream, directory, patience_s=10.0 if program == "litellm" else 0.3)


@contextmanager
def _tollbridge(sheet: Sheet, directory: Path) -> Iterator[str]:
    program = Path(sys.executable).with_name("tollbridge")
    command = [str(program), "--config", "config.yaml", "--port", "0", "--log", "none"]
    environ = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(directory / "home"), **sheet.environ}
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=directory, env=environ, **told) as process:
        assert process.stdout is not None
        try:
            said = "".join(line.decode() for line in iter(process.stdout.readline, b"Stop with Ctrl-C.\n"))
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            if found is None:
                raise RuntimeError(f"{sheet.name}: the gateway did not start")
            yield found.group()
        finally:
            process.terminate()


@contextmanager
def _litellm(sheet: Sheet, directory: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = str(Path(sys.executable).with_name("litellm"))
    command = [program, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", **sheet.environ}
    url = f"http://127.0.0.1:{port}"
    with open(directory / "log.txt", "wb") as log:
        with subprocess.Popen(command, stdout=log, stderr=log, cwd=directory, env=environ) as process:
            try:
                _wait(f"{url}/health/liveliness", process, directory / "log.txt")
                yield url
            finally:
                process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"LiteLLM's proxy did not start: {log.read_text(errors='replace')[-2000:]}")


def keys(
    program: str,
    directory: Path,
    sheets: Sequence[Sheet],
    observed: Callable[[Callable[[], Any]], Any],
    plain: Callable[[Any, Upstream], Any],
    wanted: Sequence[str],
) -> dict[str, Any]:
    """What each case saw, by its key."""
    found: dict[str, Any] = {}
    for sheet in sheets:
        cases = {name: run for name, run in sheet.cases.items() if not wanted or name in wanted}
        if not cases:
            continue
        place = directory / sheet.name
        place.mkdir()
        with Upstream() as upstream, served(program, sheet, upstream, place) as gateway:
            for name, run in cases.items():
                upstream.forget()
                found[name] = plain(observed(lambda run=run, gateway=gateway: run(gateway)), upstream)
    return found
