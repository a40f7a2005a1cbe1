"""What LiteLLM's proxy has at paths that are not there, and what to do instead: told to who asks there, and by
docs/http-reference.md.

A path belongs to the longest beginning that it has, by whole segments, with or without `/v1` or `/v2`. One with a slash
at its end is told as all that is below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Absent(NamedTuple):
    """`instead`: as the documentation says it, links among it."""

    beginnings: tuple[str, ...]
    instead: str


PEOPLE = "keys alone; people and teams are not there yet"
NO_UI = "there is no web interface yet"
NONE = "[none](security.md#known-limits)"
VENDORS = "the vendor's own, by [pass-through](pass-through.md)"
ABSENT: Sequence[Absent] = (
    Absent(("/v2/model/info",), "`/model/info`; there are no pages and no search"),
    Absent(
        (
            "/model/new",
            "/model/update",
            "/model/delete",
            "/model/",
            "/config/",
            "/credentials/",
            "/router/",
            "/fallback/",
        ),
        "the configuration file, and a restart",
    ),
    Absent(("/utils/transform_request",), "what is lost in translation is told by `x-tollbridge-caveats`"),
    Absent(("/key/health", "/key/bulk_update", "/key/"), "`/key/info`; `/health`"),
    Absent(("/spend/users", "/spend/end_users"), "`/spend/logs?user_id=`"),
    Absent(("/spend/logs/ui", "/spend/logs/session"), "`/spend/logs/v2`"),
    Absent(
        (
            "/global/spend/report",
            "/global/spend/teams",
            "/global/spend/",
            "/global/activity/",
            "/user/daily/",
            "/spend/",
        ),
        "`/global/spend/logs`, `/global/spend/models`, `/global/activity`, `/spend/logs?summarize=true`",
    ),
    Absent(("/cost/",), "`/spend/calculate`"),
    Absent(("/provider/budgets",), "budgets of [keys](keys.md)"),
    Absent(
        ("/health/services", "/health/history", "/health/latest", "/health/readiness/details", "/health/"),
        "`/health`, `/metrics`, `tollbridge doctor`",
    ),
    Absent(
        (
            *("/team/", "/user/", "/organization/", "/project/", "/customer/", "/end_user/", "/budget/", "/tag/"),
            *("/access_group/", "/model_group/", "/invitation/", "/jwt/"),
        ),
        PEOPLE,
    ),
    Absent(("/sso/", "/scim/", "/login/", "/logout/", "/ui/", "/public/", "/onboarding/", "/get/", "/upload/"), NO_UI),
    Absent(("/guardrails/", "/policies/", "/policy/", "/prompts/", "/compliance/"), NONE),
    Absent(
        (
            *("/assistants/", "/threads/", "/vector_stores/", "/vector_store/", "/fine_tuning/", "/videos/", "/ocr/"),
            *("/search/", "/search_tools/", "/images/variations", "/containers/", "/evals/", "/skills/", "/rag/"),
            *("/interactions/", "/indexes/"),
        ),
        VENDORS,
    ),
    Absent(("/cache/", "/debug/", "/memory-usage", "/otel-spans"), "nothing is cached; `/metrics`"),
    Absent(("/a2a/", "/agents/", "/agent/"), "no agents are kept; MCP servers are ([mcp](mcp.md))"),
)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
_VERSION = re.compile(r"^/v[12](?=/)")
_BEGINNINGS = {beginning.rstrip("/"): one.instead for one in ABSENT for beginning in one.beginnings}
_DEPTH = max(beginning.count("/") for beginning in _BEGINNINGS)


def instead_of(path: str) -> str:
    """In a sentence, for who cannot follow a link; "" where nobody knows of the path."""
    for at in (path, _VERSION.sub("", path)):
        at = "/".join(at.split("/", _DEPTH + 1)[: _DEPTH + 1])  # who asks need not be known, and may say a long path
        while at:
            if at in _BEGINNINGS:
                return f" Instead: {_LINK.sub(_shown, _BEGINNINGS[at])}."
            at = at.rpartition("/")[0]
    return ""


def _shown(link: re.Match[str]) -> str:
    return f"{link[1]} (docs/{link[2]})"
