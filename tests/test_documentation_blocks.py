"""Every block of code in the pages is run as a reader would run it, or at least read as what it claims to be.

- `python`: the blocks of a page run in one program, in order, against the offline demo model or a gateway;
- `sh`: the lines of a page are pasted into one shell, in order, beside a gateway that runs; `WAITING` are not, their
  words are compared with the commands that there are;
- `yaml` is a configuration without an error; `json` and `toml` can be read.

A block before which stands `<!-- not run: reason -->` is compiled, or its words are looked at, and that is all.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import click
import pytest

from tests.clients.running import running
from tests.pages import (
    ADDRESS,
    PAGES,
    ROOT,
    SERVE,
    Block,
    all_blocks,
    blocks,
    master_key,
    name,
    newcomer,
)
from tollbridge.cli import main
from tollbridge.config.load import load
from tollbridge.providers import patches
from tollbridge.providers.rows import alike, vendors

LANGUAGES = {"python", "sh", "yaml", "json", "toml", "text", ""}
README = ROOT / "README.md"
PLACES: dict[str, dict[str, Any]] = {"CONTRIBUTING.md": {**vars(alike), **vars(vendors), **vars(patches)}}
"""Where a page's Python is to be put: the names that it finds there."""

WAITING = re.compile(
    r"(?:PORT=\d+ )?make |git |pip |python3 -m venv|\. \.venv|(?:\.venv/bin/)?python |TOLLBRIDGE_CONFIG=\S+ uvicorn "
    r"|(?:\.venv/bin/)?tollbridge (?:serve|mcp)\b|claude "
)
"""Lines that install, want servers of the reader's own, or do not come back."""

MAKES_A_KEY = "keys generate"
"""Of the README such a block has a test of its own."""

RUN_ELSEWHERE = {
    "docs/cli.md": "each command has a test in tests/cli",
    "CONTRIBUTING.md": "it runs these tests",
}

GIVEN = {"docs/ledger.md": "tollbridge keys generate --alias team-a --quiet > made"}
"""What is there before a page begins."""

RUNNER = """
import contextlib, io, json, sys, traceback
for line in sys.stdin:
    page, sources = json.loads(line)
    names, told, failed = {"__name__": "__main__"}, io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(told):
            for number, source in sources:
                exec(compile(source, f"{page}, block {number}", "exec"), names)
    except BaseException:
        failed = traceback.format_exc()
    print(json.dumps([told.getvalue(), failed]), flush=True)
"""
"""One process for all pages: the vendors' SDKs take long to load."""


def by_name(block: Block) -> str:
    return block.name


