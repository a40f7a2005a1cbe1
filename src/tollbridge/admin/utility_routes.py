"""`/utils/*`, `/routes`, in LiteLLM's JSON: what tokens a request has, what fields a model takes, what is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tollbridge.admin.parameters import invalid, only, text
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.supported import supported
from tollbridge.catalog.tokens import count_request, count_text, rule_for
from tollbridge.errors import APIError, BadRequestError, NotFoundError
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.principal import Principal
from tollbridge.server.gateway import Gateway
from tollbridge.server.managed import Call, Reply
from tollbridge.server.routes import READ, Route
from tollbridge.wires.dialects import CHAT, GEMINI

MODEL = "the name of a model, as a request says it"
_COUNTED = ("prompt", "messages", "contents", "tools", "system")


def utility_routes(gateway: Gateway, served: Callable[[], Sequence[Route]]) -> tuple[Route, ...]:
    """`served`: all routes there are when it is called."""
    desk = UtilityDesk(gateway, served)
    return (
        Route(
            methods=("POST",), path="/utils/token_counter", handler="managed", access="self", manager=desk.token_counter
        ),
        Route(
            methods=READ,
            path="/utils/supported_openai_params",
            handler="managed",
            access="self",
            manager=desk.supported,
        ),
        Route(methods=READ, path="/routes", handler="managed", access="admin", manager=desk.routes),
    )


class UtilityDesk:
    """One method per route."""

    def __init__(self, gateway: Gateway, served: Callable[[], Sequence[Route]]) -> None:
        self._gateway = gateway
        self._served = served

    async def token_counter(self, call: Call) -> Reply:
        """By our own count, also where `call_endpoint` asks for the provider's. Any model may be named: that of a name
        which the caller may not ask for is counted as the name says, like one that is not here."""
        body = call.body
        only(call.query, ("call_endpoint",))
        only(body, ("model", *_COUNTED))
        asked = text(body, "model", MODEL)
        deployment = self._found(asked, call.principal)
        model = asked if deployment is None else deployment.model
        if all(body.get(field) is None for field in ("prompt", "messages", "contents")):
            raise BadRequestError("Say `prompt`, `messages` or `contents`.", code="missing_field", param="messages")
        return Reply(
            {
                "total_tokens": await asyncio.to_thread(self._count, body, model),
                "request_model": asked,
                "model_used": model,
                "tokenizer_type": rule_for(model).encoding,
                "count_source": "local_estimate",
            }
        )

    async def supported(self, call: Call) -> Reply:
        only(call.query, ("model",))
        asked = call.query.get("model", "")
        deployment = self._found(asked, call.principal) if asked else None
        if deployment is None:
            raise NotFoundError(
                f"There is no such model here: `model` is {MODEL}.", code="model_not_found", param="model"
            )
        return Reply({"supported_openai_params": list(await asyncio.to_thread(supported, deployment))})

    async def routes(self, call: Call) -> Reply:
        only(call.query, ())
        return Reply(
            {
                "routes": [
                    {"path": one.path, "methods": list(one.methods), "name": one.handler, "access": one.access}
                    for one in self._served()
                ]
            }
        )

    def _found(self, asked: str, principal: Principal) -> Deployment | None:
        """The first deployment behind a name that the caller may ask for."""
        access = principal.access
        name = access.named(asked)
        try:
            group = self._gateway.engine.routes.groups.resolve(name)
        except APIError:
            return None
        return group.members[0] if group.members and access.reaches(group, name) else None

    def _count(self, body: JsonObject, model: str) -> int:
        dialects, prompt = self._gateway.dialects, body.get("prompt")
        counted = 0
        if prompt is not None:
            texts = prompt if isinstance(prompt, list) else [prompt]
            if not all(isinstance(one, str) for one in texts):
                raise invalid("prompt", "must be a text")
            counted = sum(count_text(one, model) for one in texts)
        if body.get("contents") is not None:
            said = {"contents": body["contents"]}
            counted += count_request(dialects[GEMINI].read_request(said).value, model)
        if body.get("messages") is not None:
            counted += count_request(dialects[CHAT].read_request(_chat(body, model)).value, model)
        return counted


def _chat(body: JsonObject, model: str) -> JsonObject:
    messages: Json = body["messages"]
    if body.get("system") and isinstance(messages, list):
        messages = [{"role": "system", "content": body["system"]}, *messages]
    said: JsonObject = {"model": model, "messages": messages}
    return {**said, "tools": body["tools"]} if body.get("tools") else said
