import io
import os
import time

import msgspec
import pytest

from tollbridge.model.response import Usage
from tollbridge.observe import Metrics, Record, RequestLog, Scribe, tokens
from tollbridge.observe.line import spelled


def record(**changes) -> Record:
    return Record(
        request_id="req_1", endpoint="/v1/chat/completions", at=1_700_000_000.25, began=5.0, status=200, **changes
    )


def logged(*records: Record) -> list[dict]:
    stream = io.BytesIO()
    log = RequestLog(stream)
    for one in records:
        log.done(one)
    log.close()
    return [msgspec.json.decode(text) for text in stream.getvalue().splitlines()]


def test_a_line_has_what_happened_and_leaves_out_what_is_empty():
    spent = tokens(Usage(input=3, output=4, reasoning=2, cache_read=0))
    [fields] = logged(record(model_requested="m", tokens=spent, duration_ms=500.0))
    assert fields["ts"] == "2023-11-14T22:13:20.250Z"
    assert fields["event"] == "request"
    assert fields["level"] == "info"
    assert fields["tokens"] == {"input": 3, "output": 4, "reasoning": 2}
    assert fields["duration_ms"] == 500.0
    assert not {"user", "at", "began", "caveats"} & fields.keys()


def test_a_line_tells_its_own_moment_whatever_the_one_before_it_told():
    scribe = Scribe()
    for at in (1.0, 1.0004, 1.001, 1.9999, 2.0, 61.5, 1.001, 1_764_000_000.119, 1_764_000_000.1189):
        record = Record(at=at, began=7.0)
        line = msgspec.json.decode(scribe.line(record))
        assert line["ts"] == spelled(at)
        assert {"at", "began"}.isdisjoint(line)
        assert (record.at, record.began) == (at, 7.0)
    assert [spelled(at) for at in (1.0004, 61.5, 1_764_000_000.25)] == [
        "1970-01-01T00:00:01.000Z",
        "1970-01-01T00:01:01.500Z",
        "2025-11-24T16:00:00.250Z",
    ]


def test_lines_are_written_in_order_and_whole():
    stream = io.BytesIO()
    log = RequestLog(stream)
    for n in range(100):
        one = record(client='agent\n{"level":"fake"}\x1b[31m')
        one.request_id = f"req_{n}"
        log.done(one)
    log.close()
    lines = stream.getvalue().splitlines()
    assert [msgspec.json.decode(text)["request_id"] for text in lines] == [f"req_{n}" for n in range(100)]
    assert b"\x1b" not in stream.getvalue()


def test_strangers_fill_no_disk_and_are_counted():
    """S59. Who has a key, and what was served, is logged whatever comes beside it."""
    stream, now = io.BytesIO(), 0.0
    log = RequestLog(stream, clock=lambda: now)
    for second in range(3):
        now = second * 1.5
        for _ in range(1000):
            log.done(Record(endpoint="unknown", status=401))
        log.done(record(key_id="k"))
        log.done(Record(endpoint="/v1/models", key_id="k", status=429))
    log.close()
    lines = [msgspec.json.decode(text) for text in stream.getvalue().splitlines()]
    assert [line["count"] for line in lines if line["event"] == "unlogged"] == [900, 900, 900]
    assert all(line["ts"][:2] == "20" for line in lines if line["event"] == "unlogged")
    requests = [line for line in lines if line["event"] == "request"]
    assert [line.get("key_id") for line in requests] == ([None] * 100 + ["k", "k"]) * 3


class Disk(io.BytesIO):
    """One with room for so many bytes, that takes at most 300 at once."""

    room = 0

    def write(self, data):
        if not self.room:
            raise OSError(28, "No space left on device")
        taken = min(len(data), self.room, 300)
        self.room -= taken
        return super().write(data[:taken])


