"""A folder as an MCP server on stdio: its files can be listed and read, and nothing outside of it.

python examples/agent/papers.py [FOLDER]
"""

import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("papers")

server = MCPServer("papers")


@server.tool()
def list_papers() -> list[str]:
    """The names of all papers."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_file())


@server.tool()
def read_paper(name: str) -> str:
    """A paper's text, by its name."""
    if name not in list_papers():
        raise ToolError(f"There is no paper {name!r}: list_papers has their names.")
    return (FOLDER / name).read_text("utf-8")


if __name__ == "__main__":
    server.run("stdio")
