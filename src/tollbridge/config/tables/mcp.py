"""`mcp_servers`: the keys of one server."""

from __future__ import annotations

from tollbridge.config.kinds import (
    anything_table,
    count,
    flag,
    list_of,
    map_of,
    named,
    seconds,
    secret,
    text,
    texts,
)
from tollbridge.config.schema import fills, later, moot, restricts, section

MCP_SERVER = section(
    "mcp_servers",
    fills("name", named, "server_name", "name", about="in a list of servers; in a table it is the key"),
    fills("alias", named, "alias", about="another name, which stands before its tools"),
    fills("url", secret, "url", about="where it is. Keys stand in paths, so only its origin is ever shown"),
    fills(
        "spec",
        secret,
        "spec_path",
        about="the OpenAPI document (a file or a URL) of [an API](mcp.md#an-api-as-a-server), which is at `url`",
    ),
    fills(
        "transport",
        named,
        "transport",
        about="`http`, `sse` or `stdio`. Absent: a URL is asked by Streamable HTTP, then by HTTP+SSE",
    ),
    fills(
        "version",
        named,
        "protocol_version",
        about="the revision to speak, such as `2025-06-18`. Absent, or `auto`: found out",
    ),
    fills(
        "command",
        named,
        "command",
        about="a program that is started, without a shell; it speaks on standard input and output",
    ),
    fills("args", texts, "args", about="its arguments"),
    fills("env", map_of(secret), "env", about="its variables, beside `PATH`, `HOME` and the like"),
    fills("cwd", named, "cwd", about="the folder in which it is started"),
    fills(
        "auth_type",
        named,
        "auth_type",
        about="how the credential is sent: `api_key`, `bearer_token`, `basic`, `token`, `oauth2`, `aws_sigv4` ...",
    ),
    fills(
        "auth_value",
        secret,
        "auth_value",
        "authentication_token",
        about="the credential, unless a client brings its own",
    ),
    fills(
        "client_id",
        named,
        "client_id",
        about="of `oauth2`, where the gateway was registered by hand ([OAuth](mcp-oauth.md))",
    ),
    fills("client_secret", secret, "client_secret", about="likewise"),
    fills("scopes", texts, "scopes", about="of `oauth2`: what is asked for"),
    fills(
        "authorization_url",
        named,
        "authorization_url",
        about="of `oauth2`: where people sign in. Absent: found out, as the next two",
    ),
    fills("token_url", named, "token_url", about="where tokens are given"),
    fills("registration_url", named, "registration_url", about="where the gateway registers itself"),
    fills("issuer", named, "issuer", about="the authorization server, where there is a choice"),
    fills(
        "oauth_flow",
        named,
        "oauth2_flow",
        about="`authorization_code` (people sign in; the usual one) or `client_credentials` (the gateway does)",
    ),
    fills(
        "oauth_method",
        named,
        "token_endpoint_auth_method",
        about="`client_secret_basic`, `client_secret_post` or `none`. Absent: found out",
    ),
    fills(
        "client_key", secret, "client_private_key", about="by which the gateway proves who it is, for a secret (PEM)"
    ),
    fills("client_key_id", named, "client_private_key_id", about="the id of that key"),
    fills("client_algorithm", named, "client_assertion_signing_alg", about="how that key signs"),
    fills(
        "exchange_url", named, "token_exchange_endpoint", about="where a caller's token is exchanged for the server's"
    ),
    fills("exchange_profile", named, "token_exchange_profile", about="`rfc8693` or `entra_obo`"),
    fills("audience", named, "audience", about="for whom the exchanged token is asked"),
    fills("subject_type", named, "subject_token_type", about="what the caller's token is"),
    fills(
        "oauth_resource", named, "upstream_resource", about="the resource that tokens are asked for. Absent: found out"
    ),
    fills(
        "sign_in", named, "sign_in", about="`each`: every key signs in for itself; `shared`: the admin signs in for all"
    ),
    *(
        fills(name, secret, name, about="of `aws_sigv4`: who signs. Absent: found as AWS's tools do")
        for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    ),
    *(
        fills(name, named, name, about="of `aws_sigv4`: where, and for which service")
        for name in ("aws_region_name", "aws_service_name")
    ),
    *(
        fills(name, named, name, about="of `aws_sigv4`: a role to take on first")
        for name in ("aws_role_name", "aws_session_name")
    ),
    fills("brings", list_of(named), "extra_headers", about="names of the client's headers that go along"),
    fills("headers", map_of(secret), "static_headers", about="sent with each request"),
    fills("description", text, "description", about="shown to people"),
    fills("instructions", text, "instructions", about="shown to clients, in the place of the server's own"),
    fills(
        "info",
        anything_table,
        "mcp_info",
        about="free-form and shown; `mcp_server_cost_info` in it says what [calls cost](mcp.md#the-keys-of-a-server)",
    ),
    fills("allowed", texts, "allowed_tools", about="these tools alone. Absent: all"),
    fills("disallowed", texts, "disallowed_tools", about="all but these"),
    fills("allowed_params", map_of(texts), "allowed_params", about="by tool, the arguments that may be given"),
    fills("display", map_of(text), "tool_name_to_display_name", about="by tool, what it is called"),
    fills("descriptions", map_of(text), "tool_name_to_description", about="by tool, what is said of it"),
    fills(
        "groups",
        texts,
        "access_groups",
        "mcp_access_groups",
        about="groups by which keys are given rights and clients choose",
    ),
    fills("for_all", flag, "allow_all_keys", about="every key may use it"),
    fills("timeout_s", seconds, "timeout", about="seconds of silence in a call before it is given up"),
    fills(
        "parallel",
        count,
        "max_concurrent_requests",
        "max_parallel_requests",
        about="calls at once, of all callers together; one more is refused with 429",
    ),
    fills("rpm", count, "rpm", about="calls in a minute, of all callers together; one more is refused with 429"),
    fills("sampling", flag, "allow_sampling", about="it may ask the client's model"),
    fills("elicitation", flag, "allow_elicitation", about="it may ask a person"),
    fills(
        "pin",
        named,
        "pin",
        about="what becomes of tools that [change](mcp.md#what-tools-are-said-to-be): `alert`, `strict`, `none`",
    ),
    restricts("pinned_tools", "token_validation", "oauth_identity_binding", "allow_private"),
    later(
        *("env_vars", "upstream_token_header"),
        *("id_jag_resource_token_endpoint", "id_jag_resource", "id_jag_subject_source"),
        *("id_jag_resource_client_id", "id_jag_resource_client_secret"),
        *("oauth_passthrough", "delegate_auth_to_upstream"),
        *("dcr_bridge", "per_server_oauth_discovery", "is_byok", "token_storage_ttl_seconds", "short_prefix"),
    ),
    moot(
        *("server_id", "source_url", "created_at", "updated_at", "byok_description", "byok_api_key_help_url"),
        *("available_on_public_internet", "authorization_server_metadata", "issuer_is_anchored", "dcr_issuer"),
        *("dcr_server_url", "client_id_metadata_document_supported", "configured_authorization_url"),
        *("authorization_response_iss_parameter_supported", "configured_token_url", "configured_registration_url"),
        "configured_scopes",
    ),
)
