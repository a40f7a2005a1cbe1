"""What can be seen of the operator's hooks without running them: whether they are there, and which of their methods are
called here.

The file is parsed, not imported. The object is followed to its class where both stand in that file (`name = Class()`),
and from there to base classes of the same file; of one that is made in another way nothing is said.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from tollbridge.assemble.hooks import CHECKING, file_of
from tollbridge.config.findings import Findings, Place
from tollbridge.mcp.hooks import NAME

_MOMENTS = re.compile(r"(?:async_)?log_\w+|\w+_(?:hook|event|check|prompt|deployments)")
"""Names of methods that LiteLLM calls at some moment (https://docs.litellm.ai/docs/observability/custom_callback, seen
2026-11-26)."""

Method = ast.FunctionDef | ast.AsyncFunctionDef


def tell_uncalled(names: Sequence[str], source: Path | None, findings: Findings) -> None:
    """A warning where an object's methods are never called; an error where such a one would check requests."""
    for name in names:
        file = file_of(name, source)
        if file is None:
            continue
        try:
            module = ast.parse(file.read_bytes())
        except (OSError, ValueError, SyntaxError) as error:
            line = getattr(error, "lineno", None) or 1
            findings.error(Place(str(file), line), f"the hook {name} cannot be read: {error}")
            continue
        absent = _absent(module, name.rpartition(".")[2])
        if absent is not None:
            findings.error(Place(str(file), absent[0]), f"the hook {name} cannot be loaded: {absent[1]}")
            continue
        methods = {method.name: method for method in _methods(module, name.rpartition(".")[2])}
        waiting = [method for method in methods.values() if method.name != NAME and _MOMENTS.fullmatch(method.name)]
        checks = next((method for method in waiting if method.name in CHECKING), None)
        if checks is not None:
            told = f"the hook {name} checks by `{checks.name}`, and nothing here calls that: take it out"
            findings.error(_place(file, checks), told)
        elif waiting:
            told = ", ".join(f"`{method.name}`" for method in waiting)
            called = f"`{NAME}` is" if NAME in methods else f"nothing of it is: only `{NAME}` would be"
            findings.warning(
                _place(file, waiting[0]), f"{name}: never called here: {told}; {called}, after calls of MCP tools"
            )


def _absent(module: ast.Module, name: str) -> tuple[int, str] | None:
    """(line, what is not there): a module that is imported and cannot be found, or the object itself. Of what stands
    in a branch, or is named by `import *`, nothing is said."""
    bound = set[str]()
    for node in module.body:
        match node:
            case ast.Import(names=names):
                imported = [one.name for one in names]
            case ast.ImportFrom(module=str(source), level=0):
                imported = [source]
            case _:
                imported = []
        for one in imported:
            if not _found(one):
                return node.lineno, f"there is no module {one!r}"
        bound |= _bound(node)
    if name in bound or "*" in bound:
        return None
    return 1, f"nothing in it is called {name!r}"


def _bound(node: ast.stmt) -> set[str]:
    """Names that stand at the module's top after it, and "*" where it cannot be told."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {one.asname or one.name.partition(".")[0] for one in names}
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        case ast.Expr(value=ast.Constant()):
            return set()
    return {"*"}


def _found(module: str) -> bool:
    """Its outermost package is there. What we give in LiteLLM's place counts."""
    package = module.partition(".")[0]
    if package == "litellm" or package in sys.modules:
        return True
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _place(file: Path, method: Method) -> Place:
    return Place(str(file), method.lineno, method.col_offset + 1)


def _methods(module: ast.Module, name: str) -> Iterator[Method]:
    """Those of the object's class, and before them those of its bases, as they stand in the file."""
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    waiting, ordered = [_class_of(module, name)], list[ast.ClassDef]()
    while waiting:
        found = classes.get(waiting.pop())
        if found is not None and found not in ordered:
            ordered.append(found)
            waiting += [base.id for base in found.bases if isinstance(base, ast.Name)]
    for found in reversed(ordered):
        yield from (node for node in found.body if isinstance(node, Method))


def _class_of(module: ast.Module, name: str) -> str:
    """The class that `name = Class(...)` names; "" where nothing does."""
    for node in module.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=target)], value=ast.Call(func=ast.Name(id=made)))
                | ast.AnnAssign(target=ast.Name(id=target), value=ast.Call(func=ast.Name(id=made)))
            ) if target == name:
                return made
    return ""
