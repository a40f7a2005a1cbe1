"""llms.txt (https://llmstxt.org): the site for readers who are programs. Each page as Markdown, a list, and all in one.

`keys.md` stands beside `keys.html`; llms.txt names every page with its first sentence; llms-full.txt has them whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec


class Written(msgspec.Struct, frozen=True):
    title: str
    markdown: str


Order = Sequence[tuple[str, Sequence[str]]]
"""The navigation: groups, and the pages of each."""


def write(site: Path, about: str, order: Order, pages: Mapping[str, Written]) -> None:
    for path, page in pages.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page.markdown)
    (site / "llms.txt").write_text(listed(about, order, pages))
    (site / "llms-full.txt").write_text(whole(order, pages))


def listed(about: str, order: Order, pages: Mapping[str, Written]) -> str:
    lines = ["# Tollbridge", "", f"> {about}", ""]
    for group, paths in order:
        lines += [f"## {group}", ""]
        lines += [f"- [{pages[path].title}]({path}): {first_sentence(pages[path].markdown)}" for path in paths]
        lines.append("")
    return "\n".join(lines)


def whole(order: Order, pages: Mapping[str, Written]) -> str:
    return "\n\n---\n\n".join(
        f"<!-- {path} -->\n\n{pages[path].markdown.strip()}" for _, paths in order for path in paths
    )


def first_sentence(markdown: str) -> str:
    """Of the first paragraph that is one: no heading, table, list, block, picture or comment. Links are their words."""
    bare = re.sub(r"^ *```.*?^ *```|<!--.*?-->", "", markdown, flags=re.DOTALL | re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n", bare):
        words = " ".join(paragraph.split())
        if words and words[0] not in "#|-*!<>":
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words)
            sentence = re.match(r".*?[.:](?=\s|$)", words)
            return sentence[0].rstrip(":") if sentence else words
    return ""
