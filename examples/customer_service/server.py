"""A customer service desk as an MCP server on stdio: three tools, a resource and a prompt about eight customers.

    python examples/customer_service/server.py

Written with the official SDK (`pip install "mcp>=2.3"`), whose `MCPServer` was called FastMCP before. Tickets are kept
in memory, as long as the process lives.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from pydantic import BaseModel, Field

Priority = Literal["low", "normal", "high", "urgent"]
Status = Literal["active", "pending", "inactive", "suspended"]


class Purchase(BaseModel):
    on: date
    amount: Decimal


class Customer(BaseModel):
    id: str
    name: str
    email: str
    status: Status
    last_active: date
    purchases: list[Purchase]


class RecentCustomer(BaseModel):
    id: str
    name: str
    status: Status
    last_active: date


class Ticket(BaseModel):
    id: str
    customer_id: str
    issue: str
    priority: Priority
    created_at: datetime


class AccountValue(BaseModel):
    customer_id: str
    purchases: int
    total: float
    average: float | None = Field(description="None where nothing was bought yet")


CustomerId = Annotated[str, Field(description="The id of a customer, such as C-1001")]
_FILE = Path(__file__).with_name("customers.json")
_CUSTOMERS = {one["id"]: Customer.model_validate(one) for one in json.loads(_FILE.read_text("utf-8"))}
_TICKETS: dict[str, Ticket] = {}
_CENT = Decimal("0.01")

server = MCPServer(
    "customer-service",
    version="1.0.0",
    title="Customer service",
    instructions="Look customers up before you write to them, and open a ticket for what cannot be solved at once.",
)


def _customer(customer_id: str) -> Customer:
    found = _CUSTOMERS.get(customer_id)
    if found is None:
        raise ToolError(f"There is no customer {customer_id!r}: get_recent_customers lists some.")
    return found


@server.tool()
def get_recent_customers(limit: Annotated[int, Field(ge=1, le=50, description="How many")] = 5) -> list[RecentCustomer]:
    """The customers who were active last, with their status; the latest first."""
    latest = sorted(_CUSTOMERS.values(), key=lambda customer: customer.last_active, reverse=True)
    return [RecentCustomer.model_validate(customer.model_dump()) for customer in latest[:limit]]


@server.tool()
def create_support_ticket(
    customer_id: CustomerId,
    issue: Annotated[str, Field(min_length=1, description="What the customer needs")],
    priority: Priority = "normal",
) -> Ticket:
    """Open a support ticket for a customer who exists."""
    ticket = Ticket(
        id=f"T-{secrets.token_hex(4).upper()}",
        customer_id=_customer(customer_id).id,
        issue=issue,
        priority=priority,
        created_at=datetime.now(UTC),
    )
    _TICKETS[ticket.id] = ticket
    return ticket


@server.tool()
def calculate_account_value(customer_id: CustomerId) -> AccountValue:
    """What a customer bought for: the total, and the average of a purchase."""
    amounts = [purchase.amount for purchase in _customer(customer_id).purchases]
    total = sum(amounts, Decimal(0))
    average = float((total / len(amounts)).quantize(_CENT)) if amounts else None
    return AccountValue(customer_id=customer_id, purchases=len(amounts), total=float(total), average=average)


@server.resource("customer://{customer_id}", mime_type="application/json")
def customer(customer_id: str) -> str:
    """A customer, with all purchases and the tickets that were opened since the server started."""
    found = _CUSTOMERS.get(customer_id)
    if found is None:
        raise ResourceNotFoundError(f"There is no customer {customer_id!r}")
    tickets = [ticket.model_dump(mode="json") for ticket in _TICKETS.values() if ticket.customer_id == customer_id]
    return json.dumps({**found.model_dump(mode="json"), "tickets": tickets}, ensure_ascii=False)


@server.prompt()
def customer_service_response(customer_name: str, issue: str, tone: str = "warm and to the point") -> str:
    """Write an answer to a customer's message."""
    return (
        f"Write an answer to our customer {customer_name}, who wrote:\n\n{issue}\n\n"
        f"The tone is {tone}. Say first that the message was understood, then what we do about it and until when, and "
        "end with how to reach us. Promise nothing that was not agreed, and ask for no password or card number."
    )


if __name__ == "__main__":
    server.run("stdio")
