from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from tollbridge.cli import COMMANDS, main
from tollbridge.cli.check import examine, excerpts
from tollbridge.providers.extras import LIBRARIES
from tollbridge.store import address

CLEAN = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: k}
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o, api_key: k, api_base: "https://a.openai.azure.com", api_version: 2024-10-21}
  - model_name: "claude-*"
    litellm_params: {model: "anthropic/claude-*", api_key: k}
router_settings:
  fallbacks: [{gpt-4o: [claude-sonnet-4-0]}]
  model_group_alias: {best: gpt-4o}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the machine's, no `.env` of the directory's."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GROQ_API_KEY", "THE_KEY"):
        monkeypatch.delenv(name, raising=False)


def run(directory: Path, text: str, *options: str) -> Result:
    (directory / "config.yaml").write_text(dedent(text))
    return CliRunner().invoke(main, ["check", "config.yaml", *options])


LACKING = """
model_list:
  - model_name: g
    litellm_params: {model: vertex_ai/gemini-2.5-flash, vertex_project: acme}
  - model_name: "bedrock/*"
    litellm_params: {model: "bedrock/*", aws_region_name: eu-west-1}
  - model_name: a
    litellm_params: {model: azure/d, api_base: "https://a.openai.azure.com", azure_credential: DefaultAzureCredential}
mcp_servers:
  signed: {url: "https://x.example/mcp", auth_type: aws_sigv4, aws_region_name: eu-west-1}
"""


def test_a_library_that_is_missing_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "VERTEXAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert run(tmp_path, LACKING).exit_code == 1  # no price is known for "d"
    for library in LIBRARIES.values():
        monkeypatch.setitem(sys.modules, library, None)
    report = examine(tmp_path / "config.yaml", {})
    told = [(one.line, one.severity, one.message) for one in report.findings]
    assert len(told) == 4
    for (line, severity, message), (where, kind, extra) in zip(
        told, [(3, "warning", "gcp"), (5, "warning", "aws"), (7, "warning", "azure"), (10, "error", "aws")], strict=True
    ):
        assert (line, severity) == (where, kind)
        assert f"pip install 'tollbridge[{extra}]'" in message
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1", "GROQ_API_KEY": "k"}
    alone = examine(None, environ)
    assert {one.message.partition(" ")[0] for one in alone.findings} == {
        "aws_polly/*",
        "bedrock/*",
        "bedrock_mantle/*",
        "sagemaker_chat/*",
    }
    assert alone.serves is not None
    served = {one.name for one in alone.serves.models if one.deployments}
    assert served == {"demo/*", "groq/*"}


def test_a_clean_file_says_what_it_would_serve(tmp_path: Path) -> None:
    result = run(tmp_path, CLEAN)
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "config.yaml: 0 errors, 0 warnings",
            "would serve",
            "  gpt-4o    openai/gpt-4o, azure/gpt-4o (2 deployments)",
            "  claude-*  anthropic/claude-*",
            "  best = gpt-4o",
            "  gpt-4o, when it fails: claude-sonnet-4-0",
        ],
    )


def test_who_is_no_model_serves_in_nobodys_stead(tmp_path: Path) -> None:
    names = "gpt-4o: [gone, claude-sonnet-4-0]}, {nobody: [gpt-4o]}, {best: [gone]"
    router = f"router_settings:\n  fallbacks: [{{{names}}}]\n  default_fallbacks: [gone, best]\n"
    aliases = "  model_group_alias: {best: gpt-4o, lost: gone}\n"
    text = CLEAN[: CLEAN.index("router_settings")] + router + aliases
    result = run(tmp_path, text)
    assert result.output.splitlines()[-4:] == [
        "  claude-*  anthropic/claude-*",
        "  best = gpt-4o",
        "  gpt-4o, when it fails: claude-sonnet-4-0",
        "  all, when they fail: best",
    ]
    assert result.output.count("no model is called") == 5
    serves = examine(tmp_path / "config.yaml", {}).serves
    assert serves is not None
    assert (serves.fallbacks, serves.aliases) == ({"gpt-4o": ["claude-sonnet-4-0"]}, {"best": "gpt-4o"})


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("{name: mine, base_url: 'http://h:1', wire: telepathy}", "telepathy"),
        ("{name: mine}", "base_url"),
        ("{base_url: 'http://h:1'}", "name"),
        ("{name: mine, base_url: 'http://h:1', lacks: [hands]}", "hands"),
        ("{name: mine, base_url: 'http://h:1', auth: 5}", "auth"),
        ("{name: mine, base_url: 'http://h:1', also: {telepathy: /v1}}", "telepathy"),
    ],
)
def test_a_provider_of_ones_own_that_cannot_be_is_told_with_its_place(tmp_path: Path, row: str, word: str) -> None:
    result = run(tmp_path, f"{CLEAN}providers: [{row}]\n")
    assert result.exit_code == 2
    assert word in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


