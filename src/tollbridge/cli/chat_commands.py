"""What `chat` does at a line that begins with `/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from tollbridge.cli.conversation import Conversation
from tollbridge.cli.partner import Partner
from tollbridge.cli.screen import table
from tollbridge.cli.turns import one_line, tokens
from tollbridge.errors import TollbridgeError
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.mcp.tools import Tools

SHOWN_MAX = 60


class Desk(msgspec.Struct, frozen=True):
    conversation: Conversation
    partner: Partner
    tools: Tools


class Told(msgspec.Struct, frozen=True):
    """`says`: what is shown. `ask`: what is to be asked now. `leave`: the program ends. `wrong`: it was not done."""

    says: str = ""
    ask: str | None = None
    leave: bool = False
    wrong: bool = False


def obey(desk: Desk, line: str) -> Told:
    name, _, rest = line[1:].strip().partition(" ")
    found = [one for one in COMMANDS if one == name] or [one for one in COMMANDS if name and one.startswith(name)]
    if len(found) != 1:
        near = f"; did you mean {' or '.join(f'/{one}' for one in found)}?" if found else "; /help lists what there is."
        return Told(f"There is no /{name}{near}", wrong=True)
    try:
        return COMMANDS[found[0]].do(desk, rest.strip())
    except TollbridgeError as error:
        return Told(f"error: {error}", wrong=True)
    except KeyboardInterrupt:
        return Told("interrupted", wrong=True)


def _help(desk: Desk, said: str) -> Told:
    rows = [(f"/{name} {command.takes}".rstrip(), command.does) for name, command in COMMANDS.items()]
    width = max(len(head) for head, _ in rows)
    lines = [f"{head:<{width}}  {does}" for head, does in rows]
    return Told("\n".join([*lines, "A line that ends in \\ goes on in the next. Commands may be shortened."]))


def _model(desk: Desk, said: str) -> Told:
    if said:
        desk.conversation.model = said
    return Told(f"{desk.conversation.model} {desk.partner.name}")


def _models(desk: Desk, said: str) -> Told:
    names = [name for name in BACKGROUND.run(desk.partner.models()) if said.lower() in name.lower()]
    more = [f"... and {len(names) - SHOWN_MAX} more: /models PART"] if len(names) > SHOWN_MAX else []
    return Told("\n".join([*names[:SHOWN_MAX], *more]) or "There is none.")


def _tools(desk: Desk, said: str) -> Told:
    if not len(desk.tools):
        return Told("There is no tool: /mcp adds a server's.")
    rows = [(one["name"], one_line(str(one.get("description") or ""), 100)) for one in desk.tools.listed]
    return Told(table(("TOOL", ""), rows, 2))


def _mcp(desk: Desk, said: str) -> Told:
    if not said:
        return Told("Say which: /mcp URL, a command, or a JSON file with mcpServers.", wrong=True)
    before = set(desk.tools.names)
    BACKGROUND.run(desk.tools.add(*desk.partner.sources([said])))
    added = [name for name in desk.tools.names if name not in before]
    return Told(f"Added: {', '.join(added) or 'no tool'}")


def _system(desk: Desk, said: str) -> Told:
    if said:
        desk.conversation.system = None if said == "-" else said
    return Told(desk.conversation.system or "The model is told nothing before the conversation.")


def _retry(desk: Desk, said: str) -> Told:
    again = desk.conversation.take_back()
    return Told("There is nothing to ask again.", wrong=True) if again is None else Told(ask=again)


def _clear(desk: Desk, said: str) -> Told:
    desk.conversation.clear()
    return Told("A new conversation.")


def _cost(desk: Desk, said: str) -> Told:
    talk = desk.conversation
    turns = "1 turn" if talk.turns == 1 else f"{talk.turns} turns"
    return Told(f"{turns}, {tokens(talk.usage)}, {talk.spent()}")


def _save(desk: Desk, said: str) -> Told:
    if not said:
        return Told("Say where: /save talk.json (for --resume), or talk.md to be read.", wrong=True)
    file = Path(said).expanduser()
    desk.conversation.save(file)
    return Told(f"Saved in {file}")


def _quit(desk: Desk, said: str) -> Told:
    return Told(leave=True)


class Command(msgspec.Struct, frozen=True):
    takes: str
    does: str
    do: Callable[[Desk, str], Told]


COMMANDS: Mapping[str, Command] = {
    "help": Command("", "list these", _help),
    "model": Command("[NAME]", "show who is asked, or ask another from now on", _model),
    "models": Command("[PART]", "list who could be asked", _models),
    "tools": Command("", "list the tools", _tools),
    "mcp": Command("SERVER", "add the tools of a URL, a command or a file with mcpServers", _mcp),
    "system": Command("[TEXT]", "show or set what the model is told first; - takes it away", _system),
    "retry": Command("", "ask the last question again", _retry),
    "clear": Command("", "begin a new conversation", _clear),
    "cost": Command("", "show what the conversation used and cost", _cost),
    "save": Command("FILE", "write it as JSON (for --resume), or as Markdown to a .md", _save),
    "quit": Command("", "leave", _quit),
}
NAMES = tuple(COMMANDS)
