"""`credential_list`: keys and addresses under a name, for deployments that say `litellm_credential_name`.

The values are put into the deployment's `litellm_params` before these are read, each where it stands in the file; what
a deployment says itself wins.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.config.document import Array, Entry, Node, Scalar, Table, array, table
from tollbridge.config.kinds import At
from tollbridge.config.schema import nearest, read_section
from tollbridge.config.tables.credentials import CREDENTIALS
from tollbridge.config.tables.deployment import CREDENTIAL, PARAM_TABLES

Credentials = Mapping[str, Table]


def read_credentials(node: Node, at: At) -> Credentials:
    if not isinstance(node, Array):
        if not (isinstance(node, Scalar) and node.value is None):
            at.expected("a list of credentials", node)
        return {}
    found: dict[str, Table] = {}
    for index, item in enumerate(node.items):
        at_item = at.item(index)
        filled = read_section(item, CREDENTIALS, at_item, tell_missing=False)
        for needed in ("name", "values"):
            if needed not in filled:
                at_item.error(item.place, f"lacks `credential_{needed}`")
        if filled.keys() < {"name", "values"}:
            continue
        name, values = filled["name"][-1].value, filled["values"][-1].node
        if name in found:
            at_item.error(item.place, f"there is a credential {name!r} already")
        elif isinstance(values, Table):
            found[name] = values
    return found


def with_credentials(models: Node, credentials: Credentials, at: At) -> Node:
    """`model_list`, with the values in the place of the names."""
    if not isinstance(models, Array):
        return models
    return array([_entry(item, credentials, at.item(index)) for index, item in enumerate(models.items)], models.place)


def _entry(item: Node, credentials: Credentials, at: At) -> Node:
    if not isinstance(item, Table):
        return item
    entries = dict(item.entries)
    for name in PARAM_TABLES:
        if name in entries:
            entries[name] = Entry(entries[name].place, _params(entries[name].node, credentials, at.key(name)))
    return table(entries, item.place)


def _params(node: Node, credentials: Credentials, at: At) -> Node:
    said = node.entries.get(CREDENTIAL) if isinstance(node, Table) else None
    if said is None or not isinstance(node, Table) or not isinstance(said.node, Scalar) or said.node.value is None:
        return node
    own = {name: entry for name, entry in node.entries.items() if name != CREDENTIAL}
    values = credentials.get(said.node.text)
    if values is None:
        near = nearest(said.node.text, credentials)
        hint = f"; did you mean {near!r}?" if near else ""
        told = f"there is no credential {said.node.text!r} in `credential_list`{hint}"
        at.key(CREDENTIAL).error(said.node.place, told)
        return table(own, node.place)
    return table({**values.entries, **own}, node.place)
