"""The real thing: `tollbridge serve` in a process of its own, before real answers of real providers.

Each recording of the three formats is a model of the gateway, named by its id, whose deployment is the recording's own
provider at the replay server's address. `<id>;cut=0.6` is the same with the connection closed after that part.
`MOCKED` are models of a scripted upstream that tells what it received word for word.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.databases import furnish
from tests.shared import SHARED, index

REPOSITORY = Path(__file__).resolve().parents[2]
KEY = f"sk-tb-{secrets.token_hex(16)}"
PROVIDER_KEY = f"provider-{secrets.token_hex(12)}"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+|^\d+$")
CUT = ";cut=0.6"
MOCKED = {
    "mock-chat": "openai/mock",
    "mock-messages": "anthropic/mock",
    "mock-chat-429": "openai/mock,status=429,retry_after=7",
    "mock-messages-429": "anthropic/mock,status=429,retry_after=7",
    "mock-messages-529": "anthropic/mock,status=529",
    "vendor/with/slashes": "openai/mock",
}


@contextmanager
def running(*command: str, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The address that a server tells on its first line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=dict(environ)) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline().strip()
            found = ADDRESS.search(said)
            assert found is not None, said
            yield found[0] if found[0].startswith("http") else f"http://127.0.0.1:{found[0]}"
        finally:
            process.terminate()
            process.stdout.close()


class Upstream:
    """A server that keeps what it is asked: the replay of the recordings, or the scripted mock."""

    def __init__(self, url: str) -> None:
        self.url = url

    def captures(self) -> list[dict[str, Any]]:
        with urlopen(f"{self.url}/__captures") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def last(self) -> dict[str, Any]:
        """The one request that came since `forget`."""
        found = self.captures()
        assert len(found) == 1, [(capture["path"], capture["id"]) for capture in found]
        return found[0]

    def forget(self) -> None:
        urlopen(Request(f"{self.url}/__captures", method="DELETE")).close()

    def reset(self) -> None:
        """The mock forgets what it was asked and told."""
        urlopen(f"{self.url}/__reset", data=b"{}").close()


@contextmanager
def replaying() -> Iterator[Upstream]:
    tool, recordings = SHARED / "tools/replay_server.py", SHARED / "recordings"
    with running(sys.executable, str(tool), "--root", str(recordings), "--port", "0") as url:
        yield Upstream(url)


@contextmanager
def mocking() -> Iterator[Upstream]:
    with running(sys.executable, "-m", "bench.mock_upstream", "--port", "0") as url:
        yield Upstream(url)


@contextmanager
def serving(configuration: str, directory: Path) -> Iterator[str]:
    """`tollbridge serve`, as installed, with nothing of this environment that could change it."""
    file = directory / "config.yaml"
    file.write_text(configuration)
    environ = {
        "PATH": os.environ["PATH"],
        "TOLLBRIDGE_HOME": str(furnish(directory / "home")),
        "TOLLBRIDGE_MASTER_KEY": KEY,
    }
    program = str(Path(sys.executable).with_name("tollbridge"))
    log = str(directory / "log.jsonl")
    with running(program, "serve", "--config", str(file), "--port", "0", "--log", log, environ=environ) as url:
        yield url


def chat_entries() -> list[dict[str, Any]]:
    """The recorded exchanges in OpenAI's format; Writer calls its endpoint `chat`."""
    return [
        entry
        for entry in index()
        if entry["endpoint"] == "chat.completions" or (entry["provider"], entry["endpoint"]) == ("writer", "chat")
    ]


def messages_entries() -> list[dict[str, Any]]:
    return [entry for entry in index() if entry["endpoint"] in ("messages", "messages.count_tokens")]


def responses_entries() -> list[dict[str, Any]]:
    return [entry for entry in index() if entry["endpoint"] == "responses"]


def gemini_entries() -> list[dict[str, Any]]:
    """Of Google AI Studio and of Vertex."""
    endpoints = ("generateContent", "streamGenerateContent")
    return [entry for entry in index() if entry["endpoint"] in endpoints and entry["provider"] in ("gemini", "vertex")]


def entries() -> list[dict[str, Any]]:
    """All that a deployment is made of."""
    return [*chat_entries(), *messages_entries(), *gemini_entries()]


BESIDE_CHAT = frozenset({"databricks", "snowflake"})
"""They speak a model's own format too, at addresses of their users'."""


def deployment(entry: Mapping[str, Any], replay: str, options: str = "") -> dict[str, Any]:
    provider = {"vertex": "vertex_ai"}.get(entry["provider"], entry["provider"])
    base = f"{replay}/r/{entry['id']}{options}"
    if provider not in ("anthropic", "azure", "gemini", "vertex_ai"):
        base += "/v1"
    said = {
        "model": f"{provider}/{entry['model'] or 'recorded'}",
        "api_base": base,
        "api_key": PROVIDER_KEY,
        "max_retries": 0,
    }
    if provider == "vertex_ai":
        said |= {"api_key": f"ya29.{PROVIDER_KEY}", "vertex_project": "acme", "vertex_location": "europe-west4"}
    made: dict[str, Any] = {"model_name": entry["id"] + options, "litellm_params": said}
    if entry["provider"] in BESIDE_CHAT and entry["endpoint"] == "chat.completions":
        made["model_info"] = {"mode": "chat"}  # what was recorded, whatever path is asked
    return made


def configuration(replay: str, mock: str | None = None, settings: Mapping[str, Any] | None = None) -> str:
    """JSON, which is YAML too. Nobody rests: several clients ask for the same recorded refusal."""
    models = [deployment(entry, replay) for entry in entries()]
    models += [deployment(entry, replay, CUT) for entry in entries() if entry["stream_format"]]
    models += [_mocked(mock, name, model) for name, model in MOCKED.items()] if mock else ()
    return _configuration(models, settings or {})


def configuration_of(asked: Iterable[Mapping[str, Any]], replay: str) -> str:
    """Of these exchanges alone, none of them cut: a gateway of all takes more than a second to start."""
    return _configuration([deployment(entry, replay) for entry in asked], {})


def _configuration(models: list[dict[str, Any]], settings: Mapping[str, Any]) -> str:
    return json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}, **settings})


def _mocked(url: str, name: str, model: str) -> dict[str, Any]:
    said = {"model": model, "api_base": url, "api_key": PROVIDER_KEY, "max_retries": 0}
    return {"model_name": name, "litellm_params": said}
