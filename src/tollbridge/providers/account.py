"""Whose tokens a deployment uses where no key is sent, and what fetches them: one kind for each way to have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from tollbridge.providers import azure_token, google_token, oauth
from tollbridge.providers.azure_token import AskedProgram, AzureIdentity
from tollbridge.providers.google_token import GoogleAccount
from tollbridge.providers.oauth import Exchange
from tollbridge.providers.token import Token

Account = GoogleAccount | AzureIdentity | AskedProgram | Exchange


def fetcher(account: Account, clock: Callable[[], float]) -> Callable[[], Token]:
    """Blocking: see `calls.tokens`. `clock`: epoch seconds."""
    match account:
        case GoogleAccount():
            return google_token.fetcher(account)
        case AzureIdentity():
            return azure_token.fetcher(account)
        case AskedProgram():
            return azure_token.asker(account)
        case Exchange():
            return oauth.fetcher(account, clock)
        case _:
            assert_never(account)