NONSENSE = """
model_list:
  - model_name: m
    litellm_params: {model: mine/x, input_cost_per_token: 0, output_cost_per_token: 0}
providers:
  - name: mine
    base_url: http://10.0.0.1/v1
    lacks: [images,
            toolz]
    prefers:
      reasonning: thinking
      system_role: boss
      max_tokens: max_tokens
    drops: [user, logit_bais]
    renames: {seed: random_seed, max_tokns: limit}
"""


def test_words_of_a_row_that_nobody_knows_are_told_each_with_its_place_and_those_near(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(NONSENSE)
    found = [
        (one.line, one.column, one.severity, one.path, one.message)
        for one in examine(tmp_path / "config.yaml", {}).findings
    ]
    told = [one for one in found if one[3].startswith("providers")]
    assert [one[:4] for one in told] == [
        (9, 13, "error", "providers[0].lacks"),
        (11, 7, "error", "providers[0].prefers"),
        (12, 20, "error", "providers[0].prefers"),
        (14, 19, "warning", "providers[0].drops"),
        (15, 34, "warning", "providers[0].renames"),
    ]
    for (*_, message), near in zip(
        told, ("'tools'", "'reasoning'", "developer, system", "'logit_bias'", "'max_tokens'"), strict=True
    ):
        assert near in message


def test_a_provider_of_ones_own_may_speak_two_formats(tmp_path: Path) -> None:
    row = "{name: mine, base_url: 'http://h:1/v1', also: {anthropic_messages: /v1/messages}, needs_key: false}"
    result = run(tmp_path, f"{CLEAN}providers: [{row}]\n")
    assert (result.exit_code, result.output.splitlines()[0]) == (0, "config.yaml: 0 errors, 0 warnings")


def test_a_warning_is_shown_with_its_line_and_exits_with_1(tmp_path: Path) -> None:
    result = run(tmp_path, CLEAN + "  routing_strategy: least-busy\n")
    assert result.exit_code == 1
    assert result.output.splitlines()[:4] == [
        "config.yaml:12:21: warning: router_settings.routing_strategy: least-busy is not built yet; "
        "simple-shuffle is used",
        "    12 |   routing_strategy: least-busy",
        "       |                     ^",
        "config.yaml: 0 errors, 1 warning",
    ]


def test_an_error_exits_with_2_and_nothing_would_be_served(tmp_path: Path) -> None:
    result = run(tmp_path, "router_settings:\n  num_retris: 2\n")
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "config.yaml:2:3: error: router_settings.num_retris: is not a known key; did you mean `num_retries`?",
        "     2 |   num_retris: 2",
        "       |   ^",
        "config.yaml: 1 error, 0 warnings; nothing is served before the errors are mended",
    ]


def test_a_broken_line_is_shown_without_its_secrets(tmp_path: Path) -> None:
    result = run(tmp_path, 'general_settings: {master_key: "canary-key\n  , strict: x}\n')
    assert result.exit_code == 2
    assert "error: is no valid YAML" in result.output
    assert "canary" not in result.output


def test_a_file_that_is_not_there_is_an_error() -> None:
    result = CliRunner().invoke(main, ["check", "nowhere.yaml"])
    assert (result.exit_code, result.output.splitlines()[0]) == (
        2,
        "nowhere.yaml:1:1: error: cannot be read: No such file or directory",
    )


