"""`/model/info`, `/model_group/info`, `/health`: what stands behind the names, in LiteLLM's JSON. A key is told of the
models that it may ask for, and of no credential and no address of any.

Differences from LiteLLM's, on purpose: prices are those of the list, before `cost_discount_config` and
`cost_margin_config`; of a pattern only its name is told; `/health` asks no provider, which would cost something, but
tells which deployments rest after what their requests met.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from tollbridge.admin.parameters import only
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.supported import supported
from tollbridge.catalog.facts import ModelFacts
from tollbridge.catalog.told import told_facts
from tollbridge.config.kinds import SECRET_NAME
from tollbridge.errors import APIError, NotFoundError
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.principal import Principal
from tollbridge.server.gateway import Gateway
from tollbridge.server.managed import Call, Manager, Reply
from tollbridge.server.models import visible
from tollbridge.server.routes import READ, Route

KEPT_MAX = 1_000
_SAID = ("weight", "order", "rpm", "tpm")


def model_routes(gateway: Gateway) -> tuple[Route, ...]:
    desk = ModelDesk(gateway)

    def get(path: str, manager: Manager) -> Route:
        return Route(methods=READ, path=path, handler="managed", access="self", manager=manager)

    return (
        get("/v1/model/info", desk.models),
        get("/model/info", desk.models),
        get("/model_group/info", desk.groups),
        get("/health", desk.health),
    )


class ModelDesk:
    """One method per route."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._supported: dict[str, tuple[str, ...]] = {}

    async def models(self, call: Call) -> Reply:
        """A row for each deployment of each name; one where an id is asked for."""
        only(call.query, ("litellm_model_id",))
        wanted = call.query.get("litellm_model_id")
        rows: list[JsonObject] = []
        for name, members in self._names(call.principal):
            if "*" in name:
                rows.append({"model_name": name, "litellm_params": {}, "model_info": {"id": None, "db_model": False}})
            rows += [_row(name, member) for member in members]
        if wanted:
            rows = [row for row in rows if row["model_info"]["id"] == wanted][:1]
            if not rows:
                raise _none("litellm_model_id")
        return Reply({"data": rows})

    async def groups(self, call: Call) -> Reply:
        """What may be asked of each name, whoever of its deployments answers."""
        only(call.query, ("model_group",))
        wanted = call.query.get("model_group")
        named = [(name, members) for name, members in self._names(call.principal, wanted) if "*" not in name]
        if wanted and not named:
            raise _none("model_group")
        return Reply({"data": await asyncio.to_thread(lambda: [self._group(*one) for one in named])})

    async def health(self, call: Call) -> Reply:
        """Which deployments rest, and which are configured and serve nothing. With `model` or `model_id` 503 where none
        of those is well."""
        only(call.query, ("model", "model_id"))
        name, id = call.query.get("model"), call.query.get("model_id")
        seen: dict[str, Deployment] = {}
        for _, members in self._names(call.principal, name):
            seen.update((member.id, member) for member in members if id in (None, "", member.id))
        idle = list(self._idle(call.principal, name, id))
        if (name or id) and not (seen or idle):
            raise _none("model" if name else "model_id")
        routes = self._gateway.engine.routes
        now, well, ill = routes.now(), list[JsonObject](), list[JsonObject]()
        for member in seen.values():
            shown: JsonObject = {"model": f"{member.provider}/{member.model}", "model_id": member.id}
            rests = routes.health.rests_for(member.id, now)
            if rests <= 0:
                well.append(shown)
                continue
            error = routes.health.last_error(member.id)
            told = "" if error is None else f"{type(error).__name__} ({error.status_code})"
            ill.append({**shown, "error": told, "retry_after_s": round(rests, 1)})
        status = 503 if (name or id) and not well else 200
        return Reply(
            {
                "healthy_endpoints": well,
                "unhealthy_endpoints": ill,
                "healthy_count": len(well),
                "unhealthy_count": len(ill),
                "disabled_endpoints": idle,
                "disabled_count": len(idle),
            },
            status,
        )

    def _idle(self, principal: Principal, wanted: str | None, id: str | None) -> Iterator[JsonObject]:
        """Why they serve nothing is for the admin: it may name a variable or an address."""
        groups, access = self._gateway.engine.routes.groups, principal.access
        told_of = set[str]()
        for name in [access.named(wanted)] if wanted else groups.listed():
            for one in groups.idle(name) if access.allows(groups.entry(name) or name, name) else ():
                if id in (None, "", one.id) and one.id not in told_of:
                    told_of.add(one.id)
                    told: JsonObject = {"model": one.model, "model_id": one.id, "model_name": name}
                    yield {**told, "error": one.why} if principal.admin else told

    def _names(self, principal: Principal, wanted: str | None = None) -> Iterator[tuple[str, Sequence[Deployment]]]:
        """The names that are listed to whoever asks, or the one that is `wanted`, listed or made by a pattern, with
        what stands behind them: nothing behind a pattern."""
        groups, access = self._gateway.engine.routes.groups, principal.access
        for name in [access.named(wanted)] if wanted else visible(self._gateway, access):
            if "*" in name:
                yield name, ()
                continue
            try:
                group = groups.resolve(name)
            except APIError:  # there is none, or it cannot be made: its key is missing
                continue
            if access.reaches(group, name):
                yield name, group.members

    def _group(self, name: str, members: Sequence[Deployment]) -> JsonObject:
        infos = [_info(member) for member in members]
        shown: JsonObject = {"model_group": name, "providers": list(dict.fromkeys(one.provider for one in members))}
        for field in ("max_input_tokens", "max_output_tokens", "input_cost_per_token", "output_cost_per_token"):
            shown[field] = max((info[field] for info in infos if info[field] is not None), default=None)
        shown["mode"] = next((info["mode"] for info in infos if info["mode"]), None)
        for field in ("tpm", "rpm"):
            shown[field] = sum(getattr(one, field) or 0 for one in members) or None
        for field in sorted({field for info in infos for field in info if field.startswith("supports_")}):
            said = {info.get(field) for info in infos}
            shown[field] = True if True in said else None if None in said else False
        shown["supported_openai_params"] = list(
            dict.fromkeys(field for member in members for field in self.supported(member))
        )
        return shown

    def supported(self, deployment: Deployment) -> tuple[str, ...]:
        found = self._supported.get(deployment.id)
        if found is None:
            if len(self._supported) >= KEPT_MAX:
                self._supported.clear()
            found = self._supported[deployment.id] = supported(deployment)
        return found


def _row(name: str, deployment: Deployment) -> JsonObject:
    said = {field: getattr(deployment, field) for field in _SAID if getattr(deployment, field) is not None}
    params = {"model": f"{deployment.provider}/{deployment.model}", **said}
    if deployment.tags:
        params["tags"] = list(deployment.tags)
    info = _shown(dict(deployment.info))
    return {
        "model_name": name,
        "litellm_params": params,
        "model_info": {**info, **_info(deployment), "id": deployment.id, "db_model": False},
    }


def _shown(value: Json) -> Json:
    """Without what is called like a secret, however deep."""
    if isinstance(value, dict):
        return {name: _shown(inner) for name, inner in value.items() if not SECRET_NAME.search(name)}
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def _info(deployment: Deployment) -> JsonObject:
    known = deployment.facts or ModelFacts(provider=deployment.provider, name=deployment.model)
    return told_facts(f"{deployment.provider}/{deployment.model}", known, deployment.tariff.prices)


def _none(param: str) -> NotFoundError:
    """Another's is not told from none."""
    return NotFoundError(f"There is no such model here (`{param}`).", code="model_not_found", param=param)
