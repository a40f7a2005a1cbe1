"""The server of the published articles, on stdio: an account's value is computed from purchases that it is told."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer

server = MCPServer("customer-service")


@server.tool()
def calculate_account_value(customer_id: str, purchases: list[float]) -> dict[str, Any]:
    """The total and the average of a customer's purchases."""
    total = sum(purchases)
    return {"customer": customer_id, "total": total, "average": total / len(purchases), "count": len(purchases)}


@server.tool()
def add(a: int, b: int) -> int:
    """The sum of two numbers."""
    return a + b


@server.tool()
def send_email(subject: str) -> str:
    """Sends nothing, and says what it would have sent."""
    return f"sent: {subject}"


if __name__ == "__main__":
    server.run("stdio")
