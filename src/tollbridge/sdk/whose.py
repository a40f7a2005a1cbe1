"""Whose a model is: as everywhere, and where nobody is known for its name, as `register_model` said."""

from __future__ import annotations

from tollbridge.errors import NotFoundError
from tollbridge.providers.names import find, locate
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ROWS
from tollbridge.sdk.price_list import PRICES


def located(model: str, provider: str | None = None, api_base: str | None = None) -> tuple[Provider, str]:
    """(row, the provider's name for the model). Raises NotFoundError with near names."""
    try:
        return locate(model, ROWS, provider=provider, api_base=api_base)
    except NotFoundError:
        row = None if provider else find(PRICES.whose(model), ROWS)
        if row is None:
            raise
        return row, model


def registered(model: str) -> str | None:
    """The provider, where the program alone says it."""
    said = PRICES.whose(model)
    if not said or find(said, ROWS) is None:
        return None
    try:
        locate(model, ROWS)
    except NotFoundError:
        return said
    return None