def test_a_deployment_without_a_key_does_not_serve_and_is_a_warning(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: a, litellm_params: {model: openai/a}}
          - {model_name: "g/*", litellm_params: {model: "groq/*"}}
          - {model_name: c, litellm_params: {model: openai/c, api_key: os.environ/THE_KEY}}
          - {model_name: d, litellm_params: {model: openai/d, mock_response: hello}}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 1
    assert "config.yaml:3:5: warning: this deployment of 'a' does not serve: openai needs a key" in result.output
    assert "config.yaml:4:5: warning: this deployment of 'g/*' does not serve: groq needs a key" in result.output
    assert "warning: model_list[2].litellm_params: THE_KEY is not set" in result.output
    assert result.output.splitlines()[-4:] == [
        "  a    nobody; disabled: openai/a",
        "  g/*  nobody; disabled: groq/*",
        "  c    nobody; disabled: openai/c",
        "  d    openai/d",
    ]


def test_it_says_whose_price_nobody_knows(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: a, litellm_params: {model: openai/nobody-knows, api_key: k}}
          - {model_name: a, litellm_params: {model: openai/nobody-knows, api_key: k, input_cost_per_token: 1e-6}}
          - {model_name: b, litellm_params: {model: openai/gpt-4.1, api_key: k}}
          - {model_name: c, litellm_params: {model: openai/nobody-knows, mock_response: hello}}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 1
    assert (
        "config.yaml:3:5: warning: a (and 1 more deployment of it): no price is known for openai/nobody-knows"
        in result.output
    )
    assert result.output.splitlines()[-3:] == [
        "  a  openai/nobody-knows (2 deployments); no price is known for openai/nobody-knows",
        "  b  openai/gpt-4.1",
        "  c  openai/nobody-knows",
    ]


def test_a_dotenv_file_beside_the_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("THE_KEY=k\n")
    text = "model_list: [{model_name: c, litellm_params: {model: openai/gpt-4.1, api_key: os.environ/THE_KEY}}]\n"
    assert run(tmp_path, text).exit_code == 0


UNEASY = """
model_list:
  - {model_name: a, litellm_params: {model: openai/nobody-knows, api_key: k}}
  - {model_name: b, litellm_params: {model: openai/gpt-4.1}}
  - {model_name: "g/*", litellm_params: {model: "groq/*"}}
  - {model_name: c, litellm_params: {model: openai/gpt-4.1, api_key: os.environ/THE_KEY}}
router_settings: {routing_strategy: least-busy}
"""


def test_it_warns_of_what_a_start_warns_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same lines: what only one of them says is found out too late."""
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    checked = [line for line in run(tmp_path, UNEASY).output.splitlines() if ": warning: " in line]
    command = [str(Path(sys.executable).with_name("tollbridge")), "serve", "config.yaml", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
        process.terminate()
        started = [line for line in process.stderr.read().splitlines() if ": warning: " in line]
    assert len(checked) == 5
    assert sorted(started) == sorted(checked)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://u:hush-hush@h/x", "mysql:// is no database that can be used"),
        ("sqlite:///:memory:", "A SQLite database is a file"),
        ("postgresql://h/d?pool=3", "The database's URL says pool, which is not known here"),
    ],
)
def test_a_database_that_cannot_be_used_is_an_error_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    result = run(tmp_path, f"general_settings:\n  database_url: '{url}'\n")
    assert result.exit_code == 2
    assert f"config.yaml:2:17: error: general_settings.database_url: {why}" in result.output
    assert "hush" not in result.output
    monkeypatch.setenv("TOLLBRIDGE_DATABASE_URL", url)
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, f"TOLLBRIDGE_DATABASE_URL: {why}" in result.output) == (2, True)


def test_an_mcp_server_that_a_start_could_not_make_is_an_error_where_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text('{"openapi": "3.1.0", "servers": [{"url": "https://x.example"}], "paths": {}}')
    text = """
        mcp_servers:
          x: {url: "https://x.example/${NOT_SET_HERE}/mcp"}
          y: {command: sh, args: [-c, "${NOT_SET_HERE}"], cwd: "${NOT_SET_HERE:-/}"}
          z: {url: "https://x.example/mcp", static_headers: {a: b, c: "${NOT_SET_HERE}"}}
          u: {url: "${NOT_SET_HERE:-localhost}/mcp"}
          v: {spec_path: api.json}
          w: {command: sh, args: [-c, "echo $${NOT_SET_HERE}"]}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 2
    for where, name in (("3:12", "x"), ("4:26", "y"), ("5:63", "z")):
        told = f"config.yaml:{where}: error: the MCP server {name!r} needs ${{NOT_SET_HERE}}, which is not set."
        assert told in result.output
    assert "config.yaml:6:12: error: the MCP server 'u': its URL: " in result.output
    assert result.output.count("error: ") == 4


