"""`tollbridge chat`: a conversation on a terminal, or by lines where there is none.

The answer comes on the SDK's background loop, where MCP servers are alive also while somebody types; the terminal's
thread waits for it, and Ctrl-C there cancels it and nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import msgspec

from tollbridge.cli.chat_commands import NAMES, Desk, obey
from tollbridge.cli.chat_screen import Plain, Rich, Show, Silent
from tollbridge.cli.conversation import Conversation
from tollbridge.cli.ending import end
from tollbridge.cli.line_editor import edited_lines, unechoed
from tollbridge.cli.partner import Hooks, Turn, asking, model_of, parameters_of, partner_of
from tollbridge.cli.screen import EXTRA, has_rich, is_terminal, painted
from tollbridge.cli.turns import dollars, harmless, tokens
from tollbridge.errors import TollbridgeError
from tollbridge.home import Home
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.mcp.tools import Tools


@click.command()
@asking
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with a conversation that /save wrote.")
@click.option("--plain", is_flag=True, help="Show answers as they are written, without Markdown.")
@click.option("--no-history", is_flag=True, help="Keep none of what is typed in chat_history of the state directory.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each turn, as `run --json` has it.")
def chat(
    model: str | None,
    system: str | None,
    mcp: tuple[str, ...],
    gateway: str | None,
    key: str | None,
    max_rounds: int,
    params: tuple[str, ...],
    resume: Path | None,
    plain: bool,
    no_history: bool,
    as_json: bool,
) -> None:
    """Talk with any model, and let it use the tools of MCP servers.

    Within: /help lists what else there is, Ctrl-C ends an answer, Ctrl-D or /quit the program. Where standard input is
    no terminal, each of its lines is a turn or such a command.

    Exit codes: 0 it was left, 1 a turn of a piped conversation failed, 2 it could not begin.

    \b
    Example:
      tollbridge chat --model claude-sonnet-4-5 --mcp "python desk.py" --mcp https://example.com/mcp
      tollbridge chat --model fast --gateway http://127.0.0.1:4000 --mcp /mcp
      printf 'Hello\\n/cost\\n' | tollbridge chat --model demo/hello
    """
    try:
        partner = partner_of(gateway, key)
        conversation = Conversation(model_of(model), system) if resume is None else Conversation.resume(resume)
        if resume is not None:
            conversation.model, conversation.system = model or conversation.model, system or conversation.system
        fields = parameters_of(params)
        tools = BACKGROUND.run(_opened(Tools(*partner.sources(mcp))))
    except TollbridgeError as error:
        end(error)
    typed = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    show: Show = Silent() if as_json else Rich() if typed and has_rich() and not plain else Plain()
    talk = Talk(Desk(conversation, partner, tools), show, max_rounds, fields, typed=typed, as_json=as_json)
    try:
        if typed:
            _greet(talk.desk, plain)
            lines = edited_lines(None if no_history else Home.of(os.environ).path, NAMES)
        else:
            lines = (line.rstrip("\n") for line in sys.stdin)
        talk.run(lines)
    finally:
        BACKGROUND.run(tools.aclose())
    sys.exit(1 if talk.failed and not typed else 0)


class Talk:
    """`failed`: a turn came to nothing."""

    def __init__(
        self, desk: Desk, show: Show, max_rounds: int, fields: dict[str, Any], *, typed: bool, as_json: bool
    ) -> None:
        self.desk = desk
        self._show = show
        self._max_rounds = max_rounds
        self._fields = fields
        self._typed = typed
        self._as_json = as_json
        self.failed = False

    def run(self, lines: Iterator[str]) -> None:
        for line in lines:
            said: str | None = line.strip()
            if said is not None and said.startswith("/"):
                told = obey(self.desk, said)
                if told.says:
                    click.echo(told.says, err=self._as_json)
                if told.leave:
                    return
                self.failed = self.failed or told.wrong
                said = told.ask
            if said:
                self.turn(said)

    def turn(self, text: str) -> None:
        conversation, heard = self.desk.conversation, _Heard()
        messages = conversation.ask(text)
        hooks = Hooks(
            on_text=heard.text_to(self._show),
            on_answer=self._show.answered,
            on_call=self._show.made,
            on_progress=self._show.progressed,
        )
        self._show.begin()
        try:
            asked = self.desk.partner.ask(
                conversation.model,
                messages,
                self.desk.tools,
                hooks=hooks,
                max_rounds=self._max_rounds,
                **self._fields,
            )
            with unechoed() if self._typed else nullcontext():
                turn, whole = BACKGROUND.run(asked)
        except KeyboardInterrupt:
            self._show.end()
            conversation.interrupted(heard.text)
            self._say("interrupted; what it cost is not known", fg="yellow")
            if not self._typed:
                raise
        except TollbridgeError as error:
            self._show.end()
            self.failed = True
            self._say(f"error: {harmless(str(error))}", fg="red")
        else:
            self._show.end()
            conversation.answered(turn, whole)
            self._tell(turn)

    def _tell(self, turn: Turn) -> None:
        if self._as_json:
            click.echo(msgspec.json.encode(turn))
            return
        conversation = self.desk.conversation
        line = f"{tokens(turn.usage)}, {dollars(turn.cost_usd)}"
        if conversation.turns > 1:
            line += f"; so far {conversation.spent()}"
        self._say(line, dim=True)

    def _say(self, line: str, **style: Any) -> None:
        click.echo(painted(line, sys.stderr, **style), err=True)


class _Heard:
    """What an answer said so far."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def text_to(self, show: Show) -> Callable[[str], None]:
        def heard(piece: str) -> None:
            self._pieces.append(piece)
            show.text(piece)

        return heard

    @property
    def text(self) -> str:
        return "".join(self._pieces)


async def _opened(tools: Tools) -> Tools:
    return await tools.__aenter__()


def _greet(desk: Desk, plain: bool) -> None:
    count = len(desk.tools)
    offered = "" if not count else ", with 1 tool" if count == 1 else f", with {count} tools"
    click.echo(painted(f"{desk.conversation.model} {desk.partner.name}{offered}", sys.stdout, bold=True))
    click.echo(painted("/help lists the commands; Ctrl-C ends an answer, Ctrl-D leaves.", sys.stdout, dim=True))
    if not has_rich() and not plain:
        click.echo(
            painted(f"Answers are shown as they are written: {EXTRA} shows their Markdown.", sys.stdout, dim=True)
        )
