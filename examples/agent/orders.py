"""A database as an MCP server on stdio: orders in SQLite, which can be looked at and not changed.

python examples/agent/orders.py
"""

import sqlite3
from typing import Any, Literal

from mcp.server import MCPServer

ORDERS = [
    ("O-1", "C-1001", "SKU-7", "open"),
    ("O-2", "C-1004", "SKU-9", "shipped"),
    ("O-3", "C-1008", "SKU-7", "open"),
]
database = sqlite3.connect(":memory:", check_same_thread=False)
database.row_factory = sqlite3.Row
database.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT, article TEXT, status TEXT)")
database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", ORDERS)
database.commit()
database.execute("PRAGMA query_only = ON")

server = MCPServer("orders")


@server.tool()
def find_orders(status: Literal["open", "shipped"]) -> list[dict[str, Any]]:
    """The orders of that status."""
    return [dict(row) for row in database.execute("SELECT * FROM orders WHERE status = ? ORDER BY id", (status,))]


if __name__ == "__main__":
    server.run("stdio")
