"""An HTTP API that is described by an OpenAPI document, as an MCP server: each of its operations is a tool."""
