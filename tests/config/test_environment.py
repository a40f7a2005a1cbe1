from __future__ import annotations

from pathlib import Path

from tests.config.loading import GOOD_KEY, config_of, load_text, said
from tollbridge.config.environment import Environment, parse_dotenv, read_dotenv
from tollbridge.config.findings import Findings

ONE_MODEL = """
    model_list:
      - model_name: m
        litellm_params: {model: openai/m, api_key: os.environ/THE_KEY}
"""


def test_a_variable_is_read_at_any_depth(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: os.environ/NAME
            litellm_params:
              model: openai/gpt-4o
              api_key: os.environ/KEY
              extra_headers: {x-team: os.environ/TEAM}
              extra_body: {deep: [{er: os.environ/TEAM}]}
              timeout: os.environ/SECONDS
    """
    loaded = load_text(tmp_path, text, {"NAME": "n", "KEY": "k-1", "TEAM": "blue", "SECONDS": "30"})
    (entry,) = config_of(loaded).models
    assert entry.api_key is not None
    assert (entry.model_name, entry.api_key.reveal(), entry.timeout_s) == ("n", "k-1", 30.0)
    assert (entry.extra_headers, entry.extra_body) == ({"x-team": "blue"}, {"deep": [{"er": "blue"}]})


def test_a_missing_variable_disables_its_deployment_alone(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: m
            litellm_params: {model: openai/m, api_key: os.environ/THE_KEY}
          - model_name: m
            litellm_params: {model: openai/m, api_key: plain}
    """
    loaded = load_text(tmp_path, text)
    first, second = config_of(loaded).models
    assert (first.disabled, second.disabled) == ("THE_KEY is not set", None)
    assert said(loaded) == [
        "config.yaml:4:48: warning: model_list[0].litellm_params: THE_KEY is not set: "
        "this deployment of 'm' is disabled"
    ]


def test_a_deployment_whose_very_name_is_missing_is_disabled_too(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: m, litellm_params: {model: os.environ/MODEL}}
          - {model_name: os.environ/NAME, litellm_params: {model: openai/m}}
    """
    loaded = load_text(tmp_path, text)
    assert [entry.disabled for entry in config_of(loaded).models] == ["MODEL is not set", "NAME is not set"]


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    (entry,) = config_of(load_text(tmp_path, ONE_MODEL, {"THE_KEY": ""})).models
    assert entry.disabled == "THE_KEY is not set"


def test_a_master_key_whose_variable_is_missing_is_an_error(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "general_settings:\n  master_key: os.environ/MASTER\n")
    assert said(loaded) == ["config.yaml:2:15: error: general_settings.master_key: MASTER is not set"]


def test_another_key_whose_variable_is_missing_is_left_out(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "general_settings:\n  public_url: os.environ/URL\n")
    assert config_of(loaded).general.public_url is None
    assert said(loaded) == [
        "config.yaml:2:15: warning: general_settings.public_url: URL is not set: the key is left out"
    ]


def test_environment_variables_of_the_file_fill_in_and_the_real_environment_wins(tmp_path: Path) -> None:
    text = "environment_variables: {THE_KEY: from-file, OTHER: 5}\n"
    loaded = load_text(tmp_path, text + ONE_MODEL.replace("\n    ", "\n"))
    assert config_of(loaded).models[0].api_key.reveal() == "from-file"  # type: ignore[union-attr]
    assert loaded.environ["OTHER"] == "5"
    loaded = load_text(tmp_path, text + ONE_MODEL.replace("\n    ", "\n"), {"THE_KEY": "real"})
    assert config_of(loaded).models[0].api_key.reveal() == "real"  # type: ignore[union-attr]
    assert said(loaded) == [
        "config.yaml:1:34: warning: environment_variables.THE_KEY: "
        "the environment already has another value, which wins"
    ]


def test_a_variable_of_the_file_may_name_another(tmp_path: Path) -> None:
    text = "environment_variables: {A: os.environ/REAL, B: os.environ/A, C: os.environ/C}\n"
    loaded = load_text(tmp_path, text, {"REAL": "value"})
    assert (loaded.environ["A"], loaded.environ["B"], loaded.environ.get("C")) == ("value", "value", None)
    assert said(loaded) == ["config.yaml:1:65: warning: environment_variables.C: C is not set"]


def test_a_reference_without_a_name_is_an_error(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "general_settings: {public_url: os.environ/}\n")
    assert said(loaded)[0].startswith("config.yaml:1:32: error: after os.environ/ stands the name of a variable")


def test_dotenv_knows_quotes_comments_export_and_references() -> None:
    text = (
        '# a comment\n\nPLAIN=one # not this\nexport EXPORTED = two\r\nDOUBLE="a\\nb # kept" # gone\n'
        "SINGLE='${PLAIN} $ # kept'\nLINES=\"first\nsecond\"\nREF=${PLAIN}-${HOME_DIR}-${NONE}\nEMPTY=\nHASH=a#b\n"
    )
    findings = Findings()
    assert parse_dotenv(text, ".env", {"HOME_DIR": "/h"}, findings) == {
        "PLAIN": "one",
        "EXPORTED": "two",
        "DOUBLE": "a\nb # kept",
        "SINGLE": "${PLAIN} $ # kept",
        "LINES": "first\nsecond",
        "REF": "one-/h-",
        "EMPTY": "",
        "HASH": "a#b",
    }
    assert findings.all() == ()


def test_a_line_that_is_no_assignment_is_skipped_with_a_warning_that_does_not_show_it() -> None:
    findings = Findings()
    assert parse_dotenv("A=1\n  my-secret-words\nB=2", ".env", {}, findings) == {"A": "1", "B": "2"}
    (finding,) = findings.all()
    assert str(finding) == ".env:2:3: warning: is not NAME=value: the line is skipped"


def test_dotenv_beside_the_file_comes_before_the_working_directory_and_after_the_real_environment(
    tmp_path: Path,
) -> None:
    beside, working = tmp_path / "beside", tmp_path / "working"
    for directory, text in ((beside, "A=beside\nB=beside\n"), (working, "A=working\nB=working\nC=working\n")):
        directory.mkdir()
        (directory / ".env").write_text(text)
    environ = read_dotenv({"A": "real"}, Findings(), beside, working, beside)
    assert [environ[name] for name in "ABC"] == ["real", "beside", "working"]


def test_an_environment_does_not_show_its_values() -> None:
    environ = Environment({"KEY": "canary"}, {"OTHER": "x", "KEY": "y", "EMPTY": ""})
    assert repr(environ) == "<Environment of 2 variables>"
    assert (sorted(environ), "EMPTY" in environ) == (["KEY", "OTHER"], False)


def test_the_environment_of_the_process_is_not_changed(tmp_path: Path) -> None:
    environ = {"REAL": "1"}
    load_text(tmp_path, f"environment_variables: {{ADDED: {GOOD_KEY}}}\n", environ)
    assert environ == {"REAL": "1"}


def test_a_value_that_was_meant_to_name_a_variable_is_told_with_the_form_that_does(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: m
            litellm_params:
              model: openai/m
              api_key: ${NOPE}
              api_base: https://os.environ/HOST
              extra_headers: {a: $NOPE, b: "Bearer ${NOPE}", c: "$NOPE!", d: "costs $5"}
          - {model_name: n, litellm_params: {model: openai/m, api_key: os.environ.NOPE}}
          - {model_name: o, litellm_params: {model: openai/m, api_key: os.environ/GIVEN}}
        mcp_servers:
          s: {url: "https://x/${NOPE}", auth_value: $NOPE, static_headers: {a: "Bearer os.environ/NOPE"}}
    """
    named = "names no variable and is taken as it is written; the variable is `os.environ/NOPE`"
    hidden = named.replace("NOPE", "NAME")  # it may be a password that begins with `$`
    whole = "is taken as it is written: a variable is the whole value, `os.environ/NAME`"
    params = "model_list[0].litellm_params"
    within = "`${NAME}` within a text"
    assert said(load_text(tmp_path, text, {"GIVEN": "$SO_IT_IS"})) == [
        f"config.yaml:6:16: warning: {params}.api_key: {hidden}",
        f"config.yaml:7:17: warning: {params}.api_base: `os.environ/` {whole}",
        f"config.yaml:8:26: warning: {params}.extra_headers.a: {named}",
        f"config.yaml:8:36: warning: {params}.extra_headers.b: `${{...}}` {whole}",
        f"config.yaml:9:64: warning: model_list[1].litellm_params.api_key: {hidden}",
        f"config.yaml:12:45: warning: mcp_servers.s.auth_value: {hidden}",
        f"config.yaml:12:72: warning: mcp_servers.s.static_headers.a: `os.environ/` {whole}, or {within}",
    ]
