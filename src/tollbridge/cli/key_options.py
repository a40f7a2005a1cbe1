"""What stands on the command line about a key: which is meant, and what it may do, in the HTTP routes' words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
import msgspec

from tollbridge.admin.key_names import STDIN
from tollbridge.cli.texts import TEXT
from tollbridge.model.json import JsonObject

MODELS, ALIASES, ESTIMATES = "models", "aliases", "default_estimated_output_tokens_per_model"
SERVERS, GROUPS, TOOLS = "mcp_servers", "mcp_access_groups", "mcp_tool_permissions"
_WISHES: tuple[tuple[str, str, Any, str], ...] = (
    ("--alias", "key_alias", TEXT, "A name for people, there once: team-a."),
    ("--model", MODELS, TEXT, "A model or a pattern (openai/*) that it may ask for; may be repeated. None: all."),
    ("--model-alias", ALIASES, TEXT, "NAME=MODEL: what NAME means for this key; may be repeated."),
    (
        "--duration",
        "duration",
        TEXT,
        "Expires so long from now: 30s, 30m, 12h, 7d, 1mo; -1: never.",
    ),
    ("--max-budget", "max_budget", float, "US dollars that it may spend, as in 10 or 0.5."),
    ("--budget-duration", "budget_duration", TEXT, "The budget starts anew each 1h, 1d, 7d, 30d, 1mo (UTC)."),
    ("--rpm", "rpm_limit", int, "Requests a minute; 0 lets none in."),
    ("--tpm", "tpm_limit", int, "Tokens a minute, of prompts and answers together."),
    ("--parallel", "max_parallel_requests", int, "Requests at once."),
    (
        "--estimated-output",
        "default_estimated_output_tokens",
        int,
        "Tokens that an answer is taken to have, for --tpm, where a request sets no limit.",
    ),
    ("--estimated-output-of", ESTIMATES, TEXT, "MODEL=TOKENS: the same, of one model; may be repeated."),
    ("--mcp-server", SERVERS, TEXT, "An MCP server that it may use; may be repeated."),
    ("--mcp-group", GROUPS, TEXT, "An access group of MCP servers that it may use; may be repeated."),
    ("--mcp-tool", TOOLS, TEXT, "SERVER=TOOL: of this server these tools alone; may be repeated."),
    ("--metadata", "metadata", TEXT, "A JSON object that is kept with it, up to 16 KiB."),
)
_OPTIONS = {name: option for option, name, _, _ in _WISHES}
_PERMISSION = (SERVERS, GROUPS, TOOLS)
_MANY = (MODELS, ALIASES, ESTIMATES, *_PERMISSION)
LIFTED = {name: option for option, name, _, _ in _WISHES if name not in ("duration", "metadata", *_PERMISSION)} | {
    "object_permission": "--mcp-server, --mcp-group and --mcp-tool"
}


def read_name(said: str) -> str:
    """`-` is a line of standard input, which stands in no list of processes."""
    return from_stdin() if said == STDIN else said


def from_stdin() -> str:
    text = sys.stdin.readline().strip()
    if not text:
        raise click.UsageError("No key came on standard input.")
    return text


def wishes(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a key may do."""
    for option, name, kind, told in reversed(_WISHES):
        command = click.option(option, name, type=kind, multiple=name in _MANY, help=told)(command)
    return command


def read_wishes(said: dict[str, Any]) -> JsonObject:
    """The options as the HTTP routes' request; those that were not given say nothing."""
    body: JsonObject = {name: value for name, value in said.items() if value is not None and value != ()}
    for name, value in body.items():
        if value == "":
            lifted = f"; --no-limit {name} takes it away" if name in LIFTED else ""
            raise click.BadParameter(f"is empty, which says nothing{lifted}", param_hint=_OPTIONS[name])
    if MODELS in body:
        body[MODELS] = list(body[MODELS])
    if ALIASES in body:
        body[ALIASES] = _pairs(ALIASES, body[ALIASES], "NAME=MODEL")
    if ESTIMATES in body:
        pairs = _pairs(ESTIMATES, body[ESTIMATES], "MODEL=TOKENS")
        if not all(tokens.isascii() and tokens.isdecimal() and len(tokens) < 16 for tokens in pairs.values()):
            raise click.BadParameter("write MODEL=TOKENS, as in fast=500", param_hint=_OPTIONS[ESTIMATES])
        body[ESTIMATES] = {model: int(tokens) for model, tokens in pairs.items()}
    permission = {name: body.pop(name) for name in _PERMISSION if name in body}
    if permission:
        body["object_permission"] = _permission(permission)
    if "metadata" in body:
        try:
            body["metadata"] = msgspec.json.decode(body["metadata"])
        except msgspec.DecodeError as error:
            raise click.BadParameter(f"is no JSON: {error}", param_hint="--metadata") from error
    return body


def _permission(said: JsonObject) -> JsonObject:
    found: JsonObject = {name: list(said[name]) for name in (SERVERS, GROUPS) if name in said}
    for pair in said.get(TOOLS, ()):
        server, equals, tool = pair.partition("=")
        if not (server and equals and tool):
            raise click.BadParameter(f"{pair!r}: write SERVER=TOOL", param_hint=_OPTIONS[TOOLS])
        found.setdefault(TOOLS, {}).setdefault(server, []).append(tool)
    return found


def _pairs(name: str, said: tuple[str, ...], form: str) -> dict[str, str]:
    """A model's name may hold an equals sign; what stands before the last one is it."""
    found: dict[str, str] = {}
    for pair in said:
        left, equals, right = pair.partition("=") if name == ALIASES else pair.rpartition("=")
        if not (left and equals and right):
            raise click.BadParameter(f"{pair!r}: write {form}", param_hint=_OPTIONS[name])
        if found.setdefault(left, right) != right:
            raise click.BadParameter(f"{left!r} stands there twice", param_hint=_OPTIONS[name])
    return found
