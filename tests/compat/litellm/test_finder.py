"""How `import litellm` comes to Tollbridge."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Optional

import pytest

import tollbridge
from tollbridge.compat.litellm.__main__ import main
from tollbridge.compat.litellm.modules import ALIASES, MODULES
from tollbridge.compat.litellm.names import NAMES


def run(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "TOLLBRIDGE_HOME": str(cwd / "home"), **environ}
    command = [sys.executable, "-W", "error", *words]
    return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=60, check=False)


def test_after_the_import_an_installed_litellm_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm/__init__.py").write_text("raise SystemExit('the other one')")
    (tmp_path / "litellm/utils.py").write_text("raise SystemExit('the other one')")
    program = (
        "import tollbridge.compat.litellm\n"
        "import litellm, litellm.utils\n"
        "from litellm import completion\n"
        "from litellm.types.utils import ModelResponse\n"
        "said = completion('demo/x', [{'role': 'user', 'content': 'hi'}])\n"
        "assert isinstance(said, ModelResponse), type(said)\n"
        "print(litellm.completion_cost(completion_response=said))\n"
    )
    done = run("-c", program, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("0.0\n", "")


def test_a_module_says_in_which_file_it_is(tmp_path: Path) -> None:
    program = (
        "import tollbridge.compat.litellm\nimport inspect, litellm, litellm.types.utils, litellm.exceptions\n"
        "for module in (litellm, litellm.types.utils, litellm.exceptions):\n"
        "    print(module.__file__ == inspect.getfile(module) == module.__spec__.origin, module.__file__)\n"
    )
    done = run("-c", program, cwd=tmp_path)
    assert done.stderr == ""
    for line in done.stdout.splitlines():
        same, _, file = line.partition(" ")
        assert same == "True"
        assert Path(file).is_file()


def test_one_that_was_imported_before_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm/__init__.py").write_text("")
    done = run("-c", "import litellm\nimport tollbridge.compat.litellm", cwd=tmp_path)
    assert "ImportError: `litellm` was imported already" in done.stderr


def test_a_script_is_run_with_its_arguments_its_directory_and_its_dotenv(tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs/beside.py").write_text("NAME = 'beside'")
    script = (
        "import os, sys, litellm, beside\n"
        "print(__name__, sys.argv[1:], beside.NAME, os.environ['FROM_DOTENV'], os.environ['TAKEN'])\n"
        "print(litellm.__version__)\n"
    )
    (tmp_path / "programs/script.py").write_text(script)
    (tmp_path / ".env").write_text("FROM_DOTENV=there\nTAKEN=no\n")
    done = run("-m", "tollbridge.compat.litellm", "programs/script.py", "--a", "b", cwd=tmp_path, TAKEN="yes")
    assert done.stderr == ""
    assert done.stdout.split() == ["__main__", "['--a',", "'b']", "beside", "there", "yes", "1.109.1"]
    done = run("-m", "tollbridge.compat.litellm", cwd=tmp_path)
    assert done.returncode == 1
    assert "script.py [arguments]" in done.stderr


def test_a_module_is_run_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/__main__.py").write_text("import litellm; print(litellm.supports_vision('gpt-4o'))")
    assert run("-m", "tollbridge.compat.litellm", "-m", "mine", cwd=tmp_path).stdout == "True\n"


@pytest.mark.parametrize("words", [("nothere.py",), ("-m", "not.here")])
def test_a_program_that_is_not_there_is_told(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tollbridge.compat.litellm", *words])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: there is no ")
    assert words[-1] in said


def test_every_name_of_every_module_can_be_imported(litellm: Any) -> None:
    for name in MODULES:
        module = import_module(f"litellm.{name}")
        for one in module.__all__:
            assert getattr(module, one) is not None, (name, one)
        with pytest.raises(AttributeError, match="has no 'nothing_like_it'"):
            _ = module.nothing_like_it
    for name in NAMES:
        assert getattr(litellm, name) is not None, name
    names: dict[str, object] = {}
    exec("from litellm import *", names)  # noqa: S102
    assert set(litellm.__all__) <= names.keys()


def test_the_bridge_is_the_sdks_own(litellm: Any) -> None:
    from litellm import experimental_mcp_client  # type: ignore[import-not-found]
    from litellm.experimental_mcp_client.tools import (  # type: ignore[import-not-found]
        transform_mcp_tool_to_openai_tool,
    )

    assert experimental_mcp_client is tollbridge.experimental_mcp_client  # type: ignore[attr-defined]
    assert transform_mcp_tool_to_openai_tool.__module__ == ALIASES["experimental_mcp_client.tools"]


def test_a_module_that_is_not_built_is_an_import_error_that_names_it(litellm: Any) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"`litellm.llms.openai` is not built in Tollbridge") as raised:
        import_module("litellm.llms.openai")
    assert isinstance(raised.value, tollbridge.NotBuilt)


FIRST_OF_A_HINT = {one.note: one.name for one in reversed(NAMES.values()) if one.verdict == "absent"}


@pytest.mark.parametrize("name", sorted(FIRST_OF_A_HINT.values()))
def test_what_is_absent_says_so_at_its_first_use_whatever_that_is(litellm: Any, name: str) -> None:
    absent = getattr(litellm, name)
    uses: list[Any] = [
        lambda: absent(),
        lambda: absent.anything,
        lambda: absent["anything"],
        lambda: list(absent),
        lambda: exec("class Mine(absent): pass", {"absent": absent}),  # noqa: S102
    ]
    for use in uses:
        with pytest.raises(tollbridge.NotBuilt, match=rf"`litellm\.{name}` is not built in Tollbridge. \S+"):
            use()
    assert not isinstance(object(), absent)


def test_published_handlers_of_a_custom_provider_import_what_they_annotate_with(litellm: Any) -> None:
    from litellm.llms.custom_httpx.http_handler import (  # type: ignore[import-not-found]
        AsyncHTTPHandler,
        HTTPHandler,
    )
    from litellm.types.utils import ModelInfo  # type: ignore[import-not-found]

    def asked(
        client: HTTPHandler | None = None,
        other: Optional[AsyncHTTPHandler] = AsyncHTTPHandler(timeout=3),  # noqa: B008, UP045
    ) -> object:
        return other if client is None else client

    assert isinstance(asked(), AsyncHTTPHandler)
    with pytest.raises(tollbridge.NotBuilt, match=r"HTTPHandler\.post.*httpx"):
        HTTPHandler().post("http://x.invalid")
    assert ModelInfo(max_tokens=3).max_tokens == 3


def test_the_package_itself_has_the_names_and_settings_too(tmp_path: Path) -> None:
    program = (
        "from tollbridge.compat import litellm\n"
        "from tollbridge.compat.litellm import ModelResponse, acompletion\n"
        "import litellm as other\n"
        "litellm.drop_params = True\n"
        "litellm.callbacks = [print]\n"
        "litellm.callbacks.clear()\n"
        "litellm.success_callback.append(lambda kwargs, response, began, ended: print(kwargs['model']))\n"
        "answer = litellm.completion('demo/x', [{'role': 'user', 'content': 'hi'}])\n"
        "print(isinstance(answer, ModelResponse), other.drop_params, acompletion is other.acompletion)\n"
        "try:\n    litellm.complete\nexcept AttributeError as error:\n    print('completion' in str(error))\n"
        "try:\n    litellm.dorp_params = 1\nexcept AttributeError as error:\n    print('drop_params' in str(error))\n"
        "print(hasattr(litellm, 'install'), litellm.__name__)\n"
    )
    done = run("-c", program, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.split() == ["x", "True", "True", "True", "True", "True", "True", "tollbridge.compat.litellm"]
