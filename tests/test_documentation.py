"""What the pages say is so: links and file names lead somewhere, tables are those of the code, every page is in the
navigation of the site. What stands in their blocks of code is run in test_documentation_blocks.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest
import yaml

from scripts import http_reference
from tests.clients.running import running
from tests.pages import BLOCK, PAGES, ROOT, SERVE, master_key, name, newcomer
from tollbridge.config.load import load
from tollbridge.observe import Record
from tollbridge.server.controls import HEADERS, OURS, REFUSED
from tollbridge.server.http.limits import Limits
from tollbridge.server.routes import ROUTES, RouteTable

SOURCE = ROOT / "src/tollbridge"


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return newcomer(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def gateway(environ: dict[str, str]) -> Iterator[str]:
    with running(*SERVE, environ=environ) as url:
        yield url


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


def groups() -> dict[str, list[str]]:
    """The pages of each group of the site's navigation."""
    said = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    return {
        title: [entry if isinstance(entry, str) else next(iter(entry.values())) for entry in entries]
        for group in said
        for title, entries in group.items()
    }


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=name)
def test_the_navigation_has_the_page_once(page: Path) -> None:
    found = [title for title, pages in groups().items() if page.name in pages]
    told = f"{page.name} is in {found or 'no group'}: write it into one of {', '.join(groups())}, in mkdocs.yml"
    assert len(found) == 1, told


def test_the_route_reference_is_what_its_script_writes() -> None:
    text = http_reference.PART.file.read_text()
    for part in (http_reference.PART, http_reference.MISSING):
        assert text == part.written(text), "run `python -m scripts.http_reference`"


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


def test_the_paths_that_are_told_as_not_built_are_not_there() -> None:
    rows = http_reference.PART.file.read_text().split("## Not built")[1].splitlines()
    told = {path for row in rows if row.startswith("|") for path in re.findall(r"`(/[^`]*)`", row.split("|")[1])}
    table = RouteTable([route for route in http_reference.routes() if route.path != "/{id}/mcp"])
    assert len(told) > 40
    assert {path for path in told if any(table.find(path, method) for method in ("GET", "POST"))} == set()


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
def test_the_page_names_the_headers_of_an_answer(path: str, gateway: str, environ: dict[str, str]) -> None:
    body = b'{"model": "demo/hello", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello!"}]}'
    asked = Request(gateway + path, body, {"authorization": f"Bearer {master_key(environ)}"})
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
    families = tuple(re.findall(r"`([a-z0-9_]+_)(?:\.\.\.|\*)`", told))
    wanted = {*REFUSED, *OURS, *(header.decode() for header in HEADERS)}
    assert not [word for word in wanted if not re.search(rf"`{word}\b", told) and not word.startswith(families)]


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


def test_the_example_program_runs(environ: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "examples/ask.py"), "Who is there?", "demo/error-503"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "Who is there?" in ran.stdout


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
