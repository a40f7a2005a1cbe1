"""A letter to a customer: the server's prompt as messages, the customer's record as a part of one, no tool at all.

python examples/customer_service/reply.py
python examples/customer_service/reply.py claude-sonnet-4-0
"""

import asyncio
import sys
from pathlib import Path

import tollbridge

MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
SERVER = Path(__file__).with_name("server.py")


async def main() -> None:
    async with tollbridge.tools([sys.executable, SERVER]) as server:
        about = {"customer_name": "Hana Kobayashi", "issue": "My account is suspended, and I do not know why."}
        messages = await server.prompt("customer_service_response", about)
        record = await server.resource("customer://C-1005")
    messages.append({"role": "user", "content": [{"type": "text", "text": "What we know of the customer:"}, *record]})
    response = await tollbridge.acompletion(MODEL, messages)
    print(response.choices[0].message.content)


if __name__ == "__main__":
    asyncio.run(main())
