"""`Json`: what stands on a wire before a reader has looked at it. Narrowed by the function that receives it."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]