def test_a_header_of_an_mcp_server_that_cannot_be_sent_is_an_error_where_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WITH_A_BREAK", "hush-1\n")
    text = r"""
        mcp_servers:
          a: {url: "https://x.example/mcp", static_headers: {fine: b, x-team: "hush-2\r\nx-admin: 1"}}
          b: {url: "https://x.example/mcp", static_headers: {"x team": hush-3}}
          c: {url: "https://x.example/mcp", static_headers: {Content-Length: 5}}
          d: {url: "https://x.example/mcp", auth_type: api_key, auth_value: os.environ/WITH_A_BREAK}
          e: {url: "https://x.example/mcp", auth_type: bearer_token, auth_value: "hush-\u0142"}
          f: {url: "https://x.example/mcp", extra_headers: [x-trace, "x:team"]}
          g: {url: "https://x.example/mcp", extra_headers: [x-trace, Host]}
          h: {spec_path: "https://x.example/api.json", static_headers: {x-team: "hush-\0"}}
          i: {url: "https://x.example/mcp", static_headers: {Host: other.example, x-team: "caf\u00e9"}}
          j: {url: "https://x.example/mcp", auth_type: basic, auth_value: "zo\u0142:a", extra_headers: [Authorization]}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 2
    breaks = "holds a line break, a control or a non-latin-1 character."
    for told in (
        f"3:71: error: the MCP server 'a': the value of the header 'x-team' {breaks}",
        "4:64: error: the MCP server 'b': 'x team' is not the name of a header.",
        "5:70: error: the MCP server 'c': the header 'content-length' belongs to the connection and cannot be set.",
        f"6:69: error: the MCP server 'd': the value of the header 'x-api-key' {breaks}",
        f"7:74: error: the MCP server 'e': the value of the header 'authorization' {breaks}",
        "8:62: error: the MCP server 'f': 'x:team' is not the name of a header.",
        "9:62: error: the MCP server 'g': the header 'host' belongs to the connection and cannot be set.",
        f"10:73: error: the MCP server 'h': the value of the header 'x-team' {breaks}",
    ):
        assert f"config.yaml:{told}" in result.output, told
    assert result.output.count("error: ") == 8
    assert "hush" not in "".join(line for line in result.output.splitlines() if "error: " in line)


def test_what_is_hardly_meant_of_an_mcp_server_is_told_where_it_stands(tmp_path: Path) -> None:
    text = """
        mcp_servers:
          a: {command: "python server.py"}
          b: {command: python, args: "-m foo"}
          c: {url: "https://x.example/mcp", auth_type: bearer_token}
          d: {url: "https://x.example/mcp", auth_type: api_key, static_headers: {X-API-Key: k}}
          e:
            url: https://x.example/mcp
            mcp_info:
              mcp_server_cost_info:
                default_cost_per_query: much
                tool_name_to_cost: {a: 1}
                tool_name_to_cost_per_query: {b: -1, c: 0.5}
          f: {url: "https://x.example/mcp", mcp_info: {mcp_server_costs_info: {}, any: thing}}
          sse: {url: "https://x.example/mcp"}
    """
    report = examine(_written(tmp_path, text), {})
    assert [(one.line, one.column, one.severity, one.message.partition(":")[0]) for one in report.findings] == [
        (3, 16, "warning", "no shell reads it, and there is no program of this whole name"),
        (4, 30, "warning", "is one argument, spaces and all; several are a list, `[-m, server]`"),
        (5, 48, "warning", "there is no `auth_value`"),
        (11, 33, "error", "expected a number, got 'much'"),
        (12, 9, "warning", "is no cost that is known, and has no effect; did you mean `tool_name_to_cost_per_query`?"),
        (13, 42, "error", "must not be negative"),
        (14, 48, "warning", "is free-form, and no call costs anything by it; did you mean `mcp_server_cost_info`?"),
        (15, 3, "error", "'sse' is reserved"),
    ]
    assert "callback, global, health, key" in report.findings[-1].message


def _written(directory: Path, text: str) -> Path:
    (directory / "config.yaml").write_text(dedent(text))
    return directory / "config.yaml"


def test_a_driver_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "general_settings: {database_url: postgresql://h/d}\n"
    assert "driver" not in run(tmp_path, text).output
    monkeypatch.setattr(address, "find_spec", lambda name: None)
    result = run(tmp_path, text)
    assert (result.exit_code, "pip install 'tollbridge[pg]'" in result.output) == (2, True)


def test_a_price_is_no_secret_and_is_shown(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: a
            litellm_params:
              model: openai/gpt-4.1
              api_key: a-long-secret-value-here
              input_cost_per_token: -0.000003
              output_cost_per_token: much
    """
    result = run(tmp_path, text)
    assert "     7 |       input_cost_per_token: -0.000003" in result.output
    assert "expected a number, got 'much'" in result.output
    assert "secret-value" not in result.output


