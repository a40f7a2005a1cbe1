"""When a model fails, the next one answers. Here the first two always fail.

python examples/recipes/fallbacks.py
python examples/recipes/fallbacks.py gpt-4.1 claude-sonnet-4-0 ollama/mixtral
"""

import sys

from tollbridge import APIError, completion

MODELS = sys.argv[1:] or ["demo/error-503", "demo/error-429", "demo/assistant"]
MESSAGES = [{"role": "user", "content": "Good morning!"}]


def main() -> None:
    response = completion(model=MODELS[0], messages=MESSAGES, fallbacks=MODELS[1:], num_retries=0)
    print(f"{response.model} answered: {response.choices[0].message.content}")


def by_hand() -> None:
    """The same as a loop, where a program wants to decide each time."""
    for model in MODELS:
        try:
            response = completion(model=model, messages=MESSAGES, num_retries=0)
        except APIError as error:
            print(f"{model} failed, trying the next one: {error}")
            continue
        print(f"{response.model} answered: {response.choices[0].message.content}")
        return
    sys.exit("None of them answered.")


if __name__ == "__main__":
    main()
    by_hand()
