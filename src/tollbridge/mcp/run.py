"""One request that costs something, from the right to make it to its entry in the ledger.

A tool call counts as a request of its key (RPM, parallel requests), costs what the operator says, and is refused where
the key's budget does not reach. Reading a resource and getting a prompt are requests too, and cost nothing. What was
called, at which server, how it ended and what it cost is an entry beside those of models: `provider` is `mcp`,
`deployment` the server, `model` the tool.

A tool that ran and tells an error (`isError`) costs what it costs, and is an entry that failed; an error of the
protocol, and a tool that the server does not have, cost nothing. Nor does a round that ends with a question
(`input_required`): the call is paid for once, when it is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from tollbridge.errors import APIError, BudgetExceededError
from tollbridge.mcp.absent import disowned, lacks, named, shown
from tollbridge.mcp.call import Call
from tollbridge.mcp.eras import COMPLETE, INPUT_REQUIRED
from tollbridge.mcp.hooks import Called, after
from tollbridge.mcp.jsonrpc import BUDGET, INVALID_PARAMS, TOO_MANY, RpcError
from tollbridge.mcp.many import DESCRIBE, SEARCH
from tollbridge.mcp.pace import COUNTED
from tollbridge.mcp.view import View
from tollbridge.model.json import JsonObject
from tollbridge.observe import Record
from tollbridge.server.gateway import Gateway
from tollbridge.server.identify import Authenticator
from tollbridge.server.presence import broken_off

PROVIDER = "mcp"


class Runner:
    """`gateway`: whose limits, budgets and journal hold; what a reload replaces is looked up at each request."""

    def __init__(self, gateway: Gateway, hooks: Sequence[Any] = ()) -> None:
        """`hooks`: the operator's, which see each call when it is done (`hooks.py`)."""
        self._gateway = gateway
        self._hooks = hooks

    @property
    def authenticator(self) -> Authenticator:
        return self._gateway.authenticator

    async def run(
        self,
        view: View,
        call: Call,
        record: Record,
        *,
        spent: Callable[[int], None] | None = None,
        whole: bool = False,
    ) -> JsonObject:
        """The result of a request, accounted for. `spent`: it is made within a request that has its place, and is told
        what it cost. `whole`: the record is of nothing else, and becomes the entry. Raises RpcError."""
        inner = spent is not None
        offer = view.scope.offer(call.params.get("name")) if call.method == "tools/call" else None
        if offer is not None:
            upstream, name, cost = offer.upstream, offer.name, offer.cost_nanousd
            if call.params["name"] != name:
                call = call.with_params({**call.params, "name": name})
        else:
            if call.method != "tools/call" or await view.meant(call) in (SEARCH, DESCRIBE):
                with self._place(call, inner=inner):
                    return await view.run(call)
            upstream, own = await view.target(call)
            name = own["name"]
            cost = upstream.definition.cost(name) or 0
            call = call.with_params(own)
        gateway, key = self._gateway, call.caller.principal.key
        held = None
        try:
            gateway.journal.check()
            if key is not None:
                held = gateway.allowance.hold_cost(key, cost, inner=inner)
        except BudgetExceededError as error:
            raise RpcError(BUDGET, error.message, status=error.status_code) from error
        except APIError as error:
            raise refused(error) from error
        entry = _entry(record if whole else msgspec.structs.replace(record), upstream.name, name)
        began, began_at = time.monotonic(), time.time()
        if inner:
            entry.at, entry.began = began_at, began
        try:
            result = await view.at(upstream, call)
            entry.status, entry.outcome = 200, "ok"
            if self._hooks and result.get("resultType", COMPLETE) == COMPLETE:
                arguments = call.params.get("arguments")
                called = Called(
                    upstream.name,
                    name,
                    arguments if isinstance(arguments, dict) else {},
                    call.caller.principal,
                    began_at,
                    time.time(),
                )
                result, set_cost = await after(self._hooks, called, result)
                cost = cost if set_cost is None else set_cost
            entry.cost_nanousd = 0 if result.get("resultType") == INPUT_REQUIRED else cost
            if result.get("isError") is True:
                entry.outcome, entry.error_class = "upstream_error", "ToolError"
                if await disowned(view, upstream, name, result):
                    _nothing_done(entry)
                    result = await shown(view, upstream, name, result)
            return result
        except RpcError as error:
            entry.status, entry.outcome, entry.error_class = 502, "upstream_error", "RpcError"
            if error.code == TOO_MANY:
                entry.status, entry.outcome = 429, "client_error"
            elif error.code == INVALID_PARAMS and await lacks(view, upstream, name):
                _nothing_done(entry)
                raise await named(view, upstream, name, error) from error
            raise error from error.__cause__
        except BaseException as error:
            broken_off(entry, error)
            entry.cost_nanousd = cost  # it may have been done
            raise
        finally:
            entry.upstream_ms = (time.monotonic() - began) * 1000
            entry.duration_ms = (time.monotonic() - entry.began) * 1000
            entry.overhead_ms = max(0.0, entry.duration_ms - entry.upstream_ms)
            entry.id = gateway.ulids.next()
            gateway.observe(entry, gateway.journal.append(entry))
            if held is not None:
                held.settle(entry)
            if spent is not None:
                spent(entry.cost_nanousd or 0)

    @contextmanager
    def _place(self, call: Call, *, inner: bool) -> Iterator[None]:
        """Of a request that costs nothing, within the limits of its key. Raises RpcError."""
        key = call.caller.principal.key
        if key is None or inner or call.method not in COUNTED:
            yield
            return
        try:
            place = self._gateway.allowance.place(key)
        except APIError as error:
            raise refused(error) from error
        try:
            yield
        finally:
            place.settle(0)


def refused(error: APIError) -> RpcError:
    """By a limit of the key, or because nothing can be written down now."""
    wait = error.retry_after_s
    return RpcError(
        TOO_MANY,
        error.message,
        None if wait is None else {"retry_after_s": round(wait, 1)},
        status=error.status_code,
    )


def _nothing_done(entry: Record) -> None:
    """The server has no such tool, whatever form its refusal has."""
    entry.status, entry.outcome, entry.error_class, entry.cost_nanousd = 404, "client_error", "UnknownTool", 0


def _entry(record: Record, server: str, tool: str) -> Record:
    record.model_requested = record.model = tool[:200]
    record.group, record.deployment, record.provider = f"{PROVIDER}/{server}", server, PROVIDER
    record.attempts, record.cost_nanousd, record.priced = 1, 0, "config"
    record.tokens = {"input": 0, "output": 0}
    return record
