from tollbridge.calls.redact import redact


def test_the_deployments_own_secret_never_shows():
    assert redact(b'{"message": "bad key hunter2-and-more"}', ["hunter2-and-more"]) == b'{"message": "bad key ***"}'


def test_what_looks_like_a_key_never_shows():
    told = redact(b"Incorrect API key provided: sk-proj-abcdefghijklmnop1234. Bearer abcdefghijkl", ())
    assert b"abcdefgh" not in told


def test_plain_words_stay():
    text = b"The model `gpt-4o` does not exist; see the task-list-of-the-day."
    assert redact(text, ()) == text