def test_without_a_file_it_says_what_the_environment_would_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k")
    report = examine(None, {"GROQ_API_KEY": "k"})
    assert report.serves is not None
    assert [served.name for served in report.serves.models] == ["demo/*", "groq/*"]
    assert "  groq/*  groq/*" in CliRunner().invoke(main, ["check"]).output


def test_json_has_a_stable_shape(tmp_path: Path) -> None:
    result = run(tmp_path, CLEAN + "  routing_strategy: least-busy\n", "--format", "json")
    report = json.loads(result.output)
    assert (result.exit_code, report["errors"], report["warnings"]) == (1, 0, 1)
    assert report["findings"] == [
        {
            "severity": "warning",
            "message": "least-busy is not built yet; simple-shuffle is used",
            "file": "config.yaml",
            "line": 12,
            "column": 21,
            "path": "router_settings.routing_strategy",
        }
    ]
    assert sorted(report["serves"]) == [
        "aliases",
        "content_policy_fallbacks",
        "context_window_fallbacks",
        "default_fallbacks",
        "fallbacks",
        "mcp_servers",
        "models",
        "providers",
    ]
    assert report["serves"]["models"][0] == {
        "name": "gpt-4o",
        "deployments": ["openai/gpt-4o", "azure/gpt-4o"],
        "disabled": [],
        "unpriced": [],
    }
    broken = json.loads(run(tmp_path, "nothing: 1\n", "--json").output)
    assert (broken["errors"], broken["serves"]) == (1, None)


def test_a_weak_master_key_is_no_error_when_the_door_is_open(tmp_path: Path) -> None:
    text = CLEAN + "general_settings: {master_key: sk-1234}\n"
    assert (run(tmp_path, text).exit_code, run(tmp_path, text, "--open").exit_code) == (2, 0)


def test_the_file_may_be_named_as_serve_takes_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CLEAN)
    assert CliRunner().invoke(main, ["check", "--config", "config.yaml"]).exit_code == 0


def test_the_mark_stays_below_a_line_that_is_shortened_by_masking(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "model_list: [{model_name: a, params: {api_key: a-long-secret-value-here, model: openai/a, x: 1}}]\n"
    )
    shown = excerpts(examine(tmp_path / "config.yaml", {}).findings)
    assert shown[1] == "     1 | model_list: [{model_name: a, params: {api_key: ***, model: openai/a, x: 1}}]"
    assert shown[2].index("^") <= len(shown[1])


def test_options_without_a_command_are_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(main, ["--config", "nowhere.yaml", "--port", "0"])
    assert result.exit_code == 2
    assert "nowhere.yaml:1:1: error: cannot be read" in result.output


