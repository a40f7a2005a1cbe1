"""OAuth 2.1 toward MCP servers: the gateway is the client, for itself or for whoever signs in."""
