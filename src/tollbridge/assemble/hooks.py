"""Hooks of the operator's: `callbacks: custom_mcp_hook.custom_mcp_cost_tracker` is the object of that name in
`custom_mcp_hook.py` beside the configuration file. Nothing else is imported: no installed module, no other path. One
that would check requests or answers is refused: nothing here would call it.

Where LiteLLM is not installed, the two of its modules that such files import are given by us.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tollbridge.errors import ConfigError
from tollbridge.mcp.hooks import NAME, CustomLogger, HiddenParams, MCPPostCallResponseObject

CHECKING = (
    *("async_pre_call_hook", "async_moderation_hook", "apply_guardrail"),
    *("async_post_call_success_hook", "async_post_call_streaming_hook", "async_post_call_streaming_iterator_hook"),
)
"""Methods of LiteLLM's hooks that may refuse or change a request or an answer
(https://docs.litellm.ai/docs/proxy/call_hooks, seen 2026-11-26)."""


def hooks(names: Sequence[str], source: Path | None) -> list[Any]:
    """Raises ConfigError that says which cannot be loaded or called, and why."""
    found = []
    for name in names:
        file = file_of(name, source)
        if file is not None:
            found.append(_loaded(name, file))
    return [hook for hook in found if hasattr(hook, NAME)]


def file_of(name: str, source: Path | None) -> Path | None:
    """The file beside the configuration that it stands in; None where there is none."""
    *parts, last = name.split(".")
    if source is None or not parts or not all(part.isidentifier() for part in (*parts, last)):
        return None
    file = source.parent.joinpath(*parts).with_suffix(".py")
    return file if file.is_file() else None


def _loaded(name: str, file: Path) -> Any:
    _give_litellm()
    module_name = "tollbridge_hooks_" + name.rpartition(".")[0].replace(".", "_")
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"The hook {name} cannot be loaded from {file}.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = getattr(module, name.rpartition(".")[2])
    except Exception as error:
        raise ConfigError(f"The hook {name} in {file} fails: {type(error).__name__}: {error}") from error
    own = [kind for kind in type(found).__mro__ if kind.__module__ == module_name]
    checks = next((check for check in CHECKING for kind in own if check in vars(kind)), None)
    if checks is not None:
        raise ConfigError(f"The hook {name} in {file} checks by `{checks}`, and nothing here calls that: take it out.")
    return found


def _give_litellm() -> None:
    if "litellm" in sys.modules or importlib.util.find_spec("litellm") is not None:
        return
    logger = ModuleType("litellm.integrations.custom_logger")
    logger.CustomLogger = CustomLogger  # type: ignore[attr-defined]
    types = ModuleType("litellm.types.mcp")
    types.MCPPostCallResponseObject = MCPPostCallResponseObject  # type: ignore[attr-defined]
    types.HiddenParams = HiddenParams  # type: ignore[attr-defined]
    packages = [ModuleType(name) for name in ("litellm", "litellm.integrations", "litellm.types")]
    for module in (*packages, logger, types):
        module.__path__ = []
        sys.modules[module.__name__] = module
        parent, _, child = module.__name__.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
