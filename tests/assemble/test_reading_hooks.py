from __future__ import annotations

from pathlib import Path

from tests.assemble.test_misgivings import problems

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
