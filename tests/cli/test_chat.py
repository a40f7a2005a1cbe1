"""`tollbridge chat`, by lines and on a terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.terminal import on_a_terminal
from tests.clients.running import mocking
from tests.mcp.serving import LEGACY_STDIO
from tollbridge.cli import main
from tollbridge.cli.chat_screen import settled
from tollbridge.cli.turns import harmless

PROGRAM = str(Path(sys.executable).with_name("tollbridge"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("TOLLBRIDGE_URL", "TOLLBRIDGE_KEY", "TOLLBRIDGE_MODEL"):
        monkeypatch.delenv(name, raising=False)


def chat(*lines: str, options: tuple[str, ...] = ("-m", "demo/hello"), code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["chat", *options], input="".join(f"{line}\n" for line in lines))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_each_piped_line_is_a_turn_of_one_conversation() -> None:
    said = chat("Hello", "And now?", "/cost")
    assert said.stdout == (
        "This is Tollbridge's offline demo model. You said: Hello\n"
        "This is Tollbridge's offline demo model. You said: And now?\n"
        "2 turns, 20 tokens in, 29 out, $0\n"
    )
    assert "so far $0" in said.stderr


def test_as_json_each_turn_is_a_line_as_run_has_it() -> None:
    lines = chat("Hello", "/cost", "Again", options=("-m", "demo/hello", "--json")).stdout.splitlines()
    assert [json.loads(line)["answer"][-5:] for line in lines] == ["Hello", "Again"]
    assert list(json.loads(lines[0]))[:3] == ["model", "answer", "finish_reason"]


def test_tools_are_added_listed_and_called() -> None:
    server = LEGACY_STDIO.configured()
    said = chat("/tools", "/mcp " + " ".join([server["command"], *server["args"]]), "/tools", "Call echo for A-7")
    assert said.stdout.startswith("There is no tool: /mcp adds a server's.\nAdded: ")
    assert "-> echo {" in said.stderr
    assert "<- echo " in said.stderr


def test_a_conversation_is_saved_and_gone_on_from(tmp_path: Path) -> None:
    chat("/system Be brief.", "Hello", "/save talk.json", "/save talk.md")
    saved = json.loads((tmp_path / "talk.json").read_text())
    assert [message["role"] for message in saved["messages"]] == ["user", "assistant"]
    assert saved["system"] == "Be brief."
    assert "## User\n\nHello\n\n## Assistant\n\nThis is" in (tmp_path / "talk.md").read_text()
    assert chat("/cost", options=("--resume", "talk.json", "-m", "demo/y")).stdout.startswith("1 turn, ")
    (tmp_path / "talk.json").write_text("[]")
    assert "no conversation that /save wrote" in chat(options=("--resume", "talk.json", "-m", "x"), code=2).stderr


def test_a_question_is_asked_again_of_another_model_and_counts_once_in_the_conversation(tmp_path: Path) -> None:
    said = chat("/retry", "Hello", "/model demo/other", "/retry", "/save talk.json", code=1)
    assert "There is nothing to ask again." in said.stdout
    assert said.stdout.count("You said: Hello") == 2
    assert len(json.loads((tmp_path / "talk.json").read_text())["messages"]) == 2


def test_a_turn_that_fails_leaves_the_conversation_as_it_was(tmp_path: Path) -> None:
    said = chat("Hello", "/model demo/error-400", "Again", "/model demo/hello", "/save talk.json", "/quit", code=1)
    assert "error: " in said.stderr
    assert len(json.loads((tmp_path / "talk.json").read_text())["messages"]) == 2


def test_commands_may_be_shortened_and_an_unknown_one_is_told() -> None:
    said = chat("/he", "/s", "/nothing", "/q", "never asked", code=1).stdout
    assert "/retry " in said
    assert "There is no /s; did you mean /system or /save?" in said
    assert "There is no /nothing; /help lists what there is." in said
    assert "never asked" not in said


def test_on_a_terminal_ctrl_c_ends_an_answer_and_not_the_program(tmp_path: Path) -> None:
    with mocking() as slow:
        environ = {
            "PATH": os.environ["PATH"],
            "TOLLBRIDGE_HOME": str(tmp_path / "home"),
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": f"{slow.url}/v1",
        }
        command = [PROGRAM, "chat", "-m", "openai/mock,events=100000,pace_ms=20"]
        with on_a_terminal(command, tmp_path, environ) as terminal:
            terminal.until("> ")
            terminal.type("A long one\n")
            terminal.until("the quick brown fox")
            terminal.interrupt()
            terminal.until("interrupted")
            terminal.until("> ")
            terminal.type("/model demo/hello\n")
            terminal.until("demo/hello from here")
            terminal.until("> ")
            terminal.type("Say **bold**\n")
            terminal.until("so far $0 and 1 turn unknown")
            terminal.until("> ")
            terminal.type("\x04")
            assert terminal.ended() == 0
            assert "You said: Say bold" in terminal.shown
            assert "\x1b[1m" in terminal.raw
    history = tmp_path / "home" / "chat_history"
    assert "A long one" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("One.\n\nTwo", "One.\n\n"),
        ("One.\n\n", ""),
        ("- a\n\n- b", ""),
        ("- a\n\n  more\n\nThen", "- a\n\n  more\n\n"),
        ("One.\n\n-", ""),
        ("One.\n\n12", ""),
        ("```\na\n\nb\n\nc", ""),
        ("```\na\n\nb\n```\n\nThen", "```\na\n\nb\n```\n\n"),
        ("~~~~\na\n~~~\n\nb", ""),
        ("| a |\n\n| b", ""),
    ],
)
def test_markdown_is_cut_only_where_what_follows_changes_nothing(text: str, whole: str) -> None:
    assert settled(text) == (whole, text[len(whole) :])


def test_an_answer_commands_no_terminal() -> None:
    assert harmless("a\x1b]0;title\x07b\r\n\tc\u202ed") == "a]0;titleb\n\tcd"
