"""What the pages say is so: snippets run, links and file names lead somewhere, tables are those of the code.

A page's `python`, `yaml` and `sh` blocks are taken as a reader would paste them. A block that needs a gateway gets a
real one: `tollbridge serve` without a file, or with the README's configuration where it asks for that one's model.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click
import msgspec
import pytest

from tests.clients.running import running
from tollbridge.cli import COMMANDS, main
from tollbridge.config.load import load
from tollbridge.observe import Record
from tollbridge.providers import patches
from tollbridge.providers.rows import alike, vendors
from tollbridge.providers.table import ROWS
from tollbridge.server.controls import HEADERS, OURS, REFUSED
from tollbridge.server.http.limits import Limits
from tollbridge.server.routes import ROUTES

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/tollbridge"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
SERVE = (str(Path(sys.executable).with_name("tollbridge")), "serve", "--port", "0", "--log", "none")
ADDRESS = "http://127.0.0.1:4000"
RUN_BY_OTHERS = ("docs/sdk.md",)  # tests/sdk/test_completion_snippets.py
PLACES: dict[str, dict[str, Any]] = {"CONTRIBUTING.md": {**vars(alike), **vars(vendors), **vars(patches)}}
"""Where a page's snippets are to be put: the names that they find there."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(language: str, pages: list[Path] = PAGES) -> list[Any]:
    found = []
    for page in pages:
        texts = [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]
        found += [pytest.param(page, text, id=f"{name(page)}-{n}") for n, text in enumerate(texts, 1)]
    return found


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who has no key of any provider."""
    keys = {key for row in ROWS.values() for key in (*row.key_env, *row.token_env, *row.base_env)}
    kept = {key: value for key, value in os.environ.items() if key not in keys and "TOLLBRIDGE" not in key}
    return {**kept, "HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="module")
def gateway(newcomer: dict[str, str]) -> Iterator[str]:
    with running(*SERVE, environ=newcomer) as url:
        yield url


@pytest.fixture(scope="module")
def configured(newcomer: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway of the README's configuration."""
    file = tmp_path_factory.mktemp("readme") / "config.yaml"
    parameters, *_ = blocks("yaml", [ROOT / "README.md"])
    file.write_text(parameters.values[1])
    command = (*SERVE, "--config", str(file))
    with running(*command, environ=newcomer) as url:
        yield url


def key(newcomer: dict[str, str]) -> str:
    return (Path(newcomer["HOME"]) / ".tollbridge/master_key").read_text().strip()


def runnable(language: str) -> list[Any]:
    return [block for block in blocks(language) if name(block.values[0]) not in RUN_BY_OTHERS]


