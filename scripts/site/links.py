"""Links between files of the repository, as links between pages of the site. Pure, but for reading the decisions."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from pathlib import Path

MOVED: Mapping[str, str] = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages of the site that stand beside docs/ in the repository."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)#\s]*)(#[^)\s]*)?\)")


def moved(text: str) -> str:
    """A page from beside docs/, as one within."""
    return LINK.sub(lambda found: f"[{found[1]}]({found[2].removeprefix('docs/')}{found[3] or ''})", text)


def kept_within(text: str, page: str, pages: Collection[str]) -> str:
    """`page`: whose text it is, from docs/; `pages`: all that there are. What leads elsewhere is no link."""

    def link(found: re.Match[str]) -> str:
        words, target, anchor = found[1], found[2], found[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
        path = MOVED.get(path.removeprefix("../"), path)
        if target.endswith("/") and f"{path}/index.md" in pages:
            path = f"{path}/index.md"
        if path in pages:
            return f"[{words}]({posixpath.relpath(path, posixpath.dirname(page) or '.')}{anchor})"
        if path.startswith("../") or path.endswith((".py", ".yaml")) or target.endswith("/"):
            return f"{words} (`{path.removeprefix('../')}`)" if path.removeprefix("../") not in words else words
        return found[0]

    parts = re.split(r"(^ *```.*?^ *```|`[^`\n]*`(?!\]))", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if index % 2 else LINK.sub(link, part) for index, part in enumerate(parts))


def decisions(folder: Path) -> str:
    """A page that lists them."""
    lines = ["# Decisions", "", "What binds others: context, choice, cost, when to revisit.", ""]
    for path in sorted(folder.glob("*.md")):
        title = path.read_text().partition("\n")[0].lstrip("# ")
        lines.append(f"- [{title}]({path.name})")
    return "\n".join([*lines, ""])
