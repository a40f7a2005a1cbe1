"""Runs the cases under one of the two programs, and writes what they saw.

    /path/to/litellm's/python -m tests.compat.litellm.comparison names litellm > .../kept/names.json
    .venv/bin/python -m tests.compat.litellm.comparison names tollbridge [the name of a case ...]

and likewise `keys`, for the keys of a configuration.

LiteLLM is wanted in an environment of its own (`pip install 'litellm[proxy]==1.109.1' mcp`), never in ours. Run from
the repository's root.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from tests.compat.litellm.comparison.case import CASES, Site, dump
from tests.compat.litellm.comparison.upstream import Upstream

CASE_MAX_S = 60
CALLBACKS = (
    *("callbacks", "success_callback", "failure_callback", "input_callback"),
    *("_async_success_callback", "_async_failure_callback"),
)
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH")


def load(program: str) -> Any:
    """`litellm`, the one or the other."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    if program == "tollbridge":
        import tollbridge.compat.litellm  # noqa: F401  # from here on `import litellm` is ours
    import litellm  # type: ignore[import-not-found]
    import litellm.experimental_mcp_client  # LiteLLM loads it when it is asked for by its full name
    import litellm.integrations.custom_logger

    litellm.suppress_debug_info = True
    return litellm


def names(program: str, wanted: Sequence[str] = ()) -> dict[str, Any]:
    """What each case saw, by its name. A case that fails gives `{"the case failed": the exception}`."""
    from tests.compat.litellm.comparison import (  # noqa: F401  # they enter themselves
        names_calls,
        names_errors,
        names_facts,
        names_mcp,
        names_router,
        names_settings,
    )

    litellm = load(program)
    found: dict[str, Any] = {}
    home = Path.cwd()
    with Upstream() as upstream, tempfile.TemporaryDirectory() as directory:
        for name, run in CASES.items():
            if wanted and name not in wanted:
                continue
            place = Path(directory, re.sub(r"\W+", "-", name))
            place.mkdir()
            os.chdir(place)
            upstream.forget()
            for callbacks in CALLBACKS:  # LiteLLM keeps one of each class's name
                setattr(litellm, callbacks, [])
            found[name] = plain(observed(lambda run=run, place=place: run(litellm, Site(upstream, place))), upstream)
        os.chdir(home)
    return found


def keys(program: str, wanted: Sequence[str] = ()) -> dict[str, Any]:
    """What each case saw of a gateway, by the key of its configuration."""
    from tests.compat.litellm.comparison import keys_models, keys_settings, serving  # noqa: F401  # likewise
    from tests.compat.litellm.comparison.gateway import SHEETS

    with tempfile.TemporaryDirectory() as directory:
        return serving.keys(program, Path(directory), SHEETS, observed, plain, wanted)


def observed(run: Callable[[], Any]) -> Any:
    try:
        with at_most(CASE_MAX_S):
            return run()
    except Exception as error:  # noqa: BLE001  # how a case failed is what it saw
        return {"the case failed": f"{type(error).__name__}: {error}".split("\n")[0][:200]}


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the case took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def plain(value: Any, upstream: Upstream) -> Any:
    """As JSON has it, without the port of this run."""
    text = json.dumps(dump(value) if hasattr(value, "model_dump") else value, default=_as_json)
    return json.loads(text.replace(str(upstream.port), "PORT"))


def _as_json(value: Any) -> Any:
    return dump(value) if hasattr(value, "model_dump") else f"<{type(value).__name__}>"


def main() -> None:
    what, program, *wanted = sys.argv[1:]
    for name in list(os.environ):
        if name not in KEPT_VARIABLES:
            del os.environ[name]
    told = os.dup(1)
    os.dup2(2, 1)  # what a program prints is none of it
    found = {"names": names, "keys": keys}[what](program, wanted)
    package = {"litellm": "litellm", "tollbridge": "tollbridge"}[program]
    written = {
        "program": f"{package} {metadata.version(package)}",
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cases": found,
    }
    with open(told, "w", encoding="utf-8") as out:
        out.write(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    os._exit(0)  # LiteLLM's threads would be waited for


if __name__ == "__main__":
    main()
