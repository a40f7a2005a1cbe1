"""`mcp_servers`: the keys of one server, known and not built yet."""

from __future__ import annotations

from tollbridge.config.schema import moot, section

MCP_SERVER = section(
    "mcp_servers",
    moot(
        *(
            "server_id",
            "server_name",
            "name",
            "alias",
            "url",
            "transport",
            "protocol_version",
            "spec_path",
            "auth_type",
        ),
        *("auth_value", "authentication_token", "instructions", "mcp_info", "extra_headers", "allowed_tools"),
        *("disallowed_tools", "tool_name_to_display_name", "tool_name_to_description", "pinned_tools"),
        *("allowed_params", "static_headers", "env_vars", "authorization_server_metadata", "client_id"),
        *("client_secret", "issuer", "issuer_is_anchored", "client_id_metadata_document_supported"),
        *("authorization_response_iss_parameter_supported", "dcr_issuer", "dcr_server_url", "scopes"),
        *("authorization_url", "token_url", "registration_url", "configured_authorization_url"),
        *("configured_token_url", "configured_registration_url", "configured_scopes", "token_endpoint_auth_method"),
        *("upstream_resource", "upstream_token_header", "aws_access_key_id", "aws_secret_access_key"),
        *("aws_session_token", "aws_region_name", "aws_service_name", "aws_role_name", "aws_session_name"),
        *("token_exchange_endpoint", "audience", "subject_token_type", "id_jag_resource_token_endpoint"),
        *("id_jag_resource", "id_jag_subject_source", "id_jag_resource_client_id", "id_jag_resource_client_secret"),
        *("client_private_key", "client_private_key_id", "client_assertion_signing_alg", "token_exchange_profile"),
        *("command", "args", "env", "access_groups", "mcp_access_groups", "allow_all_keys", "oauth_passthrough"),
        *("available_on_public_internet", "delegate_auth_to_upstream", "dcr_bridge", "per_server_oauth_discovery"),
        *("is_byok", "byok_description", "byok_api_key_help_url", "source_url", "created_at", "updated_at"),
        *("oauth2_flow", "token_validation", "oauth_identity_binding", "token_storage_ttl_seconds", "timeout"),
        *("max_concurrent_requests", "rpm", "short_prefix", "allow_sampling", "allow_elicitation", "description"),
        *("pin", "cwd", "allow_private"),
    ),
)
