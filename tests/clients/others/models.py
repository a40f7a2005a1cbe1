"""SDKs and frameworks through `tollbridge serve`, against replayed vendors.

Each client is a small program beside this file, in its own language and environment; all are asked the same cases and
tell what their own objects hold (`node/cases.mjs` and `python/cases.py` have the shapes). That is compared with the
recording, read in the plainest way (`tests/clients/said.py`). A case is a model of the gateway: a vendor's recorded
answer, or two of them one after the other, where a tool's result is sent back.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.clients.asked import QUESTION
from tests.clients.others.programs import (
    HERE,
    NODE,
    Outcome,
    node,
    npm_installed,
    npm_version,
    python,
    python_version,
)
from tests.clients.running import (
    KEY,
    PROVIDER_KEY,
    Upstream,
    chat_entries,
    gemini_entries,
    messages_entries,
    replaying,
    responses_entries,
    serving,
)
from tests.clients.said import Said, of, recording

PATIENCE_S = 120
VENDORS = ("openai", "anthropic", "gemini")
KINDS = ("text", "tool", "loop")
RESULT = "12 degrees and rain"
SCHEMA_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}


class Client(msgspec.Struct, frozen=True):
    """`package`: what is tried; `argument`: handed to the program, where it is a package's name that is tried with it.
    `environment`: of a Python client. `speaks`: the dialect. `kinds`: what it can be asked."""

    package: str
    program: str
    speaks: str
    argument: str = ""
    environment: str = ""
    kinds: Sequence[str] = KINDS

    @property
    def packages(self) -> list[str]:
        return list(dict.fromkeys([self.package, self.argument if self.argument.startswith("@") else self.package]))

    @property
    def installed(self) -> bool:
        if self.environment:
            return python(self.environment).exists()
        return all(npm_installed(NODE, package) for package in self.packages)

    def recorded(self, vendor: str) -> str:
        """Which of a vendor's recordings answer it: OpenAI is asked for a response where the client asks for one."""
        return RESPONSES if (vendor, self.speaks) == ("openai", RESPONSES) else vendor

    def command(self) -> list[str]:
        arguments = [self.argument, self.speaks] if self.argument else []
        if self.environment:
            return [str(python(self.environment)), str(HERE / "python" / self.program), *arguments]
        return [node(NODE), str(NODE / self.program), *arguments]

    def versions(self) -> str:
        if self.environment:
            return python_version(self.environment, self.package)
        return ", ".join(npm_version(NODE, package) for package in self.packages)


CHAT, MESSAGES, RESPONSES, GEMINI = "chat", "messages", "responses", "gemini"
TOOL_ALONE = ("tool",)
CLIENTS = (
    Client("openai", "use_openai.mjs", CHAT),
    Client("@anthropic-ai/sdk", "use_anthropic.mjs", MESSAGES),
    Client("ai", "use_ai.mjs", CHAT, "@ai-sdk/openai"),
    Client("ai", "use_ai.mjs", CHAT, "@ai-sdk/openai-compatible"),
    Client("ai", "use_ai.mjs", MESSAGES, "@ai-sdk/anthropic"),
    Client("ai", "use_ai.mjs", RESPONSES, "@ai-sdk/openai"),
    Client("ai", "use_ai.mjs", GEMINI, "@ai-sdk/google"),
    Client("@google/genai", "use_google.mjs", GEMINI),
    Client("@langchain/openai", "use_langchain.mjs", CHAT, "@langchain/openai"),
    Client("@langchain/anthropic", "use_langchain.mjs", MESSAGES, "@langchain/anthropic"),
    Client("litellm", "use_litellm.py", CHAT, "openai", "litellm"),
    Client("litellm", "use_litellm.py", MESSAGES, "anthropic", "litellm"),
    Client("pydantic-ai-slim", "use_pydantic_ai.py", CHAT, "openai", "pydantic_ai"),
    Client("pydantic-ai-slim", "use_pydantic_ai.py", MESSAGES, "anthropic", "pydantic_ai"),
    Client("instructor", "use_instructor.py", CHAT, "openai", "instructor", TOOL_ALONE),
    Client("instructor", "use_instructor.py", MESSAGES, "anthropic", "instructor", TOOL_ALONE),
    Client("openai-agents", "use_openai_agents.py", CHAT, "chat", "openai_agents"),
    Client("openai-agents", "use_openai_agents.py", RESPONSES, "responses", "openai_agents"),
    Client("langchain-google-genai", "use_langchain_google.py", GEMINI, "", "langchain_google"),
    Client("llama-index-llms-openai-like", "use_llama_index.py", CHAT, "openai", "llama_index"),
    Client("llama-index-llms-anthropic", "use_llama_index.py", MESSAGES, "anthropic", "llama_index"),
)


