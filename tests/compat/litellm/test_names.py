"""The page that lists LiteLLM's names is what the shim does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tollbridge.compat.litellm.names import NAMES
from tollbridge.compat.litellm.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/migrating-from-litellm.md"
ASKED_FOR = (
    *("completion", "acompletion", "embedding", "Router", "completion_cost", "token_counter", "get_model_info"),
    *("register_model", "validate_environment", "stream_chunk_builder", "BudgetManager", "Cache", "CustomLLM"),
    *("supports_vision", "supports_function_calling", "batch_completion", "get_llm_provider", "trim_messages"),
    *("generate_content", "agenerate_content", "completion_with_fallbacks"),
)


def test_the_page_is_not_stale() -> None:
    command = [sys.executable, "-m", "scripts.litellm_names", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_names_each_name_and_each_setting_once() -> None:
    listed = PAGE.read_text("utf-8").partition("### Names")[2]
    names, _, settings = listed.partition("### Settings")
    listed_names = [row.split("|")[1] for row in names.splitlines() if row.startswith("| ")]
    for name in NAMES:
        assert sum(f"`{name}`" in row for row in listed_names) == 1, name
    for name in SETTINGS - {"_current_cost", "_async_success_callback", "_async_failure_callback"}:
        assert f"`{name}`" in settings, name
    assert set(ASKED_FOR) <= NAMES.keys()
    assert "max_fallbacks" in SETTINGS


def test_what_is_called_the_same_is_there_and_what_is_absent_is_nowhere_in_the_sdk(litellm: Any) -> None:
    for one in NAMES.values():
        if one.verdict == "absent":
            assert one.note, one.name
            assert one.name not in tollbridge.__all__, f"{one.name} is built: give it its home"
        else:
            assert "absent" not in type(getattr(litellm, one.name)).__module__, one.name


def test_what_is_not_built_may_stand_in_an_annotation_and_is_no_number(litellm: Any) -> None:
    from litellm import DEFAULT_MAX_TOKENS, EmbeddingInput  # type: ignore[import-not-found]

    def said(asked: EmbeddingInput | None = None) -> EmbeddingInput | None:
        return asked

    assert said() is None
    for use in (lambda: DEFAULT_MAX_TOKENS * 2, lambda: range(DEFAULT_MAX_TOKENS), lambda: DEFAULT_MAX_TOKENS > 1):
        with pytest.raises(tollbridge.NotBuilt, match="DEFAULT_MAX_TOKENS"):
            use()
