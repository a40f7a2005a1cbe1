"""The MCP gateway: one endpoint in front of any number of MCP servers, of every protocol revision on both sides."""
