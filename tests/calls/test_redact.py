import pytest

from tollbridge.calls.redact import redact, redact_errors, without_secrets
from tollbridge.errors import BadRequestError


def test_the_deployments_own_secret_never_shows():
    assert redact(b'{"message": "bad key hunter2-and-more"}', ["hunter2-and-more"]) == b'{"message": "bad key ***"}'


def test_what_looks_like_a_key_never_shows():
    told = redact(b"Incorrect API key provided: sk-proj-abcdefghijklmnop1234. Bearer abcdefghijkl", ())
    assert b"abcdefgh" not in told


def test_plain_words_stay():
    text = b"The model `gpt-4o` does not exist; see the task-list-of-the-day."
    assert redact(text, ()) == text


@pytest.mark.parametrize("spelling", ["ab/c+d\\ef==", "ab%2Fc%2Bd%5Cef%3D%3D", "ab/c+d\\\\ef==", "ab\\/c+d\\\\ef=="])
def test_a_secret_is_found_in_a_url_and_in_json_too(spelling: str) -> None:
    assert redact(f"key={spelling}.".encode(), ["ab/c+d\\ef=="]) == b"key=***."


def test_an_error_keeps_its_shape_and_loses_its_secrets() -> None:
    body = {"error": {"message": "bad key my-secret", "code": 7}}
    error = BadRequestError("bad key my-secret", code="my-secret", param="x", body=body)
    assert without_secrets(error, ["my-secret"]) is error
    assert (str(error), error.code, error.param) == ("bad key ***", "***", "x")
    assert error.body == {"error": {"message": "bad key ***", "code": 7}}


def test_a_virtual_key_of_the_operators_wording_is_masked_to_its_end() -> None:
    assert redact(b'{"user": "sk-a/b+c-d_e.f&g%h=i!j#k~l", "x": 1}', ()) == b'{"user": "***", "x": 1}'


def test_of_an_answer_only_its_errors_are_redacted() -> None:
    """OpenRouter puts the error of the provider behind it into the choice."""
    words = b'{"id": "x",  "choices": [{"message": {"content": "say \\"error\\" to my-secret"}, "logprobs": 1.50'
    error = b'"error": {"code": 502, "message": "bad key my-secret"}'
    answer = words + b", " + error + b"}], " + error + b"}"
    masked = error.replace(b"my-secret", b"***")
    assert redact_errors(answer, ["my-secret"]) == words + b", " + masked + b"}], " + masked + b"}"
    whole = words + b"}]}"
    assert redact_errors(whole, ["my-secret"]) == whole
    assert redact_errors(b'{"error": null, "choices": [{"error": null}]}', []) == (
        b'{"error": null, "choices": [{"error": null}]}'
    )


@pytest.mark.parametrize(
    "answer", [b'{"choices": [7, {"error": "my-secret"}]}', b'"error" my-secret', b'["error", "my-secret"]']
)
def test_an_answer_of_no_known_shape_is_redacted_whole(answer: bytes) -> None:
    assert redact_errors(answer, ["my-secret"]) == answer.replace(b"my-secret", b"***")
