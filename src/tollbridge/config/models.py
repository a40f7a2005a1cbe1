"""`model_list` -> deployments."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tollbridge.catalog.price_names import USUAL_PRICES, charged, dear, is_price, prices_of
from tollbridge.config.base_doubts import route_in_base
from tollbridge.config.document import Array, Node, Scalar, Table
from tollbridge.config.environment import missing_variables
from tollbridge.config.findings import Place
from tollbridge.config.kinds import SECRET_NAME, At, anything_table
from tollbridge.config.schema import Filled, Section, nearest, read_section
from tollbridge.config.settings import ModelEntry
from tollbridge.config.tables.deployment import ENTRY, PARAMS
from tollbridge.errors import NotFoundError
from tollbridge.model.json import JsonObject
from tollbridge.providers.names import locate
from tollbridge.providers.row import Provider

_COLLECTED = ("params", "defaults", "prices")
NOT_CHARGED = "answers are not charged by it; it has no effect"


def access_groups(models: Sequence[ModelEntry]) -> dict[str, tuple[str, ...]]:
    """Names of models by the access groups that `model_info.access_groups` puts them into, in the order of the file."""
    found: dict[str, dict[str, None]] = {}
    for entry in models:
        for group in entry.model_info.get("access_groups") or ():
            found.setdefault(group, {})[entry.model_name] = None
    return {group: tuple(names) for group, names in found.items()}


def read_models(
    node: Node,
    at: At,
    providers: Mapping[str, Provider],
    others: Collection[Section],
    aliases: Mapping[str, str] | None = None,
) -> tuple[ModelEntry, ...]:
    """`providers`: the table, with the operator's own rows. `others`: sections that a misplaced key may belong to.
    `aliases`: for some names of a provider's model, what is meant."""
    if not isinstance(node, Array):
        if not (isinstance(node, Scalar) and node.value is None):
            at.expected("a list of models", node)
        return ()
    if not node.items:
        at.warning(node.place, "is empty: nothing is served by it")
    entries: list[ModelEntry] = []
    ids: dict[str, ModelEntry] = {}
    for index, item in enumerate(node.items):
        at_item = at.item(index)
        errors = at.findings.errors
        for entry in _read_entry(item, at_item, providers, others, aliases or {}):
            if at.findings.errors > errors:
                entry = msgspec.structs.replace(entry, disabled="an error is told of it")
            given = bool(_given_id(entry.model_info))
            if given and entry.id in ids:
                where = ids[entry.id].where
                at_item.key("model_info.id").error(_id_place(item), f"{entry.id!r} is already an id ({where})")
            entry = entry if given else msgspec.structs.replace(entry, id=_free(entry.id, ids))
            ids[entry.id] = entry
            entries.append(entry)
    return tuple(entries)


def _read_entry(
    item: Node, at: At, providers: Mapping[str, Provider], others: Collection[Section], aliases: Mapping[str, str]
) -> Iterator[ModelEntry]:
    """One deployment, or one per organization."""
    entry = read_section(item, ENTRY, at, [PARAMS, *others], tell_missing=False)
    if not isinstance(item, Table):
        return
    given = entry.get("params", [])
    if len(given) > 1:
        given[1].at.error(given[1].place, f"`{given[0].name}` stands here too: they are one, write only one of them")
    name, disabled = _name(item, entry, at)
    if not given:
        at.error(item.place, "lacks `litellm_params`")
        return
    params = given[0]
    values = _values(read_section(params.node, PARAMS, params.at, others, tell_missing=False))
    values.update({f: _last(entry, f) for f in ("rpm", "tpm") if f in entry and f not in values})
    disabled = disabled or _disabled(name, params)
    model = values.pop("model", "")
    model = aliases.get(model, model)
    if not model and disabled is None and isinstance(params.node, Table):
        params.at.error(params.node.place, "lacks `model`")
    _check_names(name, model, entry, params)
    if model not in ("", "*") and "mock_response" not in values:
        _check_provider(model, values, params, providers)
    info: JsonObject = _last(entry, "model_info", {})
    values["prices"] = {
        **_info_prices(info, entry.get("model_info", given)[-1]),
        **_prices(values.get("prices", {}), params),
    }
    organizations = values.pop("organization", (None,)) or (None,)
    for organization in organizations:
        yield ModelEntry(
            id=_given_id(info) or _made_id(name, organization, params.node, params.at),
            model_name=name,
            model=model,
            where=item.place,
            disabled=disabled,
            organization=organization,
            model_info=info if len(organizations) == 1 else {k: v for k, v in info.items() if k != "id"},
            **values,
        )


def _name(item: Table, entry: Mapping[str, list[Filled]], at: At) -> tuple[str, str | None]:
    """(the public name, why it is not known)."""
    if "model_name" in entry:
        return _last(entry, "model_name"), None
    written = item.entries.get("model_name")
    if written is None or not isinstance(written.node, Scalar) or not written.node.missing:
        at.error(item.place, "lacks `model_name`")
        return "", None
    at.warning(written.node.place, f"{written.node.variable} is not set: this deployment is disabled")
    return written.node.text, f"{written.node.variable} is not set"