@pytest.mark.parametrize(("page", "text"), runnable("python"))
def test_a_python_snippet_runs(page: Path, text: str, newcomer: dict[str, str], request: pytest.FixtureRequest) -> None:
    if name(page) in PLACES:
        exec(compile(text, name(page), "exec"), dict(PLACES[name(page)]))  # noqa: S102
        return
    if ADDRESS in text:
        url = request.getfixturevalue("configured" if '"assistant"' in text else "gateway")
        text = f"KEY = {key(newcomer)!r}\n" + text.replace(ADDRESS, url)
    ran = subprocess.run([sys.executable, "-c", text], env=newcomer, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "offline demo model" in ran.stdout


CURLS = [block for block in runnable("sh") if block.values[1].lstrip().startswith("curl")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(("page", "text"), CURLS)
def test_a_curl_line_is_answered(page: Path, text: str, newcomer: dict[str, str], gateway: str) -> None:
    environ = {**newcomer, "URL": gateway, "KEY": key(newcomer)}
    script = "set -euo pipefail\n" + text.replace(ADDRESS, gateway)
    ran = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout
    assert '"error"' not in ran.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_page_of_keys_may_be_pasted_from_its_beginning_to_its_end(newcomer: dict[str, str], tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{newcomer['PATH']}"
    environ = {**newcomer, "HOME": str(tmp_path), "PATH": path}
    with running(*SERVE, environ=environ) as url:
        pasted = [block.values[1].replace(ADDRESS, url) for block in blocks("sh", [ROOT / "docs/keys.md"])]
        command = ["bash", "-c", "\n".join(["set -euo pipefail", *pasted])]
        ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert '"error"' not in ran.stdout
    assert '"deleted_keys":' in ran.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_readme_makes_a_key_asks_with_it_and_sees_the_spend(newcomer: dict[str, str], gateway: str) -> None:
    (text,) = (block.values[1] for block in blocks("sh", [ROOT / "README.md"]) if "keys generate" in block.values[1])
    script = text.replace(ADDRESS, gateway).replace(".venv/bin/tollbridge", SERVE[0])
    *asked, seen = script.splitlines()

    def said(lines: list[str]) -> str:
        whole = ["set -euo pipefail", *lines]
        command = ["bash", "-c", "\n".join(whole)]
        return subprocess.run(command, env=newcomer, capture_output=True, text=True, timeout=60, check=True).stdout

    told = said(asked)
    assert "offline demo model" in told
    assert "$5.00 each 30d" in told
    until = time.monotonic() + 20
    while "ada" not in (table := said([seen])) and time.monotonic() < until:
        pass  # each look starts a process; the entry is folded within a second
    (shown,) = (block.values[1] for block in blocks("text", [ROOT / "README.md"]))
    (row,) = (line for line in table.splitlines() if "ada" in line)
    heads, example = shown.splitlines()
    assert table.splitlines()[0].split() == heads.split()
    assert row.split()[1:] == example.split()[1:]


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_a_configuration_has_no_error(page: Path, text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    for mentioned in re.findall(r"[\w-]+\.(?:yaml|pem)", text):
        if mentioned != file.name:
            (tmp_path / mentioned).write_text("")
    environ = dict.fromkeys(re.findall(r"os\.environ/(\w+)", text), "a-value-that-is-long-enough")
    loaded = load(file, environ)
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]


@pytest.mark.parametrize(("page", "text"), blocks("sh"))
def test_a_command_is_one_that_exists(page: Path, text: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(?:PORT=\d+ )?make ([a-z]+)", text, re.MULTILINE)) <= targets
    for words in re.findall(r"^(?:\.venv/bin/)?tollbridge ([^#\n]*)", text, re.MULTILINE):
        called, *arguments = words.split()
        assert called in COMMANDS, words
        command = main.get_command(click.Context(main), called)
        if isinstance(command, click.Group) and not (arguments and arguments[0] in command.commands):
            assert command.invoke_without_command, words
        elif isinstance(command, click.Group):
            command = command.commands[arguments[0]]
        assert isinstance(command, click.Command)
        known = {spelled for parameter in command.params for spelled in parameter.opts} | {"--help"}
        assert {word for word in arguments if word.startswith("-")} <= known, words


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_leads_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text())
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        found = page if not path else page.parent / path
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def files() -> list[str]:
    top = ("src", "tests", "docs", "bench", "scripts", "examples")
    return [f"/{path.relative_to(ROOT)}" for folder in top for path in (ROOT / folder).rglob("*.*")] + [
        f"/{path.name}" for path in ROOT.iterdir()
    ]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_that_is_named_is_there(page: Path) -> None:
    for named in re.findall(r"`([\w./-]+\.(?:py|md|sh|toml|lock|svg))`", page.read_text()):
        assert named.startswith("../") or any(path.endswith(f"/{named}") for path in files()), named


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=name)
def test_the_index_has_a_line_for_the_page(page: Path) -> None:
    assert page.name == "index.md" or f"({page.name})" in (ROOT / "docs/index.md").read_text()


def tree() -> list[tuple[str, str]]:
    """(path below src/tollbridge, what is said of it) of each line of the tree on the architecture page."""
    drawn = re.search(r"^src/tollbridge/\n(.*?)^tests/", (ROOT / "docs/architecture.md").read_text(), re.S | re.M)
    assert drawn is not None
    lines, room = [], ""
    for indent, path, said in re.findall(r"^( +)(\S+) +(.*)$", drawn[1], re.MULTILINE):
        if len(indent) == 2:
            room = path if path.endswith("/") else ""
        lines.append((path if len(indent) == 2 else room + path, said))
    return lines


def test_the_tree_on_the_architecture_page_is_the_tree() -> None:
    for path, said in tree():
        assert (SOURCE / path).exists(), path
        room = path if path.endswith("/") else path.rpartition("/")[0]
        for other in re.findall(r"\w+\.py", said):
            assert (SOURCE / room / other).exists(), other
    top = {path.name + "/" * path.is_dir() for path in SOURCE.iterdir() if path.name not in ("__pycache__", "py.typed")}
    assert top == {path for path, _ in tree() if path.count("/") == path.endswith("/")}


def test_the_floors_on_the_architecture_page_are_those_of_the_contract() -> None:
    floors = {path.rstrip("/"): int(found[1]) for path, said in tree() if (found := re.match(r"FLOOR (\d+)", said))}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    heights = [[floors[room] for room in layer.split(" | ") if room in floors] for layer in layers]
    told = [layer for layer in heights if layer]
    assert all(min(upper) >= max(lower) for upper, lower in pairwise(told)), heights


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", (ROOT / "docs/server.md").read_text(), re.S | re.M)
    assert found is not None
    return found[1]


def test_the_routes_on_the_page_are_those_that_are_served() -> None:
    rows = [line for line in section("Routes").splitlines() if line.startswith("|")]
    told = {path for row in rows for path in re.findall(r"`(/[^`]*)`", row)}
    served = {route.path for route in ROUTES}
    assert told == {path for path in served if f"/v1{path}" not in served}


def test_the_limits_on_the_page_are_the_defaults() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", section("Limits"), re.MULTILINE))
    limits = msgspec.structs.asdict(Limits())
    assert {key: float(value) for key, value in told.items()} == {key: float(limits[key]) for key in told}
    assert len(told) > 8


def test_the_fields_of_the_log_on_the_page_are_those_of_a_record() -> None:
    cells = re.findall(r"^\| (`.*?) \|", section("Log"), re.MULTILINE)
    told = {field for cell in cells for field in re.findall(r"`(\w+)`", cell)}
    unsaid = {"at", "began"}  # never in a line
    assert told == ({field.name for field in msgspec.structs.fields(Record)} | {"event"}) - unsaid


def test_the_metrics_on_the_page_are_those_that_are_told(gateway: str) -> None:
    with urlopen(f"{gateway}/metrics") as answer:
        exposed = set(re.findall(r"^# TYPE (tollbridge_\w+)", answer.read().decode(), re.MULTILINE))
    assert set(re.findall(r"`(tollbridge_\w+)`", section("Metrics"))) == exposed


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/nothing"])
def test_the_page_names_the_headers_of_an_answer(path: str, gateway: str, newcomer: dict[str, str]) -> None:
    body = b'{"model": "demo/hello", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello!"}]}'
    asked = Request(gateway + path, body, {"authorization": f"Bearer {key(newcomer)}"})
    try:
        with urlopen(asked) as answer:
            sent = answer.headers
    except HTTPError as error:
        sent = error.headers
        error.close()
    ours = {header.lower() for header in sent} - {"connection", "date", "content-type", "content-length"}
    assert ours
    assert not [header for header in ours if f"`{header}`" not in section("What an answer says")]


def test_the_page_names_what_a_request_may_and_may_not_say() -> None:
    told = section("What a request may say")
    wanted = {*REFUSED, *OURS, *(header.decode() for header in HEADERS)} - {"drop_params"}
    assert not [word for word in wanted if f"`{word}" not in told]


def test_the_example_configuration_is_clean_and_its_commented_entries_are_right(tmp_path: Path) -> None:
    text = (ROOT / "examples/config.yaml").read_text()
    assert not load(ROOT / "examples/config.yaml", {}).findings
    whole = re.sub(
        r"^( *)# (?=- model_name|  +\S|general_settings:)", r"\1", text.partition("model_list:")[2], flags=re.M
    )
    (tmp_path / "config.yaml").write_text("model_list:" + whole)
    loaded = load(
        tmp_path / "config.yaml", dict.fromkeys(re.findall(r"os\.environ/(\w+)", whole), "sk-0123456789-abcdefghij")
    )
    assert not loaded.findings, [str(finding) for finding in loaded.findings]
    assert loaded.config is not None
    assert len(loaded.config.models) > text.count("\n  - model_name")
    assert loaded.config.general.master_key is not None


def test_the_example_program_runs(newcomer: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "examples/ask.py"), "Who is there?", "demo/error-503"]
    ran = subprocess.run(command, env=newcomer, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "Who is there?" in ran.stdout


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
