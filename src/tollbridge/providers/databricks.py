"""Databricks: a workspace's own token, or one for a service principal (OAuth, machine to machine).

A personal access token, or any other bearer token, is `api_key`. Where there is none, `client_id` and `client_secret`
of a service principal are exchanged at the workspace itself, `/oidc/v1/token`, for an hour's token.

Source: https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m (seen 2026-11-26).
"""

from __future__ import annotations

from tollbridge.providers.oauth import Exchange
from tollbridge.providers.said import Said


def databricks_account(said: Said) -> Exchange | None:
    client = said.value("client_id", "DATABRICKS_CLIENT_ID")
    secret = said.secret("client_secret", "DATABRICKS_CLIENT_SECRET")
    if said.key or client is None or secret is None:
        return None
    return Exchange(
        provider=said.provider,
        office="the workspace",
        url=f"{said.base.origin}/oidc/v1/token",
        form=(("grant_type", "client_credentials"), ("scope", "all-apis")),
        client=(client, secret),
        mend="Look at `client_id` and `client_secret`, and whether that service principal is in the workspace.",
    )
