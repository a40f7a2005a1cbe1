from __future__ import annotations

from pathlib import Path

from tests.assemble.test_misgivings import problems
from tollbridge.assemble.reading_hooks import tell_uncalled
from tollbridge.config.findings import Findings

HOOK = """\
from litellm.integrations.custom_logger import CustomLogger


class Base(CustomLogger):
    def log_success_event(self, *args): ...


class Counting(Base):
    def helper(self): ...

    async def async_log_failure_event(self, *args): ...

    {more}


counting = Counting()
"""


def test_a_start_names_the_methods_of_a_hook_that_are_never_called(tmp_path: Path) -> None:
    text = """
        model_list: [{model_name: m, litellm_params: {model: demo/m}}]
        callbacks: [mine.counting]
    """
    never = "mine.counting: never called here: `log_success_event`, `async_log_failure_event`"
    (tmp_path / "mine.py").write_text(HOOK.format(more="x = 1"))
    called = "nothing of it is: only `async_post_mcp_tool_call_hook` would be, after calls of MCP tools"
    assert problems(tmp_path, text) == [f"mine.py:5:5: warning: {never}; {called}"]
    (tmp_path / "mine.py").write_text(HOOK.format(more="async def async_post_mcp_tool_call_hook(self, **said): ..."))
    called = "`async_post_mcp_tool_call_hook` is, after calls of MCP tools"
    assert problems(tmp_path, text) == [f"mine.py:5:5: warning: {never}; {called}"]


def test_a_hook_that_a_start_could_not_load_is_told_without_running_it(tmp_path: Path) -> None:
    cannot = "error: the hook mine.counting cannot be loaded"
    for written, told in (
        ("import os\nother = 1\nraise SystemExit(7)\n", []),  # what a statement does is not known
        ("import os\nother = 1\n", [f"mine.py:1:1: {cannot}: nothing in it is called 'counting'"]),
        (
            "import os\nfrom no_such.part import counting\n",
            [f"mine.py:2:1: {cannot}: there is no module 'no_such.part'"],
        ),
        ("from os import path as counting\n", []),
        ("if 1:\n    counting = 2\n", []),
        ("from litellm.types.mcp import HiddenParams\nx, counting = HiddenParams, 2\n", []),
    ):
        (tmp_path / "mine.py").write_text(written)
        findings = Findings()
        tell_uncalled(["mine.counting"], tmp_path / "config.yaml", findings)
        assert [str(one).replace(f"{tmp_path}/", "") for one in findings.all()] == told
