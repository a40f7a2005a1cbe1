"""`credential_list[]`."""

from __future__ import annotations

from tollbridge.config.kinds import anything_table, named
from tollbridge.config.schema import fills, moot, section

CREDENTIALS = section(
    "credential_list",
    fills("name", named, "credential_name", about="what `litellm_credential_name` of a deployment says; needed"),
    fills("values", anything_table, "credential_values", about="keys of `litellm_params`, such as `api_key`; needed"),
    moot("credential_info"),
)
