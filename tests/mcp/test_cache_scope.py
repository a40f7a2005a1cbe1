"""What a client may keep of MCP is its key's alone: lists are cut to its rights."""

from __future__ import annotations

import pytest

from tollbridge.mcp.eras import KEPT, to_modern


@pytest.mark.parametrize("method", sorted(KEPT))
@pytest.mark.parametrize("said", ["public", "private", None, 5])
def test_nothing_goes_out_for_caches_that_clients_share(method: str, said: object) -> None:
    told = to_modern(method, {"ttlMs": 5, "cacheScope": said}, None)
    assert (told["ttlMs"], told["cacheScope"]) == (5, "private")


def test_a_call_says_nothing_of_caches() -> None:
    assert "cacheScope" not in to_modern("tools/call", {"content": []}, None)
