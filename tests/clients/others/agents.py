"""Coding agents, the real programs, through `tollbridge serve`: one text from a vendor's recorded stream, and one turn
with a tool from a scripted vendor (`scripted.py`), which has a file of the agent's own directory read.

Each runs in a temporary directory that is its home too, with nothing of this environment and no login of its own.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.clients.asked import QUESTION
from tests.clients.others.models import Case, cases
from tests.clients.others.programs import COMMANDS, Outcome, node, npm_installed, npm_version
from tests.clients.others.scripted import Vendor, scripted
from tests.clients.running import KEY, PROVIDER_KEY, replaying, serving

PATIENCE_S = 120
TOOL_QUESTION = "Read proof.txt with your shell and tell me what it says."
# A vendor's format -> which recordings are in it, and its deployment.
FORMATS: dict[str, tuple[str, str]] = {
    "chat": ("openai", "openai"),
    "responses": ("responses", "openai"),
    "messages": ("anthropic", "anthropic"),
    "gemini": ("gemini", "gemini"),
}


class Agent(msgspec.Struct, frozen=True):
    """`formats`: of the vendors that it is tried with. `command` and `environ` are asked with the address, the model
    and the directory. What it says at last is on its standard output."""

    package: str
    speaks: str
    formats: Sequence[str]
    command: Callable[[str, str, Path], list[str]]
    environ: Callable[[str, str, Path], dict[str, str]]

    def ask(self, question: str, url: str, model: str, directory: Path) -> str:
        """RuntimeError with its last words where it failed."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(directory), **self.environ(url, model, directory)}
        try:
            done = subprocess.run(
                [*self.command(url, model, directory), question],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                cwd=directory,
                env=environ,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no answer within {PATIENCE_S} s") from None
        if done.returncode:
            raise RuntimeError(" ".join((done.stderr + done.stdout).split())[-400:])
        return done.stdout.strip()


def claude_command(url: str, model: str, directory: Path) -> list[str]:
    # npm may run no scripts of packages; so the wrapper is started, which finds the program for this machine.
    wrapper = COMMANDS / "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"
    return [node(COMMANDS), str(wrapper), "--model", model, "--allowedTools=Bash", "-p"]


def claude_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def codex_command(url: str, model: str, directory: Path) -> list[str]:
    said = {
        "model_provider": "tollbridge",
        "model_providers.tollbridge.name": "Tollbridge",
        "model_providers.tollbridge.base_url": f"{url}/v1",
        "model_providers.tollbridge.env_key": "TOLLBRIDGE_KEY",
        "model_providers.tollbridge.wire_api": "responses",
    }
    program = COMMANDS / "node_modules/.bin/codex"
    settings = [word for name, value in said.items() for word in ("-c", f'{name}="{value}"')]
    # Its sandbox needs rights of the kernel that a container may lack; all that it is told to run is one `cat`.
    alone = ["--skip-git-repo-check", "--ephemeral", "--sandbox", "danger-full-access"]
    return [node(COMMANDS), str(program.resolve()), "exec", *alone, *settings, "-m", model]


def codex_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"TOLLBRIDGE_KEY": KEY}


AGENTS = (
    Agent(
        "@anthropic-ai/claude-code",
        "messages",
        ("chat", "messages", "gemini"),
        claude_command,
        claude_environ,
    ),
    Agent("@openai/codex", "responses", ("chat", "responses", "messages", "gemini"), codex_command, codex_environ),
)


def deployments(replay: str, vendor: Vendor, texts: Mapping[str, Case]) -> list[dict[str, Any]]:
    """For each format `text-<format>` and `tool-<format>`."""
    found = []
    for form, (_, provider) in FORMATS.items():
        mode = {"model_info": {"mode": "chat"}} if form == "chat" else {}
        base = f"{vendor.url}/{form}" + ("/v1" if provider == "openai" else "")
        said = {"model": f"{provider}/scripted", "api_base": base, "api_key": PROVIDER_KEY, "max_retries": 0}
        said |= {"input_cost_per_token": 0, "output_cost_per_token": 0}
        found.append({"model_name": f"tool-{form}", "litellm_params": said, **mode})
        found.append({**texts[form].deployment(replay), "model_name": f"text-{form}", **mode})
    return found


def run(only: str) -> Outcome:
    """Each agent whose name or format holds `only`, or both where it is `agents`."""
    chosen = [agent for agent in AGENTS if only in f"{agent.package} {agent.speaks} agents"]
    outcome = Outcome(["agent", "version", "speaks", *FORMATS])
    outcome.missing = [agent.package for agent in chosen if not npm_installed(COMMANDS, agent.package)]
    present = [agent for agent in chosen if npm_installed(COMMANDS, agent.package)]
    if not present:
        return outcome
    streams = {case.recorded: case for case in cases() if case.kind == "text" and case.stream}
    texts = {form: streams[recorded] for form, (recorded, _) in FORMATS.items()}
    proof = secrets.token_hex(8)
    with replaying() as replay, scripted(proof) as vendor, tempfile.TemporaryDirectory() as directory:
        models = deployments(replay.url, vendor, texts)
        text = json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})
        with serving(text, Path(directory)) as url:
            for agent in present:
                cells = dict.fromkeys(FORMATS, "")
                for form in agent.formats:
                    text_problem = _try(agent, url, f"text-{form}", QUESTION, texts[form].said.text.strip(), proof)
                    tool_problem = _try(agent, url, f"tool-{form}", TOOL_QUESTION, f"Read: {proof}", proof)
                    problems = {"text": text_problem, "tools": tool_problem}
                    outcome.asked += len(problems)
                    outcome.wrong += [
                        f"{agent.package}, {kind}-{form}: {told}" for kind, told in problems.items() if told
                    ]
                    cells[form] = ", ".join(kind + (": no" if told else "") for kind, told in problems.items())
                version = npm_version(COMMANDS, agent.package)
                outcome.rows.append([agent.package, version, agent.speaks, *cells.values()])
    return outcome


def _try(agent: Agent, url: str, model: str, question: str, wanted: str, proof: str) -> str | None:
    """What is wrong; None where nothing is. The directory is the agent's alone and holds the proof."""
    with tempfile.TemporaryDirectory() as own:
        Path(own, "proof.txt").write_text(proof + "\n")
        try:
            told = agent.ask(question, url, model, Path(own))
        except RuntimeError as error:
            return str(error)
    return None if told.endswith(wanted) else f"{told[-200:]!r}, not {wanted[-200:]!r}"
