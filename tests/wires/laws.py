"""The laws of a wire, as functions over one exchange. Each raises AssertionError with a JSON path where it is broken.

    1  round_trip_request(wire, body, forms)      write(read(x)) == x, for requests
       round_trip_response(wire, body, forms)     and for answers
    2  folds_like_its_twin(wire, stream, twin, forms)   fold(read_stream(s)) == read_response(twin): our own twins
       reads_back(wire, stream, forms)                  fold(s), written whole and as a stream, reads back equal
    3  splits_anywhere(wire, stream)              the same events at every offset (our own cases)
       splits_near_borders(wire, stream)          byte by byte, near each border, 32 seeded random splits (recordings)
    5  relays_as_it_writes(wire, body, forms)     relaying a request equals writing what was read

`forms` is the wire's list of normal forms: the only differences that a law forgives. Each law returns the set of the
names of those that this exchange needed; hand it to `Tally.count`, and print `Tally.table()` at the end.

    FORMS = (NormalForm("stop_list", "`stop: x` and `stop: [x]` say the same", request=lambda body: ...), ...)
    tally = Tally(FORMS)
    tally.count("request", exchange_id, round_trip_request(WIRE, body, FORMS))

A normal form rewrites a body into the one spelling (pure: it gets a deep copy and returns it). `request` and `response`
work on bodies; `answer` works on a Response as builtins (`msgspec.to_builtins`), for law 2.

`mutants(value)` yields each way to drop or alter one field of a neutral value: a law that does not see one is no law.
`load_cases(folder)` reads our own cases: files of `{"name", "request"?, "response"?, "stream"?, "stream_only"?}` where
`stream` is a list of chunks (JSON) or of [event, data] pairs, framed by `framed`.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Event, Noted, Opened
from tollbridge.model.fold import fold, unfold
from tollbridge.model.response import Response, Usage
from tollbridge.wires import sse
from tollbridge.wires.base import Head, ProviderWire, SseEvent, StreamParser, Target, Wire
from tollbridge.wires.seal import UNKEYED, Seals

Rewrite = Callable[[Any], Any]
RANDOM_SPLITS = 32


class NormalForm(msgspec.Struct, frozen=True):
    """A difference that means nothing. `reason` says why it does not."""

    name: str
    reason: str
    request: Rewrite | None = None
    response: Rewrite | None = None
    answer: Rewrite | None = None


class Tally:
    """How many exchanges each law saw, and for how many of them each normal form was needed."""

    def __init__(self, forms: Iterable[NormalForm]) -> None:
        self.forms = {form.name: form for form in forms}
        self.exchanges: Counter[str] = Counter()
        self.needed: dict[str, set[str]] = {name: set() for name in self.forms}

    def count(self, law: str, exchange_id: str, needed: Iterable[str] = ()) -> None:
        self.exchanges[law] += 1
        for name in needed:
            self.needed[name].add(exchange_id)

    def unused(self) -> list[str]:
        """The normal forms that no exchange needed."""
        return [name for name, ids in self.needed.items() if not ids]

    def table(self) -> str:
        lines = [f"{count:6d}  {law}" for law, count in sorted(self.exchanges.items())]
        lines.append("")
        lines += [f"{len(self.needed[name]):6d}  {name}: {form.reason}" for name, form in self.forms.items()]
        return "\n".join(lines)


def load_cases(folder: Path) -> list[dict[str, Any]]:
    return [{"name": path.stem, **msgspec.json.decode(path.read_bytes())} for path in sorted(folder.glob("*.json"))]


def framed(chunks: list[Any], end: bytes = b"") -> bytes:
    """A stream's bytes. `chunks`: JSON values, or [event name, JSON value] pairs; `end`: what the format ends with."""
    events = (
        sse.write(msgspec.json.encode(chunk[1]), chunk[0].encode())
        if isinstance(chunk, list)
        else sse.write(msgspec.json.encode(chunk))
        for chunk in chunks
    )
    return b"".join(events) + end


# Law 1 and 5


def round_trip_request(
    wire: Wire, body: Any, forms: Iterable[NormalForm], *, target: Target | None = None, seals: Seals = UNKEYED
) -> set[str]:
    read = wire.read_request(copy.deepcopy(body), seals)
    target = target or Target(model=read.value.model, stream=bool(read.value.stream))
    written = wire.write_request(read.value, target)
    assert not read.caveats, f"reading left caveats: {read.caveats}"
    assert not written.caveats, f"writing left caveats: {written.caveats}"
    return same(body, through_json(written.value.body), [(form.name, form.request) for form in forms])


def round_trip_response(wire: Wire, body: Any, forms: Iterable[NormalForm], *, seals: Seals = UNKEYED) -> set[str]:
    written = wire.write_response(wire.read_response(copy.deepcopy(body)), seals)
    assert not written.caveats, f"writing left caveats: {written.caveats}"
    return same(body, through_json(written.value), [(form.name, form.response) for form in forms])


