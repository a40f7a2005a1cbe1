"""`tollbridge mcp`, in front of real servers, with a configuration and with a gateway in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.clients.running import running
from tests.databases import furnish
from tests.mcp.serving import LEGACY_STDIO, Serving, broken, modern_only
from tollbridge.cli import main
from tollbridge.cli.called import called
from tollbridge.cli.greeting import ShownKey, greeting
from tollbridge.cli.serve import started
from tollbridge.errors import ConfigError

KEY = "sk-tb-hands-0123456789-abcdef"
PROGRAM = str(Path(sys.executable).with_name("tollbridge"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("PORT", "TOLLBRIDGE_URL", "TOLLBRIDGE_KEY", "TOLLBRIDGE_MASTER_KEY", "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def modern() -> Iterator[Serving]:
    with modern_only() as server:
        yield server


@pytest.fixture(scope="module")
def faults() -> Iterator[Serving]:
    with broken("malformed") as server:
        yield server


@pytest.fixture(scope="module")
def config(modern: Serving, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("config") / "config.yaml"
    servers = {
        "old": {**LEGACY_STDIO.configured(), "access_groups": ["desk"]},
        "new": {"url": modern.url, "disallowed_tools": ["announce"]},
    }
    file.write_text(json.dumps({"mcp_servers": servers, "general_settings": {"mcp_api_hosts": ["127.0.0.1"]}}))
    return str(file)


@pytest.fixture(scope="module")
def url(config: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = str(furnish(tmp_path_factory.mktemp("gateway") / "home"))
    environ = {"PATH": "/usr/bin:/bin", "TOLLBRIDGE_HOME": home, "TOLLBRIDGE_MASTER_KEY": KEY}
    with running(PROGRAM, "serve", "-c", config, "--port", "0", "--log", "none", environ=environ) as address:
        yield address


@pytest.fixture(params=["a configuration", "a gateway"])
def whom(request: pytest.FixtureRequest, config: str) -> list[str]:
    """The options that say whom to ask."""
    if request.param == "a configuration":
        return ["--config", config]
    return ["--url", request.getfixturevalue("url"), "--key", KEY]


def run(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["mcp", *arguments], input=stdin)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def told(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, code=code).stdout)


def test_servers_are_listed(whom: list[str], modern: Serving) -> None:
    lines = run("list", *whom).stdout.splitlines()
    assert lines[0].split() == ["SERVER", "TRANSPORT", "WHERE", "GROUPS"]
    assert any(line.split()[:2] == ["old", "stdio"] and line.endswith("desk") for line in lines)
    assert any(line.split() == ["new", "http", f"{modern.origin}/***"] for line in lines)
    assert {one["server_name"] for one in told("list", *whom, "--json")} == {"old", "new"}


def test_tools_are_listed_with_their_arguments(whom: list[str]) -> None:
    lines = run("tools", *whom).stdout.splitlines()
    assert any(line.split()[:3] == ["old", "echo", "text?"] for line in lines)
    assert not any("announce" in line for line in lines)
    assert {tool["mcp_info"]["server_name"] for tool in told("tools", "new", *whom, "--json")} == {"new"}
    assert "no MCP server 'nobody'" in run("tools", "nobody", *whom, code=1).stderr.replace("with id ", "")


def test_a_tool_is_called_with_arguments_as_its_schema_wants_them(whom: list[str]) -> None:
    assert run("call", "old-echo", "--arg", "text=12", *whom).stdout == "12\n"
    assert run("call", "echo", "-s", "new", "-a", "text=true", *whom).stdout == "true\n"
    assert run("call", "count", "-a", "steps=2", *whom).stdout
    assert "steps is integer" in run("call", "count", "-a", "steps=two", *whom, code=2).stderr
    assert run("call", "old-echo", "--json", '{"text": "x"}', *whom).stdout == "x\n"
    assert run("call", "old-echo", "--json", "-", *whom, stdin='{"text": "piped"}').stdout == "piped\n"
    assert told("call", "old-echo", "--json", '{"text": "x"}', "--raw", *whom)["content"][0]["type"] == "text"


def test_a_server_may_stand_before_its_tool_and_only_one_of_both_ways_counts(whom: list[str]) -> None:
    assert run("call", "old", "echo", "-a", "text=x", *whom).stdout == "x\n"
    run("call", "nobody", "echo", "-a", "text=x", *whom, code=1)
    assert "Say a tool, or a server and a tool" in run("call", "old", "echo", "x", *whom, code=2).stderr
    run("call", "old", "echo", "-s", "old", *whom, code=2)


@pytest.mark.parametrize("named", [("one", "echo"), ("one-echo",), ("echo", "-s", "one")])
def test_a_tool_of_one_server_starts_no_other(tmp_path: Path, named: tuple[str, ...]) -> None:
    """Its schema was looked for at all of them."""
    begun = tmp_path / "begun"
    other = {"command": sys.executable, "args": ["-c", f"open({str(begun)!r}, 'w').close()"]}
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"mcp_servers": {"one": LEGACY_STDIO.configured(), "two": other}}))
    assert run("call", *named, "-a", "text=x", "--config", str(file)).stdout == "x\n"
    assert not begun.exists()


def test_a_server_that_is_away_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"mcp_servers": {"a": {"command": "/nowhere/x"}, "b": {"command": "/nowhere/y"}}}))
    command = [PROGRAM, "mcp", "tools", "--config", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr.count("/nowhere/x") == told.stderr.count("/nowhere/y") == 1
    assert [line.partition(":")[0] for line in told.stderr.splitlines()] == ["warning", "warning"]


@pytest.mark.parametrize("command", [("tools",), ("call", "dies", "x"), ("doctor",)])
def test_what_a_server_said_before_it_ended_is_told_once(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "config.yaml"
    dies = {"command": "/bin/sh", "args": ["-c", "echo the last words >&2; exit 3"]}
    file.write_text(json.dumps({"mcp_servers": {"dies": dies}}))
    told = subprocess.run(
        [PROGRAM, "mcp", *command, "--config", str(file)], capture_output=True, text=True, check=False
    )
    assert told.returncode in (1, 2)
    assert (told.stdout + told.stderr).count("the last words") == 1
    assert (told.stdout + told.stderr).count("ended with status 3") == 1


def test_a_line_to_paste_calls_the_program_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "a place" / "tollbridge"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert called(str(program)) == f"'{program}'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert called(str(program)) == "tollbridge"
    assert called("/lib/tollbridge/__main__.py") == f"{sys.executable} -m tollbridge"


@pytest.mark.parametrize("word", ["notaurl", "desk.example/mcp", "localhost:8000/mcp"])
def test_one_word_that_is_neither_a_url_nor_a_program_is_no_server(tmp_path: Path, word: str) -> None:
    file = tmp_path / "config.yaml"
    assert f"{word!r} is no program on PATH, and no URL" in run("add", "x", word, "-c", str(file), code=2).stderr
    assert not file.exists()
    run("add", "x", "-c", str(file), "--", sys.executable)
    assert "command" in file.read_text()


def test_a_call_that_cannot_be_is_told_with_an_exit_code(whom: list[str]) -> None:
    assert "Unknown tool" in run("call", "nothing", *whom, code=1).stderr
    assert "Did you mean 'old-echo'?" in run("call", "old-ecko", *whom, code=1).output
    assert "Several servers have 'echo'" in run("call", "echo", *whom, code=2).stderr
    assert "no JSON" in run("call", "echo", "--json", "{", *whom, code=2).stderr
    assert "NAME=VALUE" in run("call", "old-echo", "-a", "text", *whom, code=2).stderr


def test_the_doctor_says_what_is_spoken_and_that_all_is_well(whom: list[str]) -> None:
    shown = run("doctor", *whom).stdout
    assert "speaks        2025-06-18" in shown
    assert "speaks        2026-07-28" in shown
    assert shown.count("well, ") == 2
    (old,) = told("doctor", "old", *whom, "--json")
    assert (old["transport"], old["revisions"], old["status"]) == ("stdio", ["2025-06-18"], "healthy")
    assert old["tools"] >= 12
    assert old["latency_ms"] >= 0


def test_the_doctor_says_what_is_wrong(tmp_path: Path, faults: Serving) -> None:
    servers = {
        "gone": {"url": "http://127.0.0.1:9/mcp"},
        "missing": {"command": "/nowhere/at-all"},
        "crooked": {"url": faults.url, "allowed_params": {"nothing": ["x"]}},
        "elsewhere": {"url": faults.at("/nothing/here")},
        "dies": {"command": "/bin/sh", "args": ["-c", "echo no database >&2; exit 3"]},
    }
    (tmp_path / "config.yaml").write_text(json.dumps({"mcp_servers": servers}))
    found = {one["server_name"]: one for one in told("doctor", "-c", "config.yaml", "--json", code=1)}
    assert "refused the connection" in found["gone"]["health_check_error"]
    assert "No such file" in found["missing"]["health_check_error"]
    assert "Is the path of its URL right?" in found["elsewhere"]["health_check_error"]
    why = "The MCP server 'dies' ended with status 3. Its last words: no database"
    assert found["dies"]["health_check_error"] == why
    assert found["crooked"]["left_out"]
    assert "allowed_params names 'nothing', which it does not have" in found["crooked"]["problems"]
    assert "NOT WELL" in run("doctor", "gone", "-c", "config.yaml", code=1).stdout


def test_a_gateway_that_is_not_there_and_a_key_that_is_none_are_told(url: str) -> None:
    assert "refused the connection" in run("list", "--url", "http://127.0.0.1:9", code=2).stderr
    said = run("list", "--url", url, "--key", "sk-nobodys-0123456789", code=2).stderr
    assert "Give it with --key or TOLLBRIDGE_KEY" in said
    assert "either --config, or --url" in run("list", "--url", url, "-c", "x.yaml", code=2).stderr
    assert "cannot be used" in run("list", "-c", "nowhere.yaml", code=2).stderr


def test_a_key_is_told_of_what_it_may_use(url: str) -> None:
    body = json.dumps({"object_permission": {"mcp_servers": ["old"], "mcp_tool_permissions": {"old": ["echo"]}}})
    request = Request(f"{url}/key/generate", body.encode(), {"authorization": f"Bearer {KEY}"})
    with urlopen(request) as answer:
        key = json.load(answer)["key"]
    whom = ("--url", url, "--key", key)
    assert [one["server_name"] for one in told("list", *whom, "--json")] == ["old"]
    assert [tool["name"] for tool in told("tools", *whom, "--json")] == ["echo"]
    assert run("call", "echo", "-a", "text=x", *whom).stdout == "x\n"
    assert "Unknown tool" in run("call", "environment", *whom, code=1).stderr
    assert run("doctor", *whom).stdout == "old\n  well\n"
    assert "for the admin" in run("add", "more", "https://x.example/mcp", *whom, code=2).stderr


def test_the_admins_key_of_this_machine_goes_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from tollbridge.cli.gateway import address

    environ = {"TOLLBRIDGE_MASTER_KEY": KEY, "HOME": "/nowhere"}
    assert address(None, None, environ) == ("http://127.0.0.1:4000", KEY)
    assert address("https://gateway.example", None, environ) == ("https://gateway.example", None)
    assert address("https://gateway.example", None, {"TOLLBRIDGE_KEY": "k"}) == ("https://gateway.example", "k")


def test_a_server_is_written_into_a_configuration_whose_comments_stay(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("# mine\nmcp_servers:\n  one: {url: 'https://a.example/mcp'}  # first\nmodel_list: []\n")
    file.chmod(0o640)
    run(
        "add", "time", "-c", "config.yaml", "--env", "TZ=UTC", "--", "uvx", "mcp-server-time", "--local-timezone", "UTC"
    )
    options = ("--auth-type", "bearer_token", "--auth-value", "os.environ/THE_TOKEN", "--group", "desk", "--tool", "a")
    run("add", "hub", "https://b.example/mcp", *options, "-c", "config.yaml")
    text = file.read_text()
    assert text.startswith("# mine\nmcp_servers:\n  one: {url: 'https://a.example/mcp'}  # first\n")
    servers = yaml.safe_load(text)["mcp_servers"]
    assert servers["time"] == {
        "command": "uvx",
        "args": ["mcp-server-time", "--local-timezone", "UTC"],
        "env": {"TZ": "UTC"},
    }
    assert servers["hub"]["auth_value"] == "os.environ/THE_TOKEN"
    assert file.stat().st_mode & 0o777 == 0o640
    assert "has an entry 'hub' already" in run("add", "hub", "https://c.example", "-c", "config.yaml", code=2).stderr
    assert "'mcp' is reserved" in run("add", "mcp", "https://c.example", "-c", "config.yaml", code=2).stderr
    assert file.read_text() == text


def test_without_a_file_the_entry_is_printed(tmp_path: Path) -> None:
    shown = run("add", "hub", "https://b.example/mcp", "--transport", "sse", "--header", "X-Team=a").stdout
    assert yaml.safe_load(shown) == {
        "mcp_servers": {"hub": {"url": "https://b.example/mcp", "transport": "sse", "static_headers": {"X-Team": "a"}}}
    }
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_added_to_a_gateway_that_runs(url: str, faults: Serving) -> None:
    run("add", "late", faults.at("/mcp/good"), "--url", url, "--key", KEY)
    assert run("call", "late-echo", "-a", "text=x", "--url", url, "--key", KEY).stdout == "x\n"
    refused = run("add", "inside", "http://10.0.0.1/mcp", "--url", url, "--key", KEY, code=2)
    assert "private network" in refused.stderr


CLAUDE = {
    "mcpServers": {
        "files": {"command": "npx", "args": ["-y", "@x/server-filesystem", "/data"], "env": {"A": "${env:HOME}"}},
        "hub": {
            "type": "http",
            "url": "https://b.example/mcp",
            "headers": {"Authorization": "Bearer ${input:the token}"},
        },
        "off": {"command": "x", "disabled": True},
        "tools/bad": {"command": "x"},
        "nothing": {},
    }
}


@pytest.mark.parametrize("form", ["claude", "vscode", "settings"])
def test_the_servers_of_other_programs_are_taken_over(tmp_path: Path, form: str) -> None:
    servers = CLAUDE["mcpServers"]
    forms = {"claude": CLAUDE, "vscode": {"servers": servers}, "settings": {"mcp": {"servers": servers}}}
    (tmp_path / "theirs.json").write_text(json.dumps(forms[form]))
    result = run("import", "theirs.json")
    assert yaml.safe_load(result.stdout)["mcp_servers"] == {
        "files": {"command": "npx", "args": ["-y", "@x/server-filesystem", "/data"], "env": {"A": "${HOME}"}},
        "hub": {
            "url": "https://b.example/mcp",
            "transport": "http",
            "static_headers": {"Authorization": "Bearer ${THE_TOKEN}"},
        },
    }
    for remark in ("off: left out", "tools/bad: left out", "nothing: left out", "set the variable THE_TOKEN"):
        assert remark in result.stderr
    run("import", "theirs.json", "--only", "files", "-c", "config.yaml")
    assert set(yaml.safe_load((tmp_path / "config.yaml").read_text())["mcp_servers"]) == {"files"}


def test_variables_of_other_programs_stay_variables(tmp_path: Path) -> None:
    (tmp_path / ".vscode").mkdir()
    servers = {
        "one": {"command": "${BIN:-node}", "args": ["${HOME}/x", "${userHome}/y", "${workspaceFolder}/z", "${env:A}"]},
        "two": {"url": "${BASE:-https://b.example}/mcp"},
        "odd": {"command": "x", "args": ["${file}", "${command:pick}"]},
    }
    (tmp_path / ".vscode" / "mcp.json").write_text(json.dumps({"servers": servers}))
    result = run("import", ".vscode/mcp.json")
    assert yaml.safe_load(result.stdout)["mcp_servers"] == {
        "one": {"command": "${BIN:-node}", "args": ["${HOME}/x", "${HOME}/y", f"{tmp_path.resolve()}/z", "${A}"]},
        "two": {"url": "${BASE:-https://b.example}/mcp"},
        "odd": {"command": "x", "args": ["${file}", "${command:pick}"]},
    }
    assert (
        result.stderr
        == "warning: odd: ${command:pick} means nothing here, and stays as it is: write what it stands for\n"
    )


def test_what_has_no_servers_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert "has no mcpServers" in run("import", "a.json", code=2).stderr
    (tmp_path / "a.json").write_text("{")
    assert "is no JSON" in run("import", "a.json", code=2).stderr
    assert "cannot be read" in run("import", "b.json", code=2).stderr
    (tmp_path / "a.json").write_text(json.dumps(CLAUDE))
    assert "no server 'none'" in run("import", "a.json", "--only", "none", code=1).stderr


def test_serve_tells_of_them_and_check_too(config: str, tmp_path: Path) -> None:
    checked = CliRunner().invoke(main, ["check", config])
    assert "would serve at /mcp" in checked.output
    assert "  old  " in checked.output
    report = json.loads(CliRunner().invoke(main, ["check", config, "--json"]).output)
    assert [server["name"] for server in report["serves"]["mcp_servers"]] == ["old", "new"]


def test_the_greeting_names_the_servers_and_a_line_to_try() -> None:
    key = ShownKey.in_variable("THE_KEY", "that of $THE_KEY")
    shown = greeting("http://127.0.0.1:4000", key, ["m"], "m", [f"s{number}" for number in range(8)])
    assert "  mcp     8 servers at http://127.0.0.1:4000/mcp: s0, s1, s2, s3, s4, s5 and 2 more\n" in shown
    assert f'          {called()} mcp tools --url http://127.0.0.1:4000 --key "$THE_KEY"\n' in shown
    assert "mcp" not in greeting("http://127.0.0.1:4000", key, ["m"], "m")


def test_serve_takes_one_more_server_as_a_command() -> None:
    server = started('desk=python "a b.py" --x')
    assert (server.name, server.command, server.args) == ("desk", "python", ("a b.py", "--x"))
    for wrong in ("desk", "=python", "mcp=python", "desk='"):
        with pytest.raises(ConfigError, match="write NAME=COMMAND"):
            started(wrong)


def test_a_tool_that_changed_is_shown_and_approved(tmp_path: Path) -> None:
    with broken() as faults:
        for place, name, target in (("file", "one", "/mcp/changing"), ("gateway", "two", "/mcp/hidden")):
            file = tmp_path / f"{place}.yaml"
            file.write_text(json.dumps({"mcp_servers": {name: {"url": faults.at(target), "pin": "strict"}}}))
        at = ["--config", str(tmp_path / "file.yaml")]
        assert run("approve", "one", *at).stdout == "Nothing waits for an approval.\n"
        run("call", "echo", *at)
        held = run("call", "echo", *at, code=2).stderr
        assert "tollbridge mcp approve one echo" in held, "what the database knows holds here too"
        refused = run("approve", "one", *at, code=1, stdin="n\n")
        assert "one echo: changed, quarantined" in refused.stdout
        assert "sends it to a stranger" in refused.stdout
        (shown,) = told("approve", "one", "echo", "--json", *at, code=1)
        assert shown["state"] == "changed"
        assert "approved: 1" in run("approve", "one", "echo", *at, stdin="y\n").stdout
        assert run("approve", "one", *at).stdout == "Nothing waits for an approval.\n"
        run("approve", "nobody", *at, code=1)
        at = ["--config", str(tmp_path / "gateway.yaml")]
        listed = run("tools", *at).stdout
        assert "echo" in listed
        assert "tagged" not in listed
        doctor = run("doctor", *at, code=1).stdout
        assert "hidden characters: U+E0020 TAG SPACE" in doctor


def test_a_gateway_that_runs_is_asked_what_waits_for_an_approval(url: str, faults: Serving) -> None:
    run("add", "hiding", faults.at("/mcp/hidden"), "--url", url, "--key", KEY)
    assert "SUSPICIOUS" in run("tools", "hiding", "--url", url, "--key", KEY).stdout
    waiting = told("approve", "hiding", "--json", "--url", url, "--key", KEY, code=1)
    assert [one["tool"] for one in waiting] == ["joined", "reversed", "tagged"]
    run("approve", "hiding", "--yes", "--url", url, "--key", KEY)
    assert run("approve", "hiding", "--url", url, "--key", KEY).stdout == "Nothing waits for an approval.\n"


def test_where_there_is_no_server_it_says_how_to_add_one(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model_list: []\n")
    for command in ("list", "doctor"):
        said = CliRunner().invoke(main, ["mcp", command, "--config", str(tmp_path / "config.yaml")])
        assert "tollbridge mcp add" in said.output
