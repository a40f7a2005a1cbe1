"""Writes docs/litellm-comparison.md, from what the cases of tests/compat/litellm/comparison saw and from the list of
differences.

python -m scripts.litellm_comparison            writes it
python -m scripts.litellm_comparison --check    says whether it is stale: exit code 1
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.marked import Marked
from tests.compat.litellm.comparison.compare import KINDS, kept, known

TITLES = {"names": "Names of the Python package", "keys": "Keys of a gateway's configuration"}
WORDS = {"better": "better", "other": "different", "absent": "not built"}


def listing() -> Iterator[str]:
    for what, title in TITLES.items():
        cases, differences = kept(what)["cases"], known(what)
        differing = {case for case, _ in differences}
        agreeing = [case for case in cases if case not in differing]
        yield from (f"## {title}", "")
        program = kept(what)["program"].replace("litellm", "LiteLLM")
        yield f"{program}, asked on {kept(what)['date']}. Of {len(cases)} cases"
        yield f"{len(agreeing)} agree in all that was looked at, and {len(differing)} differ in something:"
        counted = [f"{sum(one.kind == kind for one in differences.values())} {WORDS[kind]}" for kind in KINDS]
        yield from (f"{len(differences)} observations, {', '.join(counted)}.", "")
        yield from ("### Where they differ", "", "| case | in | | why |", "|---|---|---|---|")
        for case in cases:
            reasons: dict[tuple[str, str], list[str]] = {}
            for (name, at), one in differences.items():
                if name == case:
                    reasons.setdefault((one.kind, one.why), []).append(at or "all of it")
            for (kind, why), places in reasons.items():
                yield f"| `{case}` | {'; '.join(places)} | {WORDS[kind]} | {why} |"
        yield from ("", "### Where they agree", "", f"{', '.join(f'`{case}`' for case in agreeing)}.", "")


PART = Marked("docs/litellm-comparison.md", "comparison", "litellm_comparison", listing)

if __name__ == "__main__":
    PART.main()
