"""A model for each task, one address for all of them in the program, and what each task cost.

python examples/model_per_task.py

The models are offline ones with the prices of those above them. Put these in their place, and leave the prices away:
they are known. Embeddings stay on the machine and cost nothing.
"""

from collections import Counter

from tollbridge import Router

MODELS = {
    # anthropic/claude-sonnet-4-5
    "summaries": {"model": "demo/writer", "input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6},
    # openai/gpt-4.1
    "code": {"model": "demo/coder", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6},
    # ollama/nomic-embed-text
    "embeddings": {"model": "demo/vectors"},
}
NOTES = ("The parcel is late again.", "The invoice names the wrong street.", "Where does the parcel stay?")

router = Router(model_list=[{"model_name": task, "litellm_params": who} for task, who in MODELS.items()])
spent: Counter[str] = Counter()


def ask(task: str, text: str) -> str:
    response = router.completion(task, [{"role": "user", "content": text}])
    spent[task] += response._hidden_params["response_cost"]
    return response.choices[0].message.content


def vectors(texts: tuple[str, ...]) -> list[list[float]]:
    made = router.embedding("embeddings", texts)
    spent["embeddings"] += made._hidden_params["response_cost"]
    return [item.embedding for item in made.data]


def alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def main() -> None:
    print(ask("summaries", f"Summarize what our customers say: {' '.join(NOTES)}"))
    print(ask("code", "Write a function that checks the number of a parcel."))
    wanted, *known = vectors(("late parcel", *NOTES))
    print("closest to 'late parcel':", max(zip(NOTES, known, strict=True), key=lambda pair: alike(wanted, pair[1]))[0])
    for task, cost in spent.items():
        print(f"{task}: ${cost:.6f}")


if __name__ == "__main__":
    main()
