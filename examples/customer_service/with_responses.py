"""The assistant with OpenAI's Responses: the gateway gives the model the tools, and makes the calls itself.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/customer_service/with_responses.py
"""

import os
import sys

from openai import OpenAI

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = os.environ["TOLLBRIDGE_KEY"]
MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"


def main() -> None:
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
    answer = client.responses.create(
        model=MODEL,
        input="What is the account value of C-1001?",
        tools=[
            {
                "type": "mcp",
                "server_label": "desk",
                "server_url": f"{URL}/mcp",
                "require_approval": "never",
                "headers": {"x-litellm-api-key": f"Bearer {KEY}", "x-mcp-servers": "customer-service"},
            }
        ],
        tool_choice="required",
    )
    for item in answer.output:
        if item.type == "mcp_call":
            print(f"{item.name}({item.arguments}) gave {item.output}")
    print(answer.output_text)


if __name__ == "__main__":
    main()