class Case(msgspec.Struct, frozen=True):
    """`recorded`: a vendor, or `responses` for OpenAI's other format. `ids`: the recordings that answer, in order.
    `said`: what the client must hold at the end; `calls` are those of the first answer."""

    name: str
    recorded: str
    kind: str
    stream: bool
    ids: Sequence[str]
    said: Said
    calls: Sequence[tuple[str, Any]]

    def asked(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "model": f"recorded-{self.name}",
            "stream": self.stream,
            "loop": self.kind == "loop",
            "tool": self._tool(),
        }

    def _tool(self) -> dict[str, Any] | None:
        """The tool that the recorded model calls, as its arguments show it."""
        if not self.calls:
            return None
        name, arguments = self.calls[0]
        properties = {field: {"type": SCHEMA_TYPES[type(value)]} for field, value in arguments.items()}
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        return {"name": name, "description": f"Answers as {name} would", "schema": schema, "result": RESULT}

    def deployment(self, replay: str) -> dict[str, Any]:
        place = "r" if len(self.ids) == 1 else "seq"
        vendor = "openai" if self.recorded == RESPONSES else self.recorded
        base = f"{replay}/{place}/{','.join(self.ids)}" + ("/v1" if vendor == "openai" else "")
        said: dict[str, Any] = {
            "model": f"{vendor}/recorded",
            "api_base": base,
            "api_key": PROVIDER_KEY,
            "max_retries": 0,
        }
        said |= {"input_cost_per_token": 0, "output_cost_per_token": 0}  # else the gateway warns that it knows no price
        return {"model_name": f"recorded-{self.name}", "litellm_params": said}

    def judge(self, told: dict[str, Any], captures: Sequence[dict[str, Any]]) -> str | None:
        """What is wrong; None where nothing is. `captures`: what the vendors were asked meanwhile."""
        if "error" in told:
            return str(told["error"])[:300]
        asked = [(capture["id"], json.dumps(capture["body"])) for capture in captures]
        if self.kind != "text" and not any(id == self.ids[0] and self.calls[0][0] in body for id, body in asked):
            return "the tool did not reach the vendor"
        if self.kind == "loop" and not any(id == self.ids[-1] and RESULT in body for id, body in asked):
            return "the tool's result did not reach the vendor"
        if [tuple(call) for call in told["calls"]] != list(self.calls):
            return f"calls {told['calls']}, not {self.calls}"
        if self.kind != "tool" and told["text"] != self.said.text:
            return f"text {told['text'][:80]!r}, not {self.said.text[:80]!r}"
        return None


def cases() -> Iterator[Case]:
    recordings = {
        "openai": chat_entries(),
        "anthropic": messages_entries(),
        "gemini": gemini_entries(),
        RESPONSES: responses_entries(),
    }
    for recorded, entries in recordings.items():
        vendor = "openai" if recorded == RESPONSES else recorded
        answers = [entry for entry in entries if entry["provider"] == vendor and entry["status"] == 200]
        for stream in (False, True):
            text = _first(answers, stream, calling=False)
            tool = _first(answers, stream, calling=True)
            for kind, ids in (("text", (text,)), ("tool", (tool,)), ("loop", (tool, text))):
                first, last = of(recording(ids[0])), of(recording(ids[-1]))
                name = f"{recorded}-{kind}{'-stream' if stream else ''}"
                yield Case(name, recorded, kind, stream, ids, last, first.calls)