def test_the_list_of_commands_imports_none_of_them() -> None:
    told = "import sys, tollbridge.cli; tollbridge.cli.main(['--help'], standalone_mode=False); " + (
        "print([name for name in sys.modules if name.startswith('tollbridge.') and name != 'tollbridge.cli'])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in COMMANDS)


OLD = """\
# of another gateway
model_list:
  - model_name: a  # the first
    params: {model: openai/gpt-4o, base_url: "http://127.0.0.1:1/v1", api_key: k, "headers": {x: "1"}}
  - model_name: a
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: k
      tempratur: 0.5
litellm_settings:
  drop_params: true
  cache: true
  telemetry: false
router_settings:
  enable_pre_call_check: true
  routing_strategy: least-busy
"""


def test_explain_says_of_each_key_once_what_becomes_of_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(OLD.replace("      tempratur: 0.5\n", ""))
    result = CliRunner().invoke(main, ["check", "config.yaml", "--explain", "--json"])
    told = {one["key"]: (one["word"], one["times"]) for one in json.loads(result.stdout)["explained"]}
    assert told["litellm_params.model"] == ("same", 2)
    assert told["litellm_settings.drop_params"] == ("better", 1)
    assert told["litellm_settings.cache"] == ("absent", 1)
    assert told["litellm_settings.telemetry"] == ("nothing", 1)
    assert told["router_settings.routing_strategy"] == ("absent", 1)
    text = CliRunner().invoke(main, ["check", "config.yaml", "--explain"]).stdout
    assert "works better (1)\n  litellm_settings.drop_params" in text
    assert "](" not in text


def test_fix_writes_better_names_into_the_file_and_leaves_all_else(tmp_path: Path) -> None:
    result = run(tmp_path, OLD, "--fix")
    assert result.exit_code == 1
    expected = OLD.replace("params: {model", "litellm_params: {model").replace("base_url", "api_base")
    expected = expected.replace('"headers"', '"extra_headers"').replace("tempratur", "temperature")
    expected = expected.replace("pre_call_check:", "pre_call_checks:")
    assert (tmp_path / "config.yaml").read_text() == expected
    assert result.output.startswith("config.yaml:4:5: params is now litellm_params\n")
    again = run(tmp_path, expected, "--fix")
    assert "is now" not in again.output


def test_fix_opens_nothing_and_makes_no_key_twice(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: a
            litellm_params: {model: openai/gpt-4o, api_key: k, api_base: "http://a/v1", base_url: "http://a/v1"}
        general_settings: {dangerously_permit_weak_or_unset_master_key: true}
    """
    run(tmp_path, text, "--fix")
    assert (tmp_path / "config.yaml").read_text() == dedent(text)


def test_fix_writes_into_the_file_that_a_key_stands_in(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("router_settings: {enable_pre_call_check: true}\n")
    run(tmp_path, "include: more.yaml\n" + dedent(CLEAN).partition("router_settings")[0], "--fix")
    assert (tmp_path / "more.yaml").read_text() == "router_settings: {enable_pre_call_checks: true}\n"


def test_all_errors_and_all_unset_variables_are_told_in_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "find_spec", lambda name: None)
    text = """
        model_list:
          - {model_name: a, litellm_params: {model: openai/a, tempratur: 1}}
          - {model_name: b, litellm_params: {model: openai/b}, model_info: {id: os.environ/UNSET_1}}
        router_settings:
          redis_host: os.environ/UNSET_2
          num_retries: many
        litellm_settings:
          cache_params: {host: os.environ/UNSET_3}
        general_settings:
          database_url: postgresql://db/x
          cors: {origins: [os.environ/UNSET_4]}
        mcp_servers:
          x: {url: "https://x.example/${NOT_SET_HERE}/mcp"}
          y: {command: y, env: {A: os.environ/UNSET_5}}
        x-mine: {never: os.environ/UNSET_6}
    """
    result = run(tmp_path, text, "--json")
    report = json.loads(result.output)
    assert (result.exit_code, report["serves"]) == (2, None)
    told = [f"{one['line']}:{one['column']} {one['severity']} {one['path']}" for one in report["findings"]]
    assert told == [
        "3:55 error model_list[0].litellm_params.tempratur",
        "4:5 warning ",
        "4:73 warning model_list[1].model_info.id",
        "6:15 warning router_settings.redis_host",
        "7:16 error router_settings.num_retries",
        "9:3 warning litellm_settings.cache_params",
        "9:24 warning litellm_settings.cache_params.host",
        "11:17 error general_settings.database_url",
        "12:20 warning general_settings.cors.origins[0]",
        "14:12 error ",
        "15:16 warning mcp_servers.y",
        "15:28 warning mcp_servers.y.env.A",
    ]


def test_a_hook_that_would_check_requests_is_an_error_and_is_not_run(tmp_path: Path) -> None:
    hook = "class Guard:\n    async def async_pre_call_hook(self): ...\n\n\nguard = Guard()\nraise SystemExit(7)\n"
    (tmp_path / "mine.py").write_text(hook)
    result = run(tmp_path, CLEAN + "\ncallbacks: [mine.guard]\n")
    assert result.exit_code == 2
    assert "mine.py:2:5: error: the hook mine.guard checks by `async_pre_call_hook`" in result.output


def test_a_file_that_serves_nothing_is_a_warning(tmp_path: Path) -> None:
    result = run(tmp_path, "# nothing yet\n")
    assert result.exit_code == 1
    assert "config.yaml:1:1: warning: serves nothing" in result.output


@pytest.mark.parametrize("name", ["5", "4.1", "[a]", "true", "{a: b}"])
def test_a_base_model_that_is_no_name_is_an_error_with_its_place(tmp_path: Path, name: str) -> None:
    text = f"""
        model_list:
          - model_name: a
            litellm_params: {{model: openai/gpt-4o, api_key: k}}
            model_info: {{base_model: {name}}}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 2, result.output
    assert "config.yaml:5:30: error: model_list[0].model_info.base_model: expected a model's name" in result.output


def test_what_cannot_be_used_of_model_info_is_told_with_its_place_and_left_out(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: a
            litellm_params: {model: openai/gpt-4o, api_key: k, thinking: 5, drop_params: "yes"}
            model_info:
              id: [a]
              max_input_tokens: many
              max_output_tokens: -5
              supports_vision: maybe
              mode: chatt
              anything: [1, 2]
    """
    result = run(tmp_path, text)
    assert result.exit_code == 1
    told = [line.removeprefix("config.yaml:") for line in result.output.splitlines() if line.startswith("config.yaml:")]
    assert told == [
        "4:66: warning: model_list[0].litellm_params.thinking: expected a table, got '5'; it is refused, or has no "
        "effect",
        "6:11: warning: model_list[0].model_info.id: expected text, got a list; it is left out",
        "7:25: warning: model_list[0].model_info.max_input_tokens: expected a whole number, got 'many'; it is left out",
        "8:26: warning: model_list[0].model_info.max_output_tokens: must not be negative; it is left out",
        "9:24: warning: model_list[0].model_info.supports_vision: expected true or false, got 'maybe'; it is left out",
        "10:13: warning: model_list[0].model_info.mode: 'chatt' is no mode that is known; did you mean `chat`?; it is "
        "left out",
        " 0 errors, 6 warnings",
    ]


@pytest.mark.parametrize(
    ("model", "info"),
    [("fal_ai/fal-ai//flux", "{}"), ("fal_ai/fal-ai/../x", "{}"), ("fal_ai/fal-ai/x", "{mode: chat}")],
)
def test_a_model_that_its_provider_can_do_nothing_with_does_not_serve(tmp_path: Path, model: str, info: str) -> None:
    text = f"""
        model_list:
          - {{model_name: a, litellm_params: {{model: {model}, api_key: k}}, model_info: {info}}}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 1
    assert "config.yaml:3:5: warning: this deployment of 'a' does not serve: " in result.output


def test_each_wrong_cache_point_is_told_with_its_place_and_a_mistyped_key_by_its_near_name(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: a
            litellm_params:
              model: anthropic/claude-sonnet-4-5
              api_key: k
              cache_control_injection_points:
                - {location: message, rol: system}
                - {location: x}
                - {location: message, index: "last"}
                - {role: system, control: {ttl: 2h}}
                - system
                - {location: message, role: nobody}
                - {role: system, indx: 1}
    """
    result = run(tmp_path, text)
    assert result.exit_code == 2
    at = "model_list[0].litellm_params.cache_control_injection_points"
    told = [line.removeprefix("config.yaml:") for line in result.output.splitlines() if line.startswith("config.yaml:")]
    assert [line.replace(at, "") for line in told[:-1]] == [
        "8:31: error: [0].rol: is not a known key; did you mean `role`?",
        "9:22: error: [1].location: expected `message` or `tool_config`",
        "10:38: error: [2].index: expected a whole number, -1 for the last message",
        '11:35: error: [3].control: expected {"type": "ephemeral"}, with "ttl" "5m" or "1h"',
        "12:11: error: [4]: expected an object, such as `{location: message, role: system}`",
        "13:37: error: [5].role: expected one of system, user, assistant, tool, or an `index`",
        "14:26: warning: [6].indx: is not a known key; did you mean `index`?",
    ]


def test_models_without_a_price_are_told_once_each_and_after_ten_as_a_sum(tmp_path: Path) -> None:
    same = "".join([f"  - {{model_name: s{n}, litellm_params: {{model: openai/x, api_key: k}}}}\n" for n in range(20)])
    assert run(tmp_path, f"model_list:\n{same}").output.count("warning: ") == 1
    other = "".join([f"  - {{model_name: o, litellm_params: {{model: openai/x{n}, api_key: k}}}}\n" for n in range(30)])
    result = run(tmp_path, f"model_list:\n{same}{other}")
    assert "2:5: warning: s0 (and 19 more deployments of it): no price is known for openai/x: " in result.output
    assert "31:5: warning: o and others: no price is known for 21 more models either." in result.output
    assert result.output.count("warning: ") == 11
    assert "  s19  openai/x; no price is known for openai/x" in result.output


def test_an_image_model_without_a_price_is_advised_one_for_an_image(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: a, litellm_params: {model: fal_ai/fal-ai/nobody-knows, api_key: k}}
          - {model_name: b, litellm_params: {model: openai/painter, api_key: k}, model_info: {mode: image_edit}}
    """
    told = run(tmp_path, text).output
    assert told.count("Set `output_cost_per_image`, or") == 2
    assert "input_cost_per_token" not in told


def test_of_a_long_line_the_part_is_shown_that_is_meant(tmp_path: Path) -> None:
    params = "model: openai/m, api_key: hush-hush-hush, " + "".join(f"additional_{n}: {n}, " for n in range(15))
    result = run(tmp_path, f"model_list: [{{model_name: m, litellm_params: {{{params}tmeperature: 1}}}}]\n")
    lines = result.output.splitlines()
    told = next(number for number, line in enumerate(lines) if "tmeperature: is not a known key" in line)
    shown, mark = lines[told + 1], lines[told + 2]
    assert shown[mark.index("^") :].startswith("tmeperature: 1")
    assert len(shown) < 180
    assert "hush" not in result.output


def test_a_margin_of_a_provider_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = "litellm_settings:\n  cost_margin_config: {opnai: 0.1, global: 0.2, mine: 0.3}\n"
    text += 'providers: [{name: mine, base_url: "http://127.0.0.1:1"}]\n'
    output = run(tmp_path, text).output
    told = "cost_margin_config.opnai: no provider is called so: it changes no price; did you mean `openai`?"
    assert f"config.yaml:2:24: warning: litellm_settings.{told}" in output
    assert output.count("no provider is called so") == 1


def test_a_model_that_is_mistyped_is_told_with_a_near_name(tmp_path: Path) -> None:
    text = "model_list: [{model_name: m, litellm_params: {model: anthropic/claude-sonet-4-5, api_key: k}}]"
    told = run(tmp_path, text).output
    assert "no price is known for anthropic/claude-sonet-4-5" in told
    assert "Did you mean 'claude-sonnet-4-5'" in told


def test_a_program_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("#!/bin/sh\n")
    (tmp_path / "here").chmod(0o755)
    text = f"""
        model_list: [{{model_name: d, litellm_params: {{model: demo/hello}}}}]
        mcp_servers:
          absent: {{command: no-such-program-anywhere}}
          file: {{command: {tmp_path}/none}}
          there: {{command: {tmp_path}/here}}
          path: {{command: here, env: {{PATH: {tmp_path}}}}}
          relative: {{command: ./later}}
    """
    report = run(tmp_path, text)
    assert report.exit_code == 1
    assert [line.partition(": warning: ")[2] for line in report.output.splitlines() if ": warning: " in line] == [
        "mcp_servers.absent: there is no program of this name on PATH here: the server cannot be started",
        "mcp_servers.file: there is no file that can be run here: the server cannot be started",
    ]


def test_a_key_without_the_address_that_it_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    told = [one.message for one in examine(None, {"AZURE_API_KEY": "a", "GROQ_API_KEY": "k"}).findings]
    assert told == [
        "azure/* does not serve, though AZURE_API_KEY is set: needs an address: pass `api_base`, or set AZURE_API_BASE "
        "or AZURE_OPENAI_ENDPOINT"
    ]
    base = {"AZURE_API_KEY": "a", "AZURE_API_BASE": "https://a.openai.azure.com"}
    assert examine(None, base).findings == ()
