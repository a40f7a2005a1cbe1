"""`tollbridge run`: one prompt, with or without tools; the answer and nothing else on standard output."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, NoReturn

import click

from tollbridge.cli.columns import printable
from tollbridge.cli.ending import FAILED, UNUSABLE, end
from tollbridge.cli.indented import indented
from tollbridge.cli.partner import Hooks, Partner, Turn, asking, model_of, parameters_of, partner_of
from tollbridge.cli.screen import painted
from tollbridge.cli.texts import TEXT
from tollbridge.cli.turns import cost_line, harmless, one_line, said_of
from tollbridge.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigError,
    NotFoundError,
    PermissionDeniedError,
    TollbridgeError,
)
from tollbridge.sdk.mcp.run import Made
from tollbridge.sdk.mcp.tools import Tools
from tollbridge.sdk.objects import ModelResponse

INTERRUPTED = 130
_GIVEN = (BadRequestError, AuthenticationError, PermissionDeniedError, NotFoundError)
"""What another model, key or prompt would mend."""


@click.command()
@click.argument("prompt", type=TEXT, required=False)
@asking
@click.option("--quiet", "-q", is_flag=True, help="Show no progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print answer, calls, usage and cost, as JSON.")
def run(
    prompt: str | None,
    model: str | None,
    system: str | None,
    mcp: tuple[str, ...],
    gateway: str | None,
    key: str | None,
    max_rounds: int,
    params: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Ask a model one thing and print its answer. It may call the tools of --mcp until it has one.

    PROMPT may come from standard input (or be `-`); where both are given, what is read there follows the prompt. Calls
    of tools and what it cost are told on stderr.

    Exit codes: 0 answered, 1 no answer (a provider or a tool's server that fails, too many rounds), 2 what was given
    cannot be used: no prompt, no such model, a key that is wrong or missing.

    \b
    Example:
      tollbridge run "How many customers were active this week?" --model gpt-4.1 --mcp "python desk.py"
      git diff | tollbridge run "Write a commit message" --model claude-sonnet-4-5
      tollbridge run "Hello" -m demo/hello --json | jq -r .answer
    """
    seen = _Rounds(quiet)
    try:
        partner = partner_of(gateway, key)
        name, fields = model_of(model), parameters_of(params)
        messages = [{"role": "user", "content": _prompt(prompt)}]
        if system:
            messages.insert(0, {"role": "system", "content": system})
        if partner.variable and not as_json:
            seen.say(f"asking the gateway {partner.url}, as {partner.variable} says")
        turn = asyncio.run(_asked(partner, name, messages, mcp, max_rounds, fields, seen))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except APIError as error:
        _fail(error, seen, max_rounds)
    except TollbridgeError as error:
        end(error)
    if as_json:
        click.echo(indented(turn))
    else:
        click.echo(harmless(turn.answer) if sys.stdout.isatty() else turn.answer)
        seen.say(cost_line(turn))


async def _asked(
    partner: Partner,
    model: str,
    messages: list[Any],
    mcp: tuple[str, ...],
    max_rounds: int,
    fields: dict[str, Any],
    seen: _Rounds,
) -> Turn:
    async with Tools(*partner.sources(mcp)) as tools:
        hooks = Hooks(on_answer=seen.answered, on_call=seen.made, on_progress=seen.progressed)
        turn, _ = await partner.ask(model, messages, tools, hooks=hooks, max_rounds=max_rounds, **fields)
        return turn


class _Rounds:
    """What is told on stderr, and how many rounds there were."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self.count = 0

    def answered(self, response: ModelResponse) -> None:
        self.count += 1
        message = response.choices[0].message
        if message.tool_calls and message.content:
            self.say(harmless(message.content))
        for call in message.tool_calls or ():
            self.say(f"-> {printable(str(call.function.name))} {one_line(call.function.arguments)}")

    def made(self, made: Made) -> None:
        self.say(f"<- {printable(made.name)} {said_of(made)}")

    def progressed(self, name: str, done: float, of: float | None, said: str) -> None:
        share = f"{done:g}" if of is None else f"{done:g} of {of:g}"
        self.say(f"   {printable(name)} {share} {one_line(said)}".rstrip())

    def say(self, line: str) -> None:
        if not self._quiet:
            click.echo(painted(line, sys.stderr, dim=True), err=True)


def _prompt(said: str | None) -> str:
    """Raises ConfigError."""
    piped = "" if sys.stdin.isatty() and said != "-" else sys.stdin.buffer.read().decode("utf-8", "replace").strip()
    prompt = "\n\n".join(part for part in ("" if said in (None, "-") else said, piped) if part)
    if not prompt:
        raise ConfigError("There is no prompt: give it as an argument, or on standard input.")
    return prompt


def _fail(error: APIError, seen: _Rounds, max_rounds: int) -> NoReturn:
    if seen.count >= max_rounds:
        click.echo(f"error: the model still calls tools after {max_rounds} rounds: see --max-rounds.", err=True)
        sys.exit(FAILED)
    click.echo(f"error: {error}", err=True)
    sys.exit(UNUSABLE if isinstance(error, _GIVEN) else FAILED)
