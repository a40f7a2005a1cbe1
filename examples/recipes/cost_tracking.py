"""What an answer cost and how long it took, and what other models would have asked for it.

python examples/recipes/cost_tracking.py            the offline model, which is free
python examples/recipes/cost_tracking.py gpt-4.1
"""

import sys

from tollbridge import completion, completion_cost, cost_per_token

MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
OTHERS = ("gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "gemini-2.5-flash")


def main() -> None:
    response = completion(model=MODEL, messages=[{"role": "user", "content": "Write a haiku about a toll bridge."}])
    print(response.choices[0].message.content)
    print(f"{MODEL}: ${completion_cost(completion_response=response):.4f} in {response._response_ms:.0f} ms")
    usage = response.usage
    for other in OTHERS:
        cost = sum(cost_per_token(other, usage.prompt_tokens, usage.completion_tokens))
        print(f"{other}: ${cost:.6f} for {usage.prompt_tokens} + {usage.completion_tokens} tokens")


if __name__ == "__main__":
    main()
