"""What of a configuration may be shown. Findings and excerpts end up in terminals, CI logs and bug reports.

Masked: whatever looks like a key; the user, path and query of a URL (keys of MCP servers stand there); in a line of the
file, the value of a key that is named like a secret. A name after `os.environ/` is no secret, nor is what a token
costs.
"""

from __future__ import annotations

import re

MASK = "***"

_NO_PRICE = r"(?<![\w.\-])(?![\w.\-]*cost_per_)"
_NAMED = _NO_PRICE + r"[\w.\-]*(?:keys?|token|secret|passw\w*|credentials?|authorization|auth_value|dsn|database_url)"
_NO_SECRET = re.compile(r"(?i)true|false|yes|no|on|off|null|~")
"""What YAML reads as no text: `needs_key: true`."""
_KEY_SHAPE = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi|ghp|glpat|AIza|AKIA|ASIA|eyJ)[-_A-Za-z0-9.]{12,}")
_URL = re.compile(r"(\b[a-z][a-z0-9+.\-]*://)(?:[^\s/@'\"]*@)?([^\s/?#'\",}\])]*)([/?#][^\s'\",}\])]*)?", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>['\"]?{_NAMED}['\"]?\s*[:=]\s*)(?P<value>\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|[^\s,}}\]][^,}}\]#]*)"
)


def mask(text: str) -> str:
    """`text` without what looks like a key and without the private parts of URLs."""
    return _KEY_SHAPE.sub(MASK, _URL.sub(_url, text))


def mask_line(line: str) -> str:
    """A line of a configuration file, fit to be shown."""
    return mask(_ASSIGNED.sub(_assigned, line))


def _url(found: re.Match[str]) -> str:
    if found[1].lower() == "sqlite://":
        return found[0]  # a file: there is nobody to sign in
    rest = found[3] or ""
    return f"{found[1]}{found[2]}{'/' + MASK if len(rest) > 1 else rest}"


def _assigned(found: re.Match[str]) -> str:
    value = found["value"].lstrip("'\"")
    shown = value.startswith("os.environ/") or not value.strip() or _NO_SECRET.fullmatch(found["value"].strip())
    return found[0] if shown else f"{found['name']}{MASK}"
