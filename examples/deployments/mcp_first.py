"""MCP first: the application knows its servers, as mcp_first.json beside names them, and any model is asked with them.

python examples/deployments/mcp_first.py
python examples/deployments/mcp_first.py gpt-4.1
"""

import sys
from pathlib import Path

from tollbridge import MCPClient, completion

MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
SERVERS = Path(__file__).with_suffix(".json")


def main() -> None:
    messages = [{"role": "user", "content": "Find the orders that are open."}]
    with MCPClient(SERVERS) as client:
        client.connect("desk").connect("orders")
        print(", ".join(tool.name for tool in client.list_tools()))
        while True:
            message = completion(MODEL, messages, tools=client.get_tool_schemas()).choices[0].message
            messages.append(message)
            if not message.tool_calls:
                break
            messages += [client.call_openai_tool(call) for call in message.tool_calls]
    print(message.content)


if __name__ == "__main__":
    main()
