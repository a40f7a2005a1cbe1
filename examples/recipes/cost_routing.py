"""Simple questions go to a cheap model, others to a capable one.

python examples/recipes/cost_routing.py
"""

from choosing import CAPABLE, CHEAP, is_simple_query

from tollbridge import completion

QUESTIONS = (
    "What are your opening hours?",
    "Compare a monthly with a yearly subscription for a team that grows, and explain which one is better.",
)


def main() -> None:
    for question in QUESTIONS:
        model = CHEAP if is_simple_query(question) else CAPABLE
        response = completion(model=model, messages=[{"role": "user", "content": question}])
        print(f"{model}: {response.choices[0].message.content}")


if __name__ == "__main__":
    main()
