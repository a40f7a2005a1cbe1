"""The task, and what its wires share. A ranking is of all documents together: it is not asked for in parts."""

from __future__ import annotations

from collections.abc import Sequence

from tollbridge.errors import BadGatewayError
from tollbridge.model.tasks.rerank import Ranked, RerankRequest, RerankResponse
from tollbridge.wires.task import Task

RERANK: Task[RerankRequest, RerankResponse] = Task("rerank")


def checked(results: Sequence[Ranked], asked: RerankRequest) -> tuple[Ranked, ...]:
    """The best first, and no more than were asked for. Raises BadGatewayError for a document that there is not."""
    if not results:
        raise BadGatewayError("The provider ranked nothing.")
    if any(not 0 <= one.index < len(asked.documents) for one in results):
        raise BadGatewayError("The provider ranked a document that it was not given.")
    found = sorted(results, key=lambda one: -one.score)
    return tuple(found if asked.top is None else found[: asked.top])
