"""An `api_base` that ends in the path of a request: what a vendor's page shows to be posted to, copied whole."""

from __future__ import annotations

from urllib.parse import urlsplit

from tollbridge.providers.row import Provider

ROUTES = (
    *("/chat/completions", "/completions", "/messages", "/responses", "/embeddings", "/rerank", "/moderations"),
    *("/audio/speech", "/audio/transcriptions", "/images/generations"),
)
"""The longer before those that it ends in."""


def route_in_base(api_base: str, row: Provider) -> str | None:
    """What to say of it; None where nothing is to be said. Where a provider's addresses are made in a way of its own,
    such an ending may be right."""
    if row.shape != "plain" or row.place is not None:
        return None
    try:
        path = urlsplit(api_base).path.rstrip("/")
    except ValueError:  # told where the address is read
        return None
    route = next((one for one in ROUTES if path.endswith(one)), None)
    if route is None:
        return None
    some = "none but this one is" if path.endswith(row.path) else "none is"
    return f"`{route}` is the path of a request, and each has its own: {some} answered there. Leave it out"
