"""What becomes of each key of a configuration that was written for LiteLLM, and which have a better form here.

1. A key is told once, with the places where it stands counted, and one of five words: it works the *same*, it works
   *better*, there is *nothing* to change here, it is *absent*, or it is *refused*.
2. A key that nobody knows is not told here: it is an error of `load`, which says what was meant.
3. A better form is another name of the same key, or the name that a mistyped one was meant to be. Nothing else is
   rewritten: what a value should be is the operator's to say, and nothing is opened that was shut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from tollbridge.config.document import Array, Entry, Node, Table
from tollbridge.config.findings import Finding, Place
from tollbridge.config.load import FREE_PREFIXES, PRECEDENCE, TOP
from tollbridge.config.schema import Key, Section, is_off, nearest, not_built
from tollbridge.config.tables.deployment import ENTRY, PARAM_TABLES, PARAMS

NOT_BUILT = "is not built yet"
Word = Literal["same", "better", "nothing", "absent", "refused"]

BETTER: Mapping[tuple[str, str], str] = {
    ("litellm_settings", "drop_params"): "what was dropped is told in `x-tollbridge-caveats` and in the log",
    ("litellm_settings", "modify_params"): "what was changed is told in `x-tollbridge-caveats` and in the log",
    ("litellm_settings", "num_retries"): "what cannot get better (a 400, a wrong key) is not asked again",
    ("router_settings", "num_retries"): "what cannot get better (a 400, a wrong key) is not asked again",
    ("litellm_settings", "content_policy_fallbacks"): "a refusal is known by the provider's code, whatever its words",
    ("router_settings", "content_policy_fallbacks"): "a refusal is known by the provider's code, whatever its words",
    ("litellm_settings", "turn_off_message_logging"): "nothing of what is said is ever logged",
    ("litellm_settings", "json_logs"): "each request is one line of JSON",
    ("general_settings", "database_url"): "not needed: without one, keys and spend are kept in SQLite",
    ("general_settings", "pass_through_endpoints"): "who takes the path needs a key, always",
    ("general_settings", "max_request_size_mb"): "no licence is asked for",
    ("general_settings", "cancel_on_disconnect"): "what was under way is charged by what arrived",
    ("litellm_params", "input_cost_per_token"): "kept as an integer: sums are exact",
    ("litellm_params", "output_cost_per_token"): "kept as an integer: sums are exact",
}
"""Where ours is better, and in what."""

FORMS: Mapping[tuple[str, str], str] = {
    ("model_list[]", "params"): "litellm_params",
    ("litellm_params", "base_url"): "api_base",
    ("litellm_params", "headers"): "extra_headers",
    ("litellm_params", "vertex_ai_project"): "vertex_project",
    ("litellm_params", "vertex_ai_location"): "vertex_location",
    ("litellm_params", "vertex_ai_credentials"): "vertex_credentials",
    ("router_settings", "enable_pre_call_check"): "enable_pre_call_checks",
    ("general_settings", "trusted_proxy_ranges"): "trusted_proxies",
}
"""Another name of the same, which the pages use."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """`key`: with its section. `times`: in how many places it stands; `line`: the first of them."""

    key: str
    word: Word
    note: str
    file: str
    line: int
    times: int = 1


class Renaming(msgspec.Struct, frozen=True):
    place: Place
    before: str
    after: str


class Said(msgspec.Struct, frozen=True):
    """A key in a table, and the key that it is; None where nobody knows it."""

    section: Section
    name: str
    entry: Entry
    key: Key | None


def explain(top: Node, findings: Iterable[Finding] = ()) -> list[Explained]:
    """In the order of the file. `findings`: those of `load`, which say of a value that it is not built."""
    unbuilt = {one.path: one.message for one in findings if NOT_BUILT in one.message}
    found: dict[str, Explained] = {}
    for said in _said(top):
        if said.key is None:
            continue
        name = said.name if said.section is TOP else f"{said.section.name}.{said.name}"
        if name in found:
            found[name] = msgspec.structs.replace(found[name], times=found[name].times + 1)
            continue
        word, note = _word(said)
        if name in unbuilt:
            word, note = "absent", unbuilt[name]
        place = said.entry.place
        found[name] = Explained(key=name, word=word, note=note, file=place.file, line=place.line)
    return list(found.values())


def renamings(top: Node) -> list[Renaming]:
    """Keys that have a better name, where that does not stand beside them already."""
    found: list[Renaming] = []
    taken: set[tuple[int, str]] = set()
    for said, beside in _beside(top):
        after = FORMS.get((said.section.name, said.name))
        if said.key is None:
            after = nearest(said.name, (*said.section.keys, *said.section.usual))
        if after is not None and after not in beside and (id(beside), after) not in taken:
            taken.add((id(beside), after))
            found.append(Renaming(said.entry.place, said.name, after))
    return found


def renamed(text: str, changes: list[Renaming]) -> str:
    """The text of a file with its keys renamed; all else stays. A key that does not stand where it should, because it
    is written with escapes, stays as well."""
    lines = text.splitlines(keepends=True)
    for change in sorted(changes, key=lambda one: (one.place.line, one.place.column), reverse=True):
        line, column = lines[change.place.line - 1], change.place.column - 1
        column += line[column : column + 1] in ("'", '"')
        if line.startswith(change.before, column):
            lines[change.place.line - 1] = line[:column] + change.after + line[column + len(change.before) :]
    return "".join(lines)


def _word(said: Said) -> tuple[Word, str]:
    key, section = said.key, said.section
    assert key is not None
    better = BETTER.get((section.name, said.name))
    match key.sort:
        case "fills":
            return ("same", key.about) if better is None else ("better", better)
        case "moot":
            return ("nothing", "") if better is None else ("better", better)
        case "refused":
            return "refused", key.note
        case "later":
            off = is_off(said.entry.node)
            return ("nothing", "it is off") if off else ("absent", not_built(key.note))


def _said(top: Node) -> Iterator[Said]:
    yield from (said for said, _ in _beside(top))


def _beside(top: Node) -> Iterator[tuple[Said, Mapping[str, Entry]]]:
    """Each key, and the table that it stands in."""
    if not isinstance(top, Table):
        return
    for name, entry in top.entries.items():
        inner = next((one for one in PRECEDENCE if one.name == name), None)
        if inner is not None:
            yield from _keys(entry.node, inner)
        elif name == "model_list":
            yield from _models(entry.node)
        elif not name.startswith(FREE_PREFIXES):
            yield Said(TOP, name, entry, TOP.key(name)), top.entries


def _models(node: Node) -> Iterator[tuple[Said, Mapping[str, Entry]]]:
    for item in node.items if isinstance(node, Array) else ():
        yield from _keys(item, ENTRY)
        for name in PARAM_TABLES:
            if isinstance(item, Table) and name in item.entries:
                yield from _keys(item.entries[name].node, PARAMS)


def _keys(node: Node, section: Section) -> Iterator[tuple[Said, Mapping[str, Entry]]]:
    if isinstance(node, Table):
        for name, entry in node.entries.items():
            yield Said(section, name, entry, section.key(name)), node.entries
