"""What mkdocs is told beside mkdocs.yml, while it builds the site (`make docs`):

1. `folder/*.md` in the navigation is every page of that folder.
2. CONTRIBUTING, CHANGELOG and a list of the decisions are pages too, though they stand elsewhere or nowhere.
3. docs/python-reference.md is filled with what the docstrings say.
4. A link that leads out of docs/ leads to the page that a file has become, or is its name where it has become none.
5. Each page is there as Markdown too, and llms.txt lists them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from scripts.site import links, llms, python_reference

DECISIONS = "decisions/index.md"
_written: dict[str, llms.Written] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.nav = [_expanded(entry, Path(config.docs_dir)) for entry in config.nav or []]
    return config


def _expanded(entry: Any, docs: Path) -> Any:
    match entry:
        case dict():
            return {title: _expanded(inner, docs) for title, inner in entry.items()}
        case list():
            return [one for inner in entry for one in _all_of(inner, docs)]
    return entry


def _all_of(entry: Any, docs: Path) -> list[Any]:
    if not (isinstance(entry, str) and entry.endswith("/*.md")):
        return [_expanded(entry, docs)]
    return [str(path.relative_to(docs)) for path in sorted(docs.glob(entry))]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    root = Path(config.docs_dir).parent
    for name, path in links.MOVED.items():
        files.append(File.generated(config, path, content=links.moved((root / name).read_text())))
    files.append(File.generated(config, DECISIONS, content=links.decisions(Path(config.docs_dir) / "decisions")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    path = page.file.src_uri
    return links.kept_within(python_reference.filled(markdown), path, {file.src_uri for file in files})


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> None:
    _written[page.file.src_uri] = llms.Written(str(page.title), page.markdown or "")


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> None:
    config.extra["order"] = [(section.title, [page.file.src_uri for page in _pages(section)]) for section in nav.items]


def _pages(item: Any) -> list[Page]:
    return [item] if isinstance(item, Page) else [page for child in item.children or () for page in _pages(child)]


def on_post_build(config: MkDocsConfig) -> None:
    llms.write(Path(config.site_dir), str(config.site_description), config.extra["order"], _written)
