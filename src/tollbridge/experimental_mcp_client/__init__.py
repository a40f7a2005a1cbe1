"""Tools of an MCP server for any model, over a session of the `mcp` package: LiteLLM's names and signatures.

    async with stdio_client(params) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = await load_mcp_tools(session, format="openai")

Sessions of `mcp` 1.x and 2.x are taken, and 2.x's `Client`. `tollbridge.tools` needs no session, nor that package.
"""

from tollbridge.experimental_mcp_client.tools import (
    call_mcp_tool,
    call_openai_tool,
    load_mcp_prompt,
    load_mcp_resource,
    load_mcp_tools,
)

__all__ = ["call_mcp_tool", "call_openai_tool", "load_mcp_prompt", "load_mcp_resource", "load_mcp_tools"]
