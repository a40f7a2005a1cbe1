import pytest

from tollbridge.model.json import too_deep


def nested(levels: int, how: str):
    value = 1
    for _ in range(levels):
        value = [value] if how == "list" else {"a": value, "b": []}
    return value


@pytest.mark.parametrize("how", ["list", "dict"])
def test_how_deep_a_value_is_needs_no_stack(how):
    assert not too_deep(nested(0, how), 3)
    assert not too_deep(nested(3, how), 3)
    assert too_deep(nested(4, how), 3)
    assert too_deep(nested(100_000, "list"))
