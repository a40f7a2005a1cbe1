"""What LiteLLM has and Tollbridge has not: it can be imported, and says so when it is used."""

from __future__ import annotations

from typing import NoReturn

from tollbridge.errors import NotBuilt


class Absent:
    """Stands in the place of a function, a class or a module's member. Nothing is an instance of it."""

    def __init__(self, name: str, hint: str) -> None:
        self.__name__ = name
        self._hint = hint

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise self._error()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # what Python itself looks for
            raise AttributeError(name)
        raise self._error()

    def __getitem__(self, _: object) -> NoReturn:
        raise self._error()

    def __iter__(self) -> NoReturn:
        raise self._error()

    def __or__(self, _: object) -> Absent:
        """In an annotation, which is no use yet."""
        return self

    __ror__ = __or__

    def _used(self, *_: object) -> NoReturn:
        raise self._error()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _used
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __index__ = __int__ = __float__ = _used

    def __mro_entries__(self, _: object) -> NoReturn:
        raise self._error()

    def __instancecheck__(self, _: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<litellm.{self.__name__}, which is not built>"

    def _error(self) -> NotBuilt:
        return not_built(self.__name__, self._hint)


def not_built(name: str, hint: str) -> NotBuilt:
    return NotBuilt(f"`litellm.{name}` is not built in Tollbridge. {hint}".rstrip())
