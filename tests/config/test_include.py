from __future__ import annotations

from pathlib import Path

from tests.config.loading import config_of, said
from tollbridge.config.load import load


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        path = directory / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return directory / "main.yaml"


def test_included_files_are_joined_relative_to_the_one_that_names_them(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="include: [sub/models.yaml]\nmodel_list:\n  - {model_name: a, litellm_params: {model: openai/a}}\n",
        sub__models="include: more.yaml\nmodel_list:\n  - {model_name: b, litellm_params: {model: openai/b}}\n",
        sub__more="model_list: [{model_name: c, params: {model: openai/c}}]\nrouter_settings: {num_retries: 9}\n",
    )
    config = config_of(load(main, {}))
    assert [entry.model_name for entry in config.models] == ["a", "b", "c"]
    assert config.router.retries == 9
    assert [path.name for path in config.files] == ["main.yaml", "models.yaml", "more.yaml"]
    assert config.models[2].where.file.endswith("sub/more.yaml")


def test_the_including_file_wins_with_a_warning_where_both_say_something(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="include: other.yaml\nrouter_settings: {num_retries: 1, timeout: 5}\n",
        other="router_settings: {num_retries: 2, timeout: 5, retry_after: 3}\n",
    )
    loaded = load(main, {})
    router = config_of(loaded).router
    assert (router.retries, router.timeout_s, router.retry_after_s) == (1, 5.0, 3.0)
    (line,) = said(loaded)
    assert line.startswith("other.yaml:1:32: warning: router_settings.num_retries: ")
    assert line.endswith("main.yaml:2:32 says otherwise, and wins")


def test_files_that_include_each_other_are_an_error(tmp_path: Path) -> None:
    main = write(tmp_path, main="include: [a.yaml]\n", a="include: [b.yaml]\n", b="include: [a.yaml]\n")
    assert said(load(main, {})) == [
        "b.yaml:1:11: error: include: the files include each other: a.yaml -> b.yaml -> a.yaml"
    ]


def test_a_file_that_two_include_is_read_once(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="include: [a.yaml, b.yaml]\n",
        a="include: [c.yaml]\n",
        b="include: [c.yaml]\n",
        c="model_list: [{model_name: c, litellm_params: {model: openai/c}}]\n",
    )
    assert [entry.model_name for entry in config_of(load(main, {})).models] == ["c"]


def test_a_file_that_is_not_there_is_an_error_where_it_is_named(tmp_path: Path) -> None:
    main = write(tmp_path, main="include:\n  - nowhere.yaml\n")
    (line,) = said(load(main, {}))
    assert line.startswith("main.yaml:2:5: error: include: there is no file ")


def test_a_name_that_no_file_can_have_is_an_error(tmp_path: Path) -> None:
    for name in ("a" * 5000, '"a\\0b"', "."):
        (line,) = said(load(write(tmp_path, main=f"include: {name}\n"), {}))
        assert line.startswith("main.yaml:1:10: error: include: ")
    (line,) = said(load(write(tmp_path, main=f"litellm_settings: {{ssl_certificate: {'a' * 5000}}}\n"), {}))
    assert "there is no file" in line


def test_an_error_in_an_included_file_stands_in_that_file(tmp_path: Path) -> None:
    main = write(tmp_path, main="include: a.yaml\n", a="router_settings:\n  num_retris: 1\n")
    (line,) = said(load(main, {}))
    assert line.startswith("a.yaml:2:3: error: router_settings.num_retris: is not a known key")


def test_a_name_of_a_file_may_come_from_the_environment(tmp_path: Path) -> None:
    main = write(tmp_path, main="include: os.environ/MORE\n", a="router_settings: {num_retries: 7}\n")
    assert config_of(load(main, {"MORE": "a.yaml"})).router.retries == 7


def test_a_name_with_a_line_break_is_told_on_one_line(tmp_path: Path) -> None:
    (finding,) = said(load(write(tmp_path, main='include: "no\\nfile"\n'), {}))
    assert "\n" not in finding
    assert r"no\nfile" in finding
