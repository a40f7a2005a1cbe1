"""How each coding agent is started in a directory that is its home too: its command, its environment, and the files
that it wants to find there. All as its own documentation tells for an address and a key of one's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.clients.others.programs import COMMANDS, UNLOCKED, node, npm_installed, npm_version, python, python_version
from tests.clients.running import KEY

PATIENCE_S = 120
Asked = Callable[[str, str, Path], dict[str, str]]
"""(address, model, directory)"""


def nothing(url: str, model: str, directory: Path) -> dict[str, str]:
    return {}


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """`formats`: of the vendors that it is tried with. `place`: where npm has it, or the name of its environment of
    Python. `files`: by their path in the directory. `tools`: whether it has any. What it says at last is on its
    standard output, before what `trailer` finds."""

    package: str
    speaks: str
    formats: Sequence[str]
    command: Callable[[str, str, Path], list[str]]
    environ: Asked = nothing
    files: Asked = nothing
    place: Path | str = COMMANDS
    tools: bool = True
    trailer: str = ""

    @property
    def installed(self) -> bool:
        return python(self.place).exists() if isinstance(self.place, str) else npm_installed(self.place, self.package)

    @property
    def version(self) -> str:
        if isinstance(self.place, str):
            return python_version(self.place, self.package)
        return npm_version(self.place, self.package)

    def ask(self, question: str, url: str, model: str, directory: Path) -> str:
        """RuntimeError with its last words where it failed."""
        for name, text in self.files(url, model, directory).items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
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
        return (re.split(self.trailer, done.stdout)[0] if self.trailer else done.stdout).strip()


def program(place: Path, path: str) -> list[str]:
    return [node(place), str(place / "node_modules" / path)]


def claude_command(url: str, model: str, directory: Path) -> list[str]:
    # npm may run no scripts of packages; so the wrapper is started, which finds the program for this machine.
    started = program(COMMANDS, "@anthropic-ai/claude-code/cli-wrapper.cjs")
    return [*started, "--model", model, "--allowedTools=Bash", "-p"]


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
    settings = [word for name, value in said.items() for word in ("-c", f'{name}="{value}"')]
    # Its sandbox needs rights of the kernel that a container may lack; all that it is told to run is one `cat`.
    alone = ["--skip-git-repo-check", "--ephemeral", "--sandbox", "danger-full-access"]
    started = [node(COMMANDS), str((COMMANDS / "node_modules/.bin/codex").resolve())]
    return [*started, "exec", *alone, *settings, "-m", model]


def codex_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"TOLLBRIDGE_KEY": KEY}


def gemini_command(url: str, model: str, directory: Path) -> list[str]:
    return [*program(COMMANDS, "@google/gemini-cli/bundle/gemini.js"), "-m", model, "--yolo", "-p"]


def gemini_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url, "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def gemini_files(url: str, model: str, directory: Path) -> dict[str, str]:
    return {".gemini/settings.json": json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})}


def qwen_command(url: str, model: str, directory: Path) -> list[str]:
    return [*program(UNLOCKED, "@qwen-code/qwen-code/cli-entry.js"), "--auth-type", "openai", "--yolo", "-p"]


def qwen_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": model}


def opencode_command(url: str, model: str, directory: Path) -> list[str]:
    # The package's own command is put there by a script, which npm may not run.
    found = sorted(UNLOCKED.glob("node_modules/opencode-*-*/bin/opencode"))
    return [str(found[0]), "run", "-m", f"tollbridge/{model}"]


def opencode_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}


def opencode_files(url: str, model: str, directory: Path) -> dict[str, str]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Tollbridge",
        "options": {"baseURL": f"{url}/v1", "apiKey": KEY},
        "models": {model: {"name": model}},
    }
    said = {"provider": {"tollbridge": provider}, "permission": "allow", "share": "disabled"}
    return {".config/opencode/opencode.json": json.dumps(said)}


def pi_command(url: str, model: str, directory: Path) -> list[str]:
    started = program(COMMANDS, "@mariozechner/pi-coding-agent/dist/cli.js")
    return [*started, "--provider", "tollbridge", "--model", model, "-p"]


def pi_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"PI_OFFLINE": "1"}


def pi_files(api: str, below: str) -> Asked:
    """`below`: what that format's base has after the address."""

    def made(url: str, model: str, directory: Path) -> dict[str, str]:
        known = [{"id": model, "reasoning": True}]
        provider = {"baseUrl": url + below, "api": api, "apiKey": KEY, "models": known}
        return {".pi/agent/models.json": json.dumps({"providers": {"tollbridge": provider}})}

    return made


def pi(speaks: str, api: str, below: str, *formats: str) -> Agent:
    return Agent(
        package="@mariozechner/pi-coding-agent",
        speaks=speaks,
        formats=formats,
        command=pi_command,
        environ=pi_environ,
        files=pi_files(api, below),
    )


def cline_command(provider: str) -> Callable[[str, str, Path], list[str]]:
    def made(url: str, model: str, directory: Path) -> list[str]:
        return [*program(UNLOCKED, "cline/bin/cline"), "-P", provider, "-m", model]

    return made


