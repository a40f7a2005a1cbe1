"""`Request` -> the body for Converse. Nobody speaks this format to us: every request is another dialect's, and is made
into one that the service and the model's family accept (`history`, `settings`, `tools`), with a Caveat for each thing
that could not be carried."""

from __future__ import annotations

from urllib.parse import quote

from tollbridge.model.json import JsonObject
from tollbridge.model.request import Request, Tool, only_allowed
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.bedrock_converse.extras import write_extras
from tollbridge.wires.bedrock_converse.history import History
from tollbridge.wires.bedrock_converse.models import family_of
from tollbridge.wires.bedrock_converse.settings import Settings
from tollbridge.wires.bedrock_converse.tools import write_tools
from tollbridge.wires.bedrock_converse.write_parts import PartWriter

_LACKED = (
    ("max_tokens", "maxTokens"),
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("stop", "stopSequences"),
)
"""A feature's word, and the field of `inferenceConfig` that says it."""


def path_of(model: str, *, stream: bool) -> str:
    """Of a model, or of the ARN of a profile, which stands in the path as one step of it."""
    return f"/model/{quote(model, safe='')}/" + ("converse-stream" if stream else "converse")


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    """What model it is, where its name does not say, is `prefers["base_model"]`."""
    family = family_of(to.prefers.get("base_model") or to.model)
    parts = PartWriter(family, account=to.account, lacks=to.lacks)
    request = only_allowed(request, parts.caveats)
    settings = Settings(request, to, family, parts.caveats)
    settings.output_format()
    names = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    history = History(
        parts,
        family,
        lacks_system="system" in to.lacks,
        modify=to.modify,
        only_tool=names[0] if len(names) == 1 else None,
    )
    system, messages = history.write(request.messages, settings.asks)
    settings.sampling(bare_tool_turn=history.ends_in_bare_tool_turn())
    body: JsonObject = {"messages": messages}
    if system:
        body["system"] = system
    tools = write_tools(request, to, family, parts, history.called(), settings.answer_schema, settings.additional)
    if tools is not None:
        body["toolConfig"] = tools
    _leave_out(settings, to, parts)
    if request.user is not None:
        parts.caveats.append(unsent_field("user", "this service is not told the end user"))
    settings.write(body)
    write_extras(request.extra, request.metadata, body, settings.additional, parts.caveats)
    if settings.additional:
        body["additionalModelRequestFields"] = settings.additional
    path = path_of(to.model, stream=to.stream)
    return Written(HttpRequest(path=path, body=body, took=frozenset(parts.took)), tuple(parts.caveats))


def _leave_out(settings: Settings, to: Target, parts: PartWriter) -> None:
    """What a target lacks (`base.FEATURES`)."""
    for feature, field in _LACKED:
        if feature in to.lacks and settings.inference.pop(field, None) is not None:
            parts.caveats.append(unsent_field(feature, "this target lacks it"))
    if "top_k" in to.lacks and settings.additional.pop("top_k", None) is not None:
        parts.caveats.append(unsent_field("top_k", "this target lacks it"))
    if "reasoning" in to.lacks:
        settings.field_paths.clear()
        for field in ("thinking", "output_config", "reasoningConfig", "reasoning_config", "reasoning_effort"):
            if settings.additional.pop(field, None) is not None:
                parts.caveats.append(unsent_field("reasoning", "this target lacks it"))
