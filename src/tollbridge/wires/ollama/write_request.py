"""`Request` -> the body for Ollama. Every client speaks another dialect: the request is made into one that Ollama
accepts (`turns`, `write_messages`, `settings`), with a Caveat for each thing that could not be carried."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.request import Request, Tool, only_allowed
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.json_in_words import after_system
from tollbridge.wires.losses import Losses
from tollbridge.wires.ollama.settings import Settings
from tollbridge.wires.ollama.vocabulary import PATH
from tollbridge.wires.ollama.write_messages import MessageWriter
from tollbridge.wires.turns import in_turns


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    """Raises BadRequestError for a tool's result whose call is absent."""
    losses = Losses("Ollama")
    request = only_allowed(request, losses.caveats)
    names = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    turns = in_turns(request.messages, losses, modify=to.modify, only_tool=names[0] if len(names) == 1 else None)
    body: JsonObject = {"model": to.model, "messages": MessageWriter(to, losses).write(turns)}
    settings = Settings(request, to, body, losses)
    settings.write()
    body["messages"] = after_system(body["messages"], settings.asks)
    body["stream"] = to.stream  # it streams where nothing is said
    return Written(HttpRequest(path=PATH, body=body), losses.told())