def with_blocks(language: str) -> list[Path]:
    return [page for page in PAGES if any(not block.unrun for block in blocks(page, language))]


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return newcomer(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def gateway(environ: dict[str, str]) -> Iterator[str]:
    with running(*SERVE, environ=environ) as url:
        yield url


@pytest.fixture(scope="module")
def configured(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway of the README's configuration."""
    file = tmp_path_factory.mktemp("readme") / "config.yaml"
    file.write_text(blocks(README, "yaml")[0].text)
    with running(*SERVE, "--config", str(file), environ=environ) as url:
        yield url


@pytest.mark.parametrize("block", all_blocks(), ids=by_name)
def test_a_block_is_of_a_language_that_is_looked_at(block: Block) -> None:
    assert block.language in LANGUAGES, f"say in {Path(__file__).name} how {block.language} is tried"


@pytest.fixture(scope="module")
def interpreter(environ: dict[str, str], gateway: str) -> Iterator[subprocess.Popen[str]]:
    variables = {**environ, "KEY": master_key(environ)}
    command = [sys.executable, "-c", RUNNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables, cwd=ROOT
    ) as process:
        yield process
        process.terminate()


@pytest.mark.parametrize("page", with_blocks("python"), ids=name)
def test_the_python_of_a_page_runs(page: Path, request: pytest.FixtureRequest) -> None:
    found = [block for block in blocks(page, "python") if not block.unrun]
    if name(page) in PLACES:
        for block in found:
            exec(compile(block.text, block.name, "exec"), dict(PLACES[name(page)]))  # noqa: S102
        return
    sources = []
    for block in found:
        text = block.text
        if ADDRESS in text:
            url = request.getfixturevalue("configured" if '"assistant"' in text else "gateway")
            text = "import os\nKEY = os.environ['KEY']\n" + text.replace(ADDRESS, url)
        sources.append((block.number, text))
    interpreter = request.getfixturevalue("interpreter")
    interpreter.stdin.write(json.dumps([name(page), sources]) + "\n")
    interpreter.stdin.flush()
    told, failed = json.loads(interpreter.stdout.readline())
    assert not failed, failed
    assert "offline demo model" in told or not any("demo/" in text or ADDRESS in text for _, text in sources)


@pytest.mark.parametrize("block", [block for block in all_blocks("python") if block.unrun], ids=by_name)
def test_python_that_is_not_run_could_be(block: Block) -> None:
    compile(block.text, block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def pasted(page: Path) -> str:
    """All lines of the page's shell but those that wait. `check` may warn."""
    lines = [
        line
        for block in blocks(page, "sh")
        if not block.unrun and not (page == README and MAKES_A_KEY in block.text)
        for line in re.findall(r"(?:[^\n]*\\\n)*[^\n]+", block.text)
        if not WAITING.match(line)
    ]
    return "\n".join(re.sub(r"^(\S*tollbridge check [^#\n]*)", r"\1 || [ $? = 1 ] ", line) for line in lines)


PASTED = [page for page in with_blocks("sh") if pasted(page).strip() and name(page) not in RUN_ELSEWHERE]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("page", PASTED, ids=name)
def test_the_commands_of_a_page_may_be_pasted_one_after_the_other(
    page: Path, environ: dict[str, str], gateway: str, tmp_path: Path
) -> None:
    said = blocks(page, "yaml")
    (tmp_path / "config.yaml").write_text(said[0].text if said else "model_list: []\n")
    given = GIVEN.get(name(page), "")
    script = f"set -euo pipefail\n{given}\n{pasted(page)}".replace(ADDRESS, gateway).replace(".venv/bin/", "")
    variables = {**environ, "URL": gateway, **dict.fromkeys(("KEY", "TOLLBRIDGE_KEY"), master_key(environ))}
    try:
        ran = subprocess.run(
            ["bash", "-c", script], env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    finally:
        forget_keys(gateway, variables["KEY"])
    assert ran.returncode == 0, ran.stderr
    assert '"error"' not in ran.stdout


def forget_keys(gateway: str, key: str) -> None:
    """What a page made, so that another may use the same alias."""
    shown = {"authorization": f"Bearer {key}"}
    with urlopen(Request(f"{gateway}/key/list?size=100", headers=shown)) as answer:
        keys = json.load(answer)["keys"]
    if keys:
        urlopen(Request(f"{gateway}/key/delete", json.dumps({"keys": keys}).encode(), shown)).close()


def test_the_table_of_the_readme_is_what_its_commands_show(environ: dict[str, str], gateway: str) -> None:
    (text,) = (block.text for block in blocks(README, "sh") if MAKES_A_KEY in block.text)
    *asked, seen = text.replace(ADDRESS, gateway).replace(".venv/bin/", "").splitlines()

    def said(lines: list[str]) -> str:
        command = ["bash", "-c", "\n".join(["set -euo pipefail", *lines])]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout

    try:
        told = said(asked)
        assert "offline demo model" in told
        assert "$5.00 each 30d" in told
        (id,) = (line.split()[0] for line in told.splitlines() if " ada " in line)  # others of that alias are deleted
        until = time.monotonic() + 20
        while id not in (table := said([seen])) and time.monotonic() < until:
            pass  # each look starts a process; the entry is folded within a second
    finally:
        forget_keys(gateway, master_key(environ))
    (shown,) = (block.text for block in blocks(README, "text"))
    (row,) = (line for line in table.splitlines() if line.startswith(id))
    heads, example = shown.splitlines()
    assert table.splitlines()[0].split() == heads.split()
    assert row.split()[1:] == example.split()[1:]


@pytest.mark.parametrize("block", all_blocks("sh"), ids=by_name)
def test_a_command_is_one_that_exists(block: Block) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(?:PORT=\d+ )?make ([a-z]+)", block.text, re.MULTILINE)) <= targets
    for words in re.findall(r"^(?:\.venv/bin/)?tollbridge ([^#\n]*)", block.text, re.MULTILINE):
        command: click.Command = main
        arguments = words.split()
        while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
            called = arguments.pop(0)
            found = command.get_command(click.Context(command), called)
            assert found is not None, f"{words}: there is no {called}"
            command = found
        assert not isinstance(command, click.Group) or command.invoke_without_command or arguments, words
        known = {spelled for parameter in command.params for spelled in parameter.opts} | {"--help"}
        assert {word for word in arguments if word.startswith("-")} - {"--"} <= known, words


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=by_name)
def test_a_configuration_has_no_error(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(block.text)
    for mentioned in re.findall(r"[\w-]+\.(?:yaml|pem)", block.text):
        if mentioned != file.name:
            (tmp_path / mentioned).write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
    environ = dict.fromkeys(re.findall(r"os\.environ/(\w+)", block.text), "a-value-that-is-long-enough")
    loaded = load(file, environ)
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]


@pytest.mark.parametrize("block", all_blocks("json", "toml"), ids=by_name)
def test_data_can_be_read(block: Block) -> None:
    assert json.loads(block.text) if block.language == "json" else tomllib.loads(block.text)