def _first(answers: Sequence[dict[str, Any]], stream: bool, *, calling: bool) -> str:
    """The first recording that says text and nothing else, or calls one tool with plain arguments."""
    for entry in answers:
        odd = {"server_tools", "structured_output", "thinking", "citations", "n_choices", "truncated", "json_mode"}
        if bool(entry["stream_format"]) != stream or odd & set(entry["features"]) or "stop" in entry["features"]:
            continue
        if entry["endpoint"] == "messages.count_tokens":
            continue
        said = of(recording(entry["id"]))
        if calling and len(said.calls) == 1 and isinstance(said.calls[0][1], dict) and said.calls[0][1]:
            return str(entry["id"])
        if not calling and not said.calls and said.text and said.end == "stop":
            return str(entry["id"])
    raise LookupError(f"no recording with calling={calling}, stream={stream}")


def ask(client: Client, wanted: Sequence[Case], url: str, replay: Upstream) -> dict[str, str | None]:
    """Case -> what is wrong with it, or None."""
    replay.forget()  # sequences begin anew
    asked = {"url": url, "key": KEY, "question": QUESTION, "cases": [case.asked() for case in wanted]}
    try:
        done = subprocess.run(
            client.command(), input=json.dumps(asked), capture_output=True, text=True, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return {case.name: f"no answer within {PATIENCE_S} s" for case in wanted}
    told = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            answer = json.loads(line)
            told[answer["name"]] = answer
    captures = replay.captures()
    last_words = (done.stderr.strip().splitlines() or ["nothing"])[-1][:300]
    return {
        case.name: case.judge(told.get(case.name, {"error": f"it ended without an answer: {last_words}"}), captures)
        for case in wanted
    }


def cell(client: Client, vendor: str, results: dict[str, str | None]) -> str:
    """What works, in the words of the table."""
    words = []
    for kind in client.kinds:
        ways = [way for way in ("", "-stream") if results[f"{client.recorded(vendor)}-{kind}{way}"] is None]
        works = {2: "", 1: f" ({'stream' if ways == ['-stream'] else 'whole'} alone)"}.get(len(ways), ": no")
        words.append({"text": "text", "tool": "tools", "loop": "results back"}[kind] + works)
    return ", ".join(words)


def run(only: str) -> Outcome:
    """All clients whose name or format holds `only`."""
    chosen = [client for client in CLIENTS if only in f"{client.packages} {client.speaks} {client.program}"]
    outcome = Outcome(["client", "version", "speaks", "OpenAI's recordings", "Anthropic's", "Gemini's"])
    outcome.missing = [client.package for client in chosen if not client.installed]
    present = [client for client in chosen if client.installed]
    if not present:
        return outcome
    every = list(cases())
    with replaying() as replay, tempfile.TemporaryDirectory() as directory:
        models = [case.deployment(replay.url) for case in every]
        text = json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})
        with serving(text, Path(directory)) as url:
            for client in present:
                recorded = [client.recorded(vendor) for vendor in VENDORS]
                wanted = [case for case in every if case.kind in client.kinds and case.recorded in recorded]
                results = ask(client, wanted, url, replay)
                outcome.asked += len(results)
                outcome.wrong += [
                    f"{client.package} ({client.speaks}), {name}: {problem}"
                    for name, problem in results.items()
                    if problem is not None
                ]
                cells = [cell(client, vendor, results) for vendor in VENDORS]
                outcome.rows.append([" with ".join(client.packages), client.versions(), client.speaks, *cells])
    return outcome
