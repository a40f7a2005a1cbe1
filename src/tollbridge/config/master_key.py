"""Which master keys anybody could guess."""

from __future__ import annotations

LENGTH_MIN = 16
DISTINCT_MIN = 6

# Stand in tutorials, so that scanners try them first.
WELL_KNOWN = frozenset(
    {"1234", "12345", "123456", "1234567890", "admin", "administrator", "default", "example", "key", "litellm"}
    | {"litellm-master-key", "master", "master-key", "masterkey", "my-master-key", "my-secret-key", "my_special_key"}
    | {"password", "proxy", "secret", "test", "test-key", "tollbridge", "your-master-key", "your-secret-key"}
)
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "your-key",
    "your_key",
    "your-secret",
    "your-master",
    "xxxx",
    "<",
    "...",
)
SEQUENCES = ("01234567890123456789", "12345678901234567890", "abcdefghijklmnopqrstuvwxyz", "1234567890abcdef")


def weak_key(key: str) -> str | None:
    """Why this key must not guard a gateway; None where nothing speaks against it."""
    bare = key.strip().lower().removeprefix("sk-")
    if not bare:
        return "it is empty"
    if bare in WELL_KNOWN:
        return "it is well known"
    if any(placeholder in bare for placeholder in PLACEHOLDERS):
        return "it is a placeholder"
    if len(key) < LENGTH_MIN:
        return f"it has fewer than {LENGTH_MIN} characters"
    if any(bare.startswith(sequence[:10]) and bare in sequence * 2 for sequence in SEQUENCES):
        return "it is a plain sequence"
    if len(set(bare)) < DISTINCT_MIN:
        return f"it has fewer than {DISTINCT_MIN} different characters"
    return None