def relays_as_it_writes(wire: Wire, body: Any, forms: Iterable[NormalForm], model: str = "another-model") -> set[str]:
    """A relay changes `model` alone; where that stands in the path, nothing."""
    read = wire.read_request(copy.deepcopy(body)).value
    written = wire.write_request(read, Target(model=model, stream=bool(read.stream))).value.body
    relayed = body if wire.in_path else {**body, "model": model}
    return same(relayed, through_json(written), [(form.name, form.request) for form in forms])


# Wires that only providers speak: nothing writes their answers again, so that reading alone must see each field


def reads_each_field(wire: ProviderWire, body: Any, silent: Iterable[str] = ()) -> None:
    """Each field of an answer that is left out or altered makes it read otherwise, or not at all; but for the paths of
    `silent`, which end so."""
    whole = builtins(wire.read_response(copy.deepcopy(body)))
    for path, changed in altered(body):
        if path.endswith(tuple(silent)):
            continue
        try:
            read = builtins(wire.read_response(changed))
        except APIError:
            continue
        assert read != whole, f"nothing reads {path}"


def altered(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """(path, the same JSON value with one field dropped, or one leaf another). What is empty says nothing."""
    match value:
        case dict():
            for key, held in value.items():
                if not _is_empty(held):
                    yield f"{path}.{key}", {other: kept for other, kept in value.items() if other != key}
                for inner, changed in altered(held, f"{path}.{key}"):
                    yield inner, {**value, key: changed}
        case list():
            for index, held in enumerate(value):
                yield f"{path}[{index}]", [*value[:index], *value[index + 1 :]]
                for inner, changed in altered(held, f"{path}[{index}]"):
                    yield inner, [*value[:index], changed, *value[index + 1 :]]
        case None:
            pass
        case _:
            yield path, _altered(value)


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(held) for key, held in value.items() if key != "role")
    return value in ("", None, [], "{}")


# Law 2


def read_stream(wire: ProviderWire, stream: bytes) -> list[Event]:
    return read_in_pieces(wire, [stream])


def folds_like_its_twin(wire: ProviderWire, stream: bytes, twin: Any, forms: Iterable[NormalForm]) -> set[str]:
    folded = fold(read_stream(wire, stream), origin=wire.name)
    whole = wire.read_response(copy.deepcopy(twin))
    return same(builtins(whole), builtins(folded), [(form.name, form.answer) for form in forms])


def reads_back(wire: Wire, stream: bytes, forms: Iterable[NormalForm]) -> set[str]:
    """What a stream told, written as a whole answer and as a stream again, tells the same."""
    forms = list(forms)
    folded = fold(read_stream(wire, stream), origin=wire.name)
    written = wire.write_response(folded)
    assert not written.caveats, f"writing left caveats: {written.caveats}"
    again = wire.read_response(through_json(written.value))
    steps = [(form.name, form.answer) for form in forms]
    needed = same(builtins(folded), builtins(again), steps)
    rewritten = fold(read_stream(wire, write_stream(wire, read_stream(wire, stream), folded)), origin=wire.name)
    needed |= same(builtins(folded), builtins(rewritten), steps)
    unfolded = fold(unfold(folded), origin=wire.name)
    same(builtins(folded), builtins(unfolded), [])
    return needed


def write_stream(wire: Wire, events: Iterable[Event], response: Response, *, seals: Seals = UNKEYED) -> bytes:
    """Events as the wire writes them to a client that asked for usage. `response` gives the head."""
    head = Head(
        id=response.id,
        model=response.model,
        created=response.created or 0,
        include_usage=response.usage is not None,
        origin=response.origin,
        account=response.account,
        seals=seals,
    )
    writer = wire.stream_writer(head)
    return b"".join([*(writer.write(event) for event in events), writer.close()])


# Law 3


def splits_anywhere(wire: ProviderWire, stream: bytes) -> None:
    """Every offset, one cut; and byte by byte."""
    whole = read_stream(wire, stream)
    for cut in range(1, len(stream)):
        _same_events(whole, read_in_pieces(wire, [stream[:cut], stream[cut:]]), f"cut at {cut}")
    _same_events(whole, read_in_pieces(wire, _bytes(stream)), "byte by byte")


def splits_near_borders(wire: ProviderWire, stream: bytes, seed: int = 7) -> None:
    """The cuts are tried on the framing: a wire's reader sees whole events only."""
    parser = wire.stream_parser
    whole = frame(stream, parser)
    assert frame_pieces(_bytes(stream), parser) == whole, "byte by byte"
    marks = (b"\n",) if wire.streams_bare_json else (b"\n\n", b"\r\n\r\n")
    borders = [at for at in range(len(stream)) if stream.startswith(marks, at)]
    cuts = sorted({at + shift for at in borders for shift in range(-3, 4) if 0 < at + shift < len(stream)})
    for offset in range(3):  # neighbours apart: all cuts of one third together
        chosen = cuts[offset::3]
        assert frame_pieces(_cut(stream, chosen), parser) == whole, f"near borders, third {offset}"
    chance = random.Random(seed)
    for number in range(RANDOM_SPLITS):
        chosen = sorted(chance.sample(range(1, len(stream)), min(8, len(stream) - 1)))
        assert frame_pieces(_cut(stream, chosen), parser) == whole, f"random split {number}"


