"""A conversation of `chat`: what was said, what it used and cost; saved to a file and gone on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tollbridge.cli.indented import indented
from tollbridge.cli.partner import Turn, Used
from tollbridge.cli.turns import dollars
from tollbridge.errors import ConfigError
from tollbridge.model.json import Json, JsonObject


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What `/save` writes and `--resume` reads; this shape is kept. `messages`: as OpenAI's chat format has them,
    without the system's. `cost_usd`: of the turns whose cost is known; `unpriced`: how many are not in it."""

    model: str
    system: str | None = None
    messages: list[JsonObject]
    turns: int = 0
    usage: Used = Used()
    cost_usd: float = 0.0
    unpriced: int = 0


class Conversation:
    def __init__(self, model: str, system: str | None = None) -> None:
        self.model = model
        self.system = system
        self.clear()

    def clear(self) -> None:
        """Begins anew, with the same model and system; the count of costs too."""
        self.messages: list[Any] = []
        self.turns = 0
        self.usage = Used()
        self.cost_usd = 0.0
        self.unpriced = 0
        self.asked: str | None = None

    def ask(self, text: str) -> list[Any]:
        """What a model is to be sent."""
        self.asked = text
        head = [{"role": "system", "content": self.system}] if self.system else []
        return [*head, *self.messages, {"role": "user", "content": text}]

    def answered(self, turn: Turn, messages: list[Any]) -> None:
        """`messages`: the whole, as it was sent and came to be."""
        self.messages = messages[1:] if self.system else messages
        self.turns += 1
        self.usage += turn.usage
        if turn.cost_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd += turn.cost_usd

    def interrupted(self, said: str) -> None:
        """What was said before stays, so that one may refer to it; of nothing said nothing stays."""
        if self.asked is not None and said.strip():
            self.messages += [{"role": "user", "content": self.asked}, {"role": "assistant", "content": said}]
        self.turns += 1
        self.unpriced += 1

    def take_back(self) -> str | None:
        """The last question, which is then not part of it any more, nor what came of it; None where there is none."""
        at = next((i for i in range(len(self.messages) - 1, -1, -1) if self.messages[i].get("role") == "user"), None)
        if at is not None and self.messages[at].get("content") == self.asked:
            del self.messages[at:]
        return self.asked

    def spent(self) -> str:
        """What it cost, in words; of turns whose cost is not known it says how many."""
        unknown = "" if not self.unpriced else f" and {self.unpriced} turn{'s' if self.unpriced > 1 else ''} unknown"
        return f"{dollars(self.cost_usd)}{unknown}"

    def saved(self) -> Saved:
        return Saved(
            model=self.model,
            system=self.system,
            messages=[_plain(message) for message in self.messages],
            turns=self.turns,
            usage=self.usage,
            cost_usd=self.cost_usd,
            unpriced=self.unpriced,
        )

    def save(self, file: Path) -> None:
        """As Markdown where the file is called so, else as JSON, from which it can be gone on. Raises ConfigError."""
        text = self._markdown() if file.suffix == ".md" else indented(self.saved())
        try:
            file.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{file} cannot be written: {error.strerror or error}.") from error

    @classmethod
    def resume(cls, file: Path) -> Conversation:
        """Raises ConfigError."""
        try:
            saved = msgspec.json.decode(file.read_bytes(), type=Saved)
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror or error}.") from error
        except msgspec.MsgspecError as error:
            raise ConfigError(f"{file} is no conversation that /save wrote: {error}.") from error
        found = cls(saved.model, saved.system)
        found.messages = list(saved.messages)
        found.turns, found.usage = saved.turns, saved.usage
        found.cost_usd, found.unpriced = saved.cost_usd, saved.unpriced
        return found

    def _markdown(self) -> str:
        lines = [f"# A conversation with {self.model}"]
        if self.system:
            lines += ["## System", self.system]
        for message in self.messages:
            if message.get("role") == "tool":
                lines += ["## Tool", f"```\n{_text(message.get('content'))}\n```"]
                continue
            lines.append(f"## {str(message.get('role')).capitalize()}")
            if message.get("content"):
                lines.append(_text(message["content"]))
            for call in message.get("tool_calls") or ():
                lines.append(f"`{call['function']['name']}` {call['function']['arguments']}")
        return "\n\n".join(lines)


def _plain(message: Any) -> JsonObject:
    """Also of what the SDK gives: a dictionary of dictionaries."""
    plain: JsonObject = msgspec.json.decode(msgspec.json.encode(dict(message)))
    return plain


def _text(content: Json) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", f"[{part.get('type')}]")) for part in content or () if isinstance(part, dict))
