"""MCP for programs: servers' tools as tools of any model, and the loop that runs them."""