def test_a_log_without_room_drops_lines_counts_them_says_so_once_and_goes_on(caplog: pytest.LogCaptureFixture):
    disk, metrics = Disk(), Metrics()
    disk.room = 1000
    log = RequestLog(disk)
    log.show(metrics)

    def enter(first: int, last: int) -> None:
        for n in range(first, last):
            log.done(record(), b'{"n":%d,"filling":"%b"}' % (n, b"x" * 80))

    def seen(text: str) -> None:
        while text not in caplog.text:
            time.sleep(0.005)

    enter(0, 50)
    seen("CANNOT BE WRITTEN: [Errno 28] No space left on device")
    enter(50, 60)
    while log.dropped + disk.getvalue().count(b"\n") < 60:
        time.sleep(0.005)
    disk.room = 1_000_000
    enter(60, 100)
    seen("written again")
    log.close()
    lines = disk.getvalue().splitlines()
    (torn,) = [line for line in lines if not line.endswith(b"}")]
    whole = [msgspec.json.decode(line)["n"] for line in lines if line != torn]
    assert whole == [*range(len(whole) - 40), *range(60, 100)]
    assert len(whole) + log.dropped == 100
    assert f"tollbridge_log_dropped_total {float(log.dropped)}" in metrics.exposition().decode()
    assert caplog.text.count("CANNOT BE WRITTEN") == 1


def test_a_pipe_that_nobody_reads_for_a_while_gets_all_lines():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(reading, "rb") as reader, open(writing, "wb", buffering=0) as stream:
        log = RequestLog(stream)
        for n in range(1000):
            log.done(record(), b'{"n":%d,"filling":"%b"}' % (n, b"x" * 500))
        lines = [reader.readline() for _ in range(1000)]
        log.close()
    assert [msgspec.json.decode(line)["n"] for line in lines] == list(range(1000))
    assert log.dropped == 0


def test_a_pipe_that_nobody_reads_any_more_does_not_hold_up_the_end():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(reading, "rb"), open(writing, "wb", buffering=0) as stream:
        log = RequestLog(stream)
        for n in range(1000):
            log.done(record(), b'{"n":%d,"filling":"%b"}' % (n, b"x" * 500))
        log.close()
    assert 0 < log.dropped < 1000


def test_the_exposition_counts_requests_tokens_and_times():
    metrics = Metrics()
    metrics.done(
        record(
            provider="groq",
            group="fast",
            stream=True,
            duration_ms=20.0,
            ttft_ms=10.0,
            upstream_ms=9.0,
            overhead_ms=1.0,
            tokens={"input": 10, "output": 5, "cache_read": 4},
            caveats=("dropped_param $.seed",),
        )
    )
    metrics.attempted("groq", "ok")
    text = metrics.exposition().decode()
    assert (
        'tollbridge_requests_total{endpoint="/v1/chat/completions",model="fast",provider="groq",status_class="2xx"} 1.0'
        in text
    )
    assert 'type="cache_read"} 4.0' in text
    assert 'tollbridge_request_duration_seconds_bucket{endpoint="/v1/chat/completions",le="0.025"' in text
    assert 'tollbridge_caveats_total{code="dropped_param"} 1.0' in text
    assert 'tollbridge_attempts_total{outcome="ok",provider="groq"} 1.0' in text
    assert "tollbridge_overhead_seconds_count" in text


def test_what_a_client_writes_never_becomes_a_label():
    metrics = Metrics()
    for n in range(50):
        metrics.done(record(model_requested=f"made-up-{n}", user=f"user-{n}"))
    assert "made-up" not in metrics.exposition().decode()
    assert len(metrics.rows) == 1


def test_requests_are_counted_alike_one_by_one_and_by_hundreds():
    """A time on a bucket's bound is in the bucket."""
    times = [5.0, 6.0, 10.0, 0.0, 250.0, 400_000.0] * 100
    once, often = Metrics(), Metrics()
    for ms in times:
        for metrics in (once, often):
            metrics.done(record(duration_ms=ms, upstream_ms=ms, cost_nanousd=7, tokens={"input": 2, "output": 1}))
        often.exposition()
    [row] = once.rows.values()
    assert row.duration.below[:3] == [200, 400, 400]
    assert row.duration.below[-2:] == [500, 600]
    assert row.upstream.below[-1] == 500
    assert (row.cost_nanousd, dict(row.tokens)) == (4200, {"input": 1200, "output": 600})
    assert once.exposition() == often.exposition()