def cline_files(provider: str) -> Asked:
    """What `cline auth` writes."""

    def made(url: str, model: str, directory: Path) -> dict[str, str]:
        settings = {"provider": provider, "apiKey": KEY, "model": model, "baseUrl": f"{url}/v1"}
        kept = {"settings": settings, "updatedAt": "2026-11-28T00:00:00.000Z", "tokenSource": "manual"}
        said = {"version": 1, "lastUsedProvider": provider, "modes": {}, "providers": {provider: kept}}
        return {".cline/data/settings/providers.json": json.dumps(said)}

    return made


def cline(speaks: str, provider: str, *formats: str) -> Agent:
    return Agent(
        package="cline",
        speaks=speaks,
        formats=formats,
        command=cline_command(provider),
        files=cline_files(provider),
        place=UNLOCKED,
    )


def continue_command(url: str, model: str, directory: Path) -> list[str]:
    started = program(COMMANDS, "@continuedev/cli/dist/cn.js")
    return [*started, "--config", str(directory / "continue.yaml"), "--auto", "-p"]


def continue_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"CONTINUE_TELEMETRY_ENABLED": "0", "FORCE_NO_TTY": "true"}


def continue_files(provider: str) -> Asked:
    def made(url: str, model: str, directory: Path) -> dict[str, str]:
        one: dict[str, Any] = {
            "name": model,
            "provider": provider,
            "model": model,
            "apiBase": f"{url}/v1",
            "apiKey": KEY,
        }
        one |= {"capabilities": ["tool_use"], "roles": ["chat"]}
        said: dict[str, Any] = {"name": "tollbridge", "version": "0.0.1", "schema": "v1", "models": [one]}
        return {"continue.yaml": json.dumps(said)}  # JSON is YAML too

    return made


def continued(speaks: str, provider: str, *formats: str) -> Agent:
    return Agent(
        package="@continuedev/cli",
        speaks=speaks,
        formats=formats,
        command=continue_command,
        environ=continue_environ,
        files=continue_files(provider),
    )


LLM_TOOL = """\
def bash(command: str, description: str) -> str:
    "Run a command"
    import subprocess
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout
"""


def llm_command(url: str, model: str, directory: Path) -> list[str]:
    return [str(python("llm").with_name("llm")), "prompt", "-m", "tollbridge", "--key", KEY, "--functions", LLM_TOOL]


def llm_files(*, responses: bool) -> Asked:
    def made(url: str, model: str, directory: Path) -> dict[str, str]:
        said = {"model_id": "tollbridge", "model_name": model, "api_base": f"{url}/v1", "api_key_name": "tollbridge"}
        more: dict[str, Any] = {"supports_tools": True, "responses": responses}
        return {".config/io.datasette.llm/extra-openai-models.yaml": json.dumps([said | more])}

    return made


def llm(speaks: str, *formats: str) -> Agent:
    return Agent(
        package="llm",
        speaks=speaks,
        formats=formats,
        command=llm_command,
        files=llm_files(responses=speaks == "responses"),
        place="llm",
    )


def aider_command(url: str, model: str, directory: Path) -> list[str]:
    alone = ["--no-git", "--no-check-update", "--no-show-model-warnings", "--no-show-release-notes"]
    plain = ["--yes-always", "--analytics-disable", "--no-pretty"]
    return [str(python("aider").with_name("aider")), "--model", f"openai/{model}", *alone, *plain, "--message"]


def aider_environ(url: str, model: str, directory: Path) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_API_BASE": f"{url}/v1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


THREE = ("chat", "messages", "gemini")
FOUR = ("chat", "responses", "messages", "gemini")
AGENTS = (
    Agent(
        package="@anthropic-ai/claude-code",
        speaks="messages",
        formats=THREE,
        command=claude_command,
        environ=claude_environ,
    ),
    Agent(package="@openai/codex", speaks="responses", formats=FOUR, command=codex_command, environ=codex_environ),
    Agent(
        package="@google/gemini-cli",
        speaks="gemini",
        formats=THREE,
        command=gemini_command,
        environ=gemini_environ,
        files=gemini_files,
    ),
    Agent(
        package="@qwen-code/qwen-code",
        speaks="chat",
        formats=THREE,
        command=qwen_command,
        environ=qwen_environ,
        place=UNLOCKED,
    ),
    Agent(
        package="opencode-ai",
        speaks="chat",
        formats=THREE,
        command=opencode_command,
        environ=opencode_environ,
        files=opencode_files,
        place=UNLOCKED,
    ),
    pi("chat", "openai-completions", "/v1", *THREE),
    pi("responses", "openai-responses", "/v1", *FOUR),
    pi("messages", "anthropic-messages", "", *THREE),
    pi("gemini", "google-generative-ai", "/v1beta", *THREE),
    cline("chat", "openai-compatible", *THREE),
    cline("responses", "openai-native", *FOUR),
    cline("messages", "anthropic", *THREE),
    continued("chat", "openai", *THREE),
    continued("messages", "anthropic", *THREE),
    llm("chat", *THREE),
    llm("responses", *FOUR),
    Agent(
        package="aider-chat",
        speaks="chat",
        formats=THREE,
        command=aider_command,
        environ=aider_environ,
        place="aider",
        tools=False,
        trailer=r"\nTokens: [\d.,k]+ sent",
    ),
)
