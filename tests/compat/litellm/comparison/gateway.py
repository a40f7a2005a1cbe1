"""A gateway as a client sees it: what is asked of it over HTTP, and what it says."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.compat.litellm.comparison.case import ASK
from tests.compat.litellm.comparison.upstream import Upstream

KEY = "sk-of-the-comparison-0123456789"


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def text(self) -> Any:
        """What the model said; the status where it said nothing."""
        if self.status != 200:
            return self.status
        message = self.body["choices"][0].get("message") or {}
        return message.get("content")

    @property
    def cost(self) -> float | None:
        told = self.headers.get("x-litellm-response-cost")
        return None if told is None else float(told)


@dataclass
class Gateway:
    url: str
    upstream: Upstream
    directory: Path
    patience_s: float
    """How long to wait for what a gateway does after it answered."""

    def send(
        self,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = KEY,
    ) -> Answer:
        sent = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            sent.setdefault("authorization", f"Bearer {key}")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _read(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return _read(error.code, error.headers, error.read())

    def ask(self, model: str, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:
        return self.send("/v1/chat/completions", {"model": model, "messages": ASK, **body}, headers)

    def chunks(self, model: str, **body: Any) -> list[Any]:
        """Of a stream."""
        text = self.ask(model, stream=True, **body).body
        blocks = [line.removeprefix("data: ") for line in str(text).splitlines() if line.startswith("data: ")]
        return [json.loads(block) for block in blocks if block != "[DONE]"]


def _read(status: int, headers: Any, raw: bytes) -> Answer:
    told = {name.lower(): value for name, value in headers.items()}
    is_json = "json" in told.get("content-type", "")
    return Answer(status, told, json.loads(raw) if raw and is_json else raw.decode("utf-8", "replace"))


@dataclass
class Sheet:
    """A configuration, and a case for each key that it has. `files`: others beside it, by name."""

    name: str
    config: Callable[[Upstream], dict[str, Any]]
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    cases: dict[str, Callable[[Gateway], Any]] = field(default_factory=dict)

    def key(self, name: str) -> Callable[[Callable[[Gateway], Any]], Callable[[Gateway], Any]]:
        """`name`: the key, with its section."""

        def keep(run: Callable[[Gateway], Any]) -> Callable[[Gateway], Any]:
            if any(name in sheet.cases for sheet in SHEETS):
                raise ValueError(f"{name} has a case already")
            self.cases[name] = run
            return run

        return keep


SHEETS: list[Sheet] = []


def sheet(
    name: str,
    config: Callable[[Upstream], dict[str, Any]],
    files: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Sheet:
    made = Sheet(name, config, files or {}, environ or {})
    SHEETS.append(made)
    return made


def entry(upstream: Upstream, name: str, behaviour: str, model: str = "openai/gpt-4o", **params: Any) -> dict[str, Any]:
    """One of `model_list`. `model_info`: beside its parameters. What is None is left out."""
    info = params.pop("model_info", None)
    said = {"model": model, "api_base": upstream.url(behaviour), "api_key": "sk-case", **params}
    said = {name: value for name, value in said.items() if value is not None}
    return {"model_name": name, "litellm_params": said, **({"model_info": info} if info else {})}


def secured(config: dict[str, Any]) -> dict[str, Any]:
    """With the master key."""
    return {**config, "general_settings": {"master_key": KEY, **config.get("general_settings", {})}}
