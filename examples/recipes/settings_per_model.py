"""Each model with settings of its own; a model that has none is asked as it is.

python examples/recipes/settings_per_model.py
"""

from choosing import CAPABLE, CHEAP, LOCAL, select_best_model

from tollbridge import completion

SETTINGS = {
    CHEAP: {"temperature": 0.2, "max_tokens": 12},  # so few that it shows
    CAPABLE: {"temperature": 0.7, "max_tokens": 2000},
    LOCAL: {"temperature": 0.5, "max_tokens": 500, "timeout": 120},
}
QUESTIONS = (
    "Where is my parcel?",
    "Explain why it is late, and plan what we do about it.",
    "Please write to ada@example.com that it is on its way.",
)


def main() -> None:
    for question in QUESTIONS:
        model = select_best_model(question)
        messages = [{"role": "user", "content": question}]
        choice = completion(model=model, messages=messages, **SETTINGS.get(model, {})).choices[0]
        print(f"{model} ({choice.finish_reason}): {choice.message.content}")


if __name__ == "__main__":
    main()
