"""Writes the list of names in docs/migrating-from-litellm.md, from the shim's own tables.

python -m scripts.litellm_names            writes it
python -m scripts.litellm_names --check    says whether it is stale: exit code 1
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from scripts.marked import Marked
from tollbridge.compat.litellm.model_lists import LISTS
from tollbridge.compat.litellm.modules import ALIASES, MODULES
from tollbridge.compat.litellm.names import NAMES
from tollbridge.compat.litellm.settings import ABSENT, CALLBACKS, KEYS, MOOT, PARAMETERS, PLACES, RULES


def names() -> Iterator[str]:
    yield from ("| name | here | |", "|---|---|---|")
    for (verdict, note), found in groupby(NAMES.values(), key=lambda one: (one.verdict, one.note)):
        yield f"| {', '.join(f'`{one.name}`' for one in found)} | {verdict} | {note} |"


def settings() -> Iterator[str]:
    yield from ("| setting | here | |", "|---|---|---|")
    for name, parameter in PARAMETERS.items():
        yield f"| `{name}` | same | the default of `{parameter}` |"
    yield f"| {_list(KEYS)} | same | the key for that provider's models |"
    yield f"| {_list(PLACES)} | same | for Vertex's models |"
    yield f"| {_list(CALLBACKS)} | better | functions and objects; a name of an integration raises `NotBuilt` |"
    yield "| `model_alias_map`, `custom_provider_map` | same | |"
    yield f"| {_list(RULES)} | better | of a call; with rules for answers a stream raises `NotBuilt` |"
    yield "| `max_budget` | better | `BudgetExceededError` before a call once it is spent; unpriced calls count 0 |"
    yield "| `model_cost` | better | a mapping that reads each model when asked; writing an entry registers it |"
    yield f"| {_list(LISTS)} | same | computed from the catalog |"
    yield "| `set_verbose` | same | logs to stderr, without keys |"
    yield "| `turn_off_message_logging` | same | callbacks do not see what was said |"
    yield f"| {_list(sorted(MOOT))} | same | there is nothing here that it would turn on or off |"
    for hint, found in groupby(ABSENT, key=lambda name: ABSENT[name]):
        yield f"| {_list(found)} | absent | {hint} |"


def _list(found: object) -> str:
    return ", ".join(f"`{name}`" for name in found)  # type: ignore[attr-defined]


def listing() -> Iterator[str]:
    yield from ("### Names", "", *names(), "", "### Settings", "", *settings(), "", "### Modules", "")
    modules = ", ".join(f"`litellm.{name}`" for name in sorted({*MODULES, *ALIASES}))
    yield from (f"{modules}.", "")


PART = Marked("docs/migrating-from-litellm.md", "names", "litellm_names", listing)

if __name__ == "__main__":
    PART.main()
