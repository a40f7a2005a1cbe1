"""How `chat` shows an answer while it comes.

`Plain` writes what it hears. `Rich` shows Markdown: paragraphs that are whole are printed and stay; what is being
written is drawn anew below them, at most as much of it as the screen has room for, so that nothing is shown twice
however long an answer gets. `Silent` is for `--json`.
"""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING, Protocol

import click

from tollbridge.cli.columns import printable
from tollbridge.cli.screen import console, painted
from tollbridge.cli.turns import harmless, one_line, said_of
from tollbridge.sdk.mcp.run import Made
from tollbridge.sdk.objects import ModelResponse

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.live import Live

FRAMES_PER_S = 12
ROWS_LEFT = 3
"""Of the screen, that the answer being written leaves free."""
RESULT_MAX = 400
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_GOES_ON = re.compile(r"[ \t]|[-*+] |\d+[.)] |>|\|")
"""How a line begins that may belong to what stands before the empty line above it."""


class Show(Protocol):
    """Of one answer: `begin`, then what happens, then `end`; what comes after that is not shown."""

    def begin(self) -> None: ...
    def text(self, piece: str) -> None: ...
    def answered(self, response: ModelResponse) -> None: ...
    def made(self, made: Made) -> None: ...
    def progressed(self, name: str, done: float, of: float | None, said: str) -> None: ...
    def end(self) -> None: ...


class Silent:
    def begin(self) -> None:
        pass

    def text(self, piece: str) -> None:
        pass

    def answered(self, response: ModelResponse) -> None:
        pass

    def made(self, made: Made) -> None:
        pass

    def progressed(self, name: str, done: float, of: float | None, said: str) -> None:
        pass

    def end(self) -> None:
        pass


class Plain:
    """Text on stdout as it comes; calls on stderr."""

    def __init__(self) -> None:
        self._open = self._midline = False

    def begin(self) -> None:
        self._open, self._midline = True, False

    def text(self, piece: str) -> None:
        piece = harmless(piece) if sys.stdout.isatty() else piece
        if self._open and piece:
            click.echo(piece, nl=False)
            self._midline = not piece.endswith("\n")

    def answered(self, response: ModelResponse) -> None:
        for call in response.choices[0].message.tool_calls or ():
            self._aside(f"-> {printable(str(call.function.name))} {one_line(call.function.arguments)}")

    def made(self, made: Made) -> None:
        self._aside(f"<- {printable(made.name)} {said_of(made)}")

    def progressed(self, name: str, done: float, of: float | None, said: str) -> None:
        self._aside(f"   {printable(name)} {share(done, of)} {one_line(said)}".rstrip())

    def end(self) -> None:
        if self._open and self._midline:
            click.echo()
        self._open = False

    def _aside(self, line: str) -> None:
        if not self._open:
            return
        if self._midline:
            click.echo()
            self._midline = False
        click.echo(painted(line, sys.stderr, dim=True), err=True)


class Rich:
    """Told from the loop's thread, begun and ended from the terminal's."""

    def __init__(self) -> None:
        self._console = console(sys.stdout)
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._unwritten = ""

    def begin(self) -> None:
        from rich.live import Live  # with the extra `cli`

        self._unwritten = ""
        self._live = Live(_waiting("thinking"), console=self._console, refresh_per_second=FRAMES_PER_S, transient=True)
        self._live.start()

    def text(self, piece: str) -> None:
        with self._lock:
            if self._live is None:
                return
            whole, self._unwritten = settled(self._unwritten + harmless(piece))
            if whole:
                self._print(whole)
            self._live.update(Tail(self._unwritten, self._console) if self._unwritten.strip() else _waiting("writing"))

    def answered(self, response: ModelResponse) -> None:
        with self._lock:
            if self._live is None:
                return
            self._flush()
            calls = response.choices[0].message.tool_calls or ()
            for call in calls:
                self._line(
                    f"→ {printable(str(call.function.name))}",
                    f"({one_line(call.function.arguments, RESULT_MAX)})",
                    "cyan",
                )
            names = ", ".join(printable(str(call.function.name)) for call in calls)
            self._live.update(_waiting(f"waiting for {names}" if names else "thinking"))

    def made(self, made: Made) -> None:
        with self._lock:
            if self._live is not None:
                style = "red" if made.result.isError else "green"
                self._line(f"← {printable(made.name)}", f" {said_of(made, RESULT_MAX)}", style)
                self._live.update(_waiting("thinking"))

    def progressed(self, name: str, done: float, of: float | None, said: str) -> None:
        with self._lock:
            if self._live is not None:
                self._live.update(_waiting(f"{printable(name)} {share(done, of)} {one_line(said)}"))

    def end(self) -> None:
        with self._lock:
            if self._live is None:
                return
            self._flush()
            live, self._live = self._live, None
        live.stop()

    def _flush(self) -> None:
        if self._unwritten.strip():
            self._print(self._unwritten)
        self._unwritten = ""

    def _print(self, markdown: str) -> None:
        self._console.print(_markdown(markdown))

    def _line(self, head: str, rest: str, style: str) -> None:
        from rich.text import Text  # as above

        self._console.print(Text.assemble((head, style), (rest, "dim")))


class Tail:
    """The last lines of Markdown, as many as there is room for."""

    def __init__(self, markdown: str, screen: Console) -> None:
        self._markdown = markdown
        self._screen = screen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment  # as above

        lines = console.render_lines(_markdown(self._markdown), options, pad=False)
        for line in lines[-max(1, self._screen.height - ROWS_LEFT) :]:
            yield from line
            yield Segment.line()


def settled(text: str) -> tuple[str, str]:
    """Markdown of which more may come: (what is whole whatever comes, the rest). It is cut at an empty line, outside of
    a block of code, before a line that begins something new: no list, table or quotation is cut in two."""
    fence, cut, at, empty = "", 0, 0, False
    lines = text.split("\n")
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if fence:
            if found is not None and found[1].startswith(fence) and not line[found.end() :].strip():
                fence = ""
        else:
            last = number == len(lines) - 1
            if empty and line.strip() and not _GOES_ON.match(line) and not (last and _begins_a_marker(line)):
                cut = at
            if found is not None:
                fence = found[1]
        empty = not fence and not line.strip()
        at += len(line) + 1
    return text[:cut], text[cut:]


def _begins_a_marker(line: str) -> bool:
    """What may still become the marker of a list: it is not whole yet."""
    return re.fullmatch(r"[-*+]|\d+[.)]?", line) is not None


def share(done: float, of: float | None) -> str:
    return f"{done:g}" if of is None else f"{done:g} of {of:g}"


def _markdown(text: str) -> RenderableType:
    from rich.markdown import Markdown  # with the extra `cli`

    return Markdown(text, code_theme="ansi_dark", hyperlinks=False)


def _waiting(what: str) -> RenderableType:
    from rich.spinner import Spinner  # as above

    return Spinner("dots", text=f"{what} ...", style="dim")
