"""`Request` -> the body for Cohere. Every client speaks another dialect: the request is made into one that Cohere
accepts (`turns`, `write_messages`, `settings`), with a Caveat for each thing that could not be carried."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.request import Request, Tool, only_allowed
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.cohere.settings import Settings, is_off
from tollbridge.wires.cohere.vocabulary import PATH, reasons
from tollbridge.wires.cohere.write_messages import MessageWriter
from tollbridge.wires.json_in_words import after_system
from tollbridge.wires.losses import Losses
from tollbridge.wires.turns import in_turns


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    """Raises BadRequestError for a tool's result whose call is absent."""
    losses = Losses("Cohere")
    request = only_allowed(request, losses.caveats)
    names = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    only_tool = names[0] if len(names) == 1 else None
    turns = in_turns(request.messages, losses, modify=to.modify, only_tool=only_tool)
    can_reason = reasons(to.model)
    writer = MessageWriter(to, reasons=can_reason and not is_off(request.reasoning), losses=losses)
    messages = writer.write(turns)
    settled: JsonObject = {}
    settings = Settings(request, to, settled, losses)
    settings.write(reasons=can_reason)
    messages = after_system(messages, settings.asks)
    body: JsonObject = {"model": to.model, "messages": messages, **settled, "stream": to.stream}
    return Written(HttpRequest(path=PATH, body=body), losses.told())