def read_in_pieces(wire: ProviderWire, pieces: Iterable[bytes]) -> list[Event]:
    parser, reader, events = wire.stream_parser(), wire.stream_reader(), list[Event]()
    for piece in pieces:
        for event in parser.feed(piece):
            events.extend(reader.feed(event))
    for event in parser.close():
        events.extend(reader.feed(event))
    events.extend(reader.close())
    return events


def frame(stream: bytes, make: Callable[[], StreamParser] = sse.SseParser) -> list[SseEvent]:
    return frame_pieces([stream], make)


def frame_pieces(pieces: Iterable[bytes], make: Callable[[], StreamParser] = sse.SseParser) -> list[SseEvent]:
    parser = make()
    return [*(event for piece in pieces for event in parser.feed(piece)), *parser.close()]


# Mutations


def mutants(value: Any) -> Iterator[tuple[str, Any]]:
    """(path, the same value with one field dropped to its default or altered), for every field that holds something."""
    yield from _mutants(value, "$")


def _mutants(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    match value:
        case msgspec.Struct():
            for field in msgspec.structs.fields(value):
                held = getattr(value, field.name)
                if held == _default(field):
                    continue
                where = f"{path}.{field.name}"
                if not isinstance(held, msgspec.Struct | tuple | dict):
                    yield where, msgspec.structs.replace(value, **{field.name: _altered(held)})
                elif not field.required:
                    yield where, msgspec.structs.replace(value, **{field.name: _default(field)})
                for inner, changed in _mutants(held, where):
                    yield inner, msgspec.structs.replace(value, **{field.name: changed})
        case tuple():
            for index, item in enumerate(value):
                yield f"{path}[{index}]", (*value[:index], *value[index + 1 :])
                for inner, changed in _mutants(item, f"{path}[{index}]"):
                    yield inner, (*value[:index], changed, *value[index + 1 :])
        case dict():
            for key in value:
                yield f"{path}.{key}", {other: held for other, held in value.items() if other != key}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else msgspec.NODEFAULT


def _altered(held: Any) -> Any:
    match held:
        case bool():
            return not held
        case int() | float():
            return held + 1
        case str():
            return held + "~"
        case _:
            return None


# Comparing


def same(wanted: Any, got: Any, forms: Iterable[tuple[str, Rewrite | None]]) -> set[str]:
    """The names of the normal forms without which the two differ; AssertionError where they differ with all of them."""
    if wanted == got:
        return set()
    applicable = [(name, rewrite) for name, rewrite in forms if rewrite is not None]
    left, right, needed = copy.deepcopy(wanted), copy.deepcopy(got), set[str]()
    for name, rewrite in applicable:
        before = (copy.deepcopy(left), copy.deepcopy(right))
        left, right = rewrite(left), rewrite(right)
        if (left, right) != before and _distance(left, right) < _distance(*before):
            needed.add(name)
    if left != right:
        raise AssertionError("\n".join(["differs:", *list(differences(left, right))[:12]]))
    return needed


def _distance(left: Any, right: Any) -> int:
    return sum(1 for _ in differences(left, right))


def differences(wanted: Any, got: Any, path: str = "$") -> Iterator[str]:
    """One line for each place where two JSON values differ."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in wanted.keys() | got.keys():
            if key not in got:
                yield f"{path}.{key}: lost {_short(wanted[key])}"
            elif key not in wanted:
                yield f"{path}.{key}: made up {_short(got[key])}"
            else:
                yield from differences(wanted[key], got[key], f"{path}.{key}")
    elif isinstance(wanted, list | tuple) and isinstance(got, list | tuple) and len(wanted) == len(got):
        for index, (left, right) in enumerate(zip(wanted, got, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif wanted != got or isinstance(wanted, bool) != isinstance(got, bool):
        yield f"{path}: {_short(wanted)} became {_short(got)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 160 else text[:157] + "..."


def through_json(value: Any) -> Any:
    """As it would arrive: keys and numbers as JSON has them."""
    return msgspec.json.decode(msgspec.json.encode(value))


def builtins(response: Response) -> Any:
    return msgspec.to_builtins(response)


def usage_of(events: Iterable[Event]) -> Usage | None:
    """The last usage that a stream told."""
    return next((e.note for e in reversed(list(events)) if isinstance(e, Noted) and isinstance(e.note, Usage)), None)


def parts_of(events: Iterable[Event]) -> list[str]:
    return [type(event.part).__name__ for event in events if isinstance(event, Opened)]


def _bytes(stream: bytes) -> Iterator[bytes]:
    return (stream[at : at + 1] for at in range(len(stream)))


def _cut(stream: bytes, cuts: list[int]) -> Iterator[bytes]:
    return (stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True))


def _same_events(wanted: list[Event], got: list[Event], how: str) -> None:
    assert wanted == got, f"{how}: " + "; ".join(f"{a} became {b}" for a, b in zip(wanted, got, strict=False) if a != b)
