"""`Json`: what stands on a wire before a reader has looked at it. Narrowed by the function that receives it."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]

NESTING_MAX = 32
"""Of what is kept for later. How deep JSON may be read depends on the stack of who reads it: what was read in one place
would not be read again in another."""


def too_deep(value: Json, most: int = NESTING_MAX) -> bool:
    """Without recursion."""
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
