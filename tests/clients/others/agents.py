"""Coding agents, the real programs, through `tollbridge serve`: one text from a vendor's recorded stream, and one turn
with a tool from a scripted vendor (`scripted.py`), which has a file of the agent's own directory read. `starting.py`
says how each is started.

Each runs in a temporary directory that is its home too, with nothing of this environment and no login of its own.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clients.asked import QUESTION
from tests.clients.others.models import Case, cases
from tests.clients.others.programs import Outcome
from tests.clients.others.scripted import Vendor, scripted
from tests.clients.others.starting import AGENTS, Agent
from tests.clients.running import PROVIDER_KEY, replaying, serving

TOOL_QUESTION = "Read proof.txt with your shell and tell me what it says."
# A vendor's format -> which recordings are in it, and its deployment.
FORMATS: dict[str, tuple[str, str]] = {
    "chat": ("openai", "openai"),
    "responses": ("responses", "openai"),
    "messages": ("anthropic", "anthropic"),
    "gemini": ("gemini", "gemini"),
}


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
    outcome.missing = list(dict.fromkeys(agent.package for agent in chosen if not agent.installed))
    present = [agent for agent in chosen if agent.installed]
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
                    said = texts[form].said.text
                    problems = {"text": _try(agent, url, f"text-{form}", QUESTION, said, proof)}
                    if agent.tools:
                        problems["tools"] = _try(agent, url, f"tool-{form}", TOOL_QUESTION, f"Read: {proof}", proof)
                    outcome.asked += len(problems)
                    outcome.wrong += [
                        f"{agent.package} ({agent.speaks}), {kind}-{form}: {told}"
                        for kind, told in problems.items()
                        if told
                    ]
                    cells[form] = ", ".join(kind + (": no" if told else "") for kind, told in problems.items())
                outcome.rows.append([agent.package, agent.version, agent.speaks, *cells.values()])
    return outcome


def _try(agent: Agent, url: str, model: str, question: str, wanted: str, proof: str) -> str | None:
    """What is wrong; None where nothing is. The directory is the agent's alone and holds the proof. Where its terminal
    breaks lines does not matter."""
    with tempfile.TemporaryDirectory() as own:
        Path(own, "proof.txt").write_text(proof + "\n")
        try:
            told = " ".join(agent.ask(question, url, model, Path(own)).split())
        except RuntimeError as error:
            return str(error)
    wanted = " ".join(wanted.split())
    return None if told.endswith(wanted) else f"{told[-200:]!r}, not {wanted[-200:]!r}"
