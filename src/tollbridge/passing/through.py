"""The routes of what is passed through. They stand behind all others: no path of ours is ever passed on."""

from __future__ import annotations

from collections.abc import Sequence

from tollbridge.observe import Record
from tollbridge.passing.passage import Deployments, Passage
from tollbridge.passing.way import Way
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.routes import Mount, Route
from tollbridge.wires.gemini.vocabulary import NAME as GEMINI


class Through:
    """`gateway`: whose keys, budgets and journal hold. `deployments`: what a model of a way is and costs."""

    def __init__(self, gateway: Gateway, ways: Sequence[Way], deployments: Deployments) -> None:
        self._gateway = gateway
        self._deployments = deployments
        self.ways = tuple(ways)

    def routes(self) -> tuple[Route, ...]:
        return tuple(
            Route(
                methods=way.methods,
                path=path,
                handler="mounted",
                access="key",
                mount=self._mount(way),
                flows=True,
                key_in_query=way.place.root.wire == GEMINI,
            )
            for way in self.ways
            for path in ((way.path,) if way.own else ()) + ((f"{way.path}/{{id}}",) if way.below else ())
        )

    def _mount(self, way: Way) -> Mount:
        async def handle(inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
            await Passage(self._gateway, way, self._deployments, inbound, responder, record).run(id or "")

        return handle