def _values(filled: Mapping[str, list[Filled]]) -> JsonObject:
    values: JsonObject = {}
    for field, found in filled.items():
        if field in _COLLECTED:
            values[field] = {one.name: one.value for one in found}
            continue
        values[field] = found[-1].value
        for one in found[1:]:
            if one.value != found[0].value:
                one.at.error(one.place, f"`{found[0].name}` says otherwise: they are one, write only one of them")
    return values


def _last(filled: Mapping[str, list[Filled]], field: str, default: Any = None) -> Any:
    return filled[field][-1].value if field in filled else default


def _disabled(name: str, params: Filled) -> str | None:
    """Why the deployment does not serve: a variable that it names is not set."""
    missing = list(missing_variables(params.node))
    for scalar in missing:
        params.at.warning(scalar.place, f"{scalar.variable} is not set: this deployment of {name!r} is disabled")
    return f"{missing[0].variable} is not set" if missing else None


def _prices(said: Mapping[str, Any], where: Filled) -> dict[str, int]:
    """Dollars by LiteLLM's names -> our own. Each is read alone: one that is none is an error, not the others' end."""
    prices: dict[str, int] = {}
    idle: list[str] = []
    for field, value in said.items():
        at, place = where.at.key(field), _place_of(field, where)
        try:
            read = prices_of({field: value})
        except (ValueError, LookupError, TypeError) as error:
            at.error(place, str(error).removeprefix(f"{field}: "))
            continue
        prices.update(read)
        odd = next((told for price, rate in read.items() if (told := dear(price, rate)) is not None), None)
        if odd is not None:
            at.warning(place, odd)
        if not any(charged(price) for price in read):
            idle.append(field)
    if idle:
        where.at.warning(where.place, f"{', '.join(idle)}: {NOT_CHARGED}")
    return prices


def _info_prices(info: JsonObject, where: Filled) -> dict[str, int]:
    """Any field may stand in `model_info`; one that is nearly a price was meant as one."""
    for field in info:
        near = None if is_price(field) or "cost" not in field else nearest(field, USUAL_PRICES)
        if near is not None:
            where.at.key(field).warning(
                _place_of(field, where), f"is no price that is known, and has no effect; did you mean `{near}`?"
            )
    return _prices({field: info[field] for field in info if is_price(field)}, where)


def _place_of(field: str, where: Filled) -> Place:
    entries = where.node.entries if isinstance(where.node, Table) else {}
    return entries[field].node.place if field in entries else where.place


def _check_names(name: str, model: str, entry: Mapping[str, list[Filled]], params: Filled) -> None:
    if name.count("*") > 1 and "model_name" in entry:
        entry["model_name"][0].at.error(entry["model_name"][0].node.place, "one `*` at most")
    if "*" in model and "*" not in name:
        at, place = _at_model(params)
        at.error(place, f"the `*` in {model!r} stands for nothing: put one into `model_name` ({name!r}) too")


def _check_provider(model: str, values: JsonObject, params: Filled, providers: Mapping[str, Provider]) -> None:
    base = values.get("api_base")
    try:
        row, _ = locate(model, providers, provider=values.get("custom_llm_provider"), api_base=base)
    except NotFoundError as error:
        at, place = _at_model(params)
        at.error(place, error.message)
        return
    told = None if base is None else route_in_base(base, row)
    if told is not None:
        entries = params.node.entries if isinstance(params.node, Table) else {}
        name = "api_base" if "api_base" in entries else "base_url"
        params.at.key(name).warning(_place_of(name, params), told)


def _at_model(params: Filled) -> tuple[At, Place]:
    entries = params.node.entries if isinstance(params.node, Table) else {}
    return params.at.key("model"), entries["model"].node.place if "model" in entries else params.place


def _given_id(info: JsonObject) -> str:
    return str(info["id"]) if info.get("id") not in (None, "") else ""


def _id_place(item: Node) -> Place:
    node: Node = item
    for name in ("model_info", "id"):
        if isinstance(node, Table) and name in node.entries:
            node = node.entries[name].node
    return node.place


def _made_id(name: str, organization: str | None, params: Node, at: At) -> str:
    """The same at each start and in each process; made without the secrets, so it is fit for logs."""
    said = {key: value for key, value in anything_table(params, at).items() if not SECRET_NAME.search(key)}
    said.pop("extra_headers", None)
    text = json.dumps([name, organization, said], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _free(id: str, taken: Collection[str]) -> str:
    """Equal entries (they may differ in their keys) are told apart by their order."""
    return next(made for n in itertools.count(1) if (made := id if n == 1 else f"{id}-{n}") not in taken)
