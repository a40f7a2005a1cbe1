"""The three ways of asking. Answers are checked in full, outside the measured window where that is possible."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import cycle

from bench.bodies import wrong_answer
from bench.load.client import EVENT_MARKS, Client, OnAnswer, request_bytes
from bench.load.jobs import Aim, Job, OpenLoop, Outcome, PacedStreams, Saturate
from bench.processes import cpu_s

CHECK_EVERY = 256
ANSWER_WITHIN_S = 30.0
SPIN_S = 0.002  # uvloop's timers step by 1 ms


async def run(job: Job) -> Outcome:
    match job:
        case Saturate():
            return await saturate(job)
        case PacedStreams():
            return await paced_streams(job)
        case OpenLoop():
            return await open_loop(job)


class Line:
    """Connections to one aim, and what went wrong on them."""

    def __init__(self, aim: Aim) -> None:
        self.aim = aim
        self.errors: Counter[str] = Counter()
        self._requests = cycle([request_bytes(aim, key) for key in aim.keys] or [request_bytes(aim)])

    async def connect(self, on_answer: OnAnswer) -> Client:
        mark = EVENT_MARKS[self.aim.dialect]
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(
            lambda: Client(self._requests, mark, on_answer),
            "127.0.0.1",
            self.aim.port,
        )
        return client

    def check(self, status: int, body: bytes) -> None:
        wrong = wrong_answer(self.aim.dialect, self.aim.stream, self.aim.script, status, body)
        if wrong:
            self.errors[wrong] += 1


async def saturate(job: Saturate) -> Outcome:
    line = Line(job.aim)
    outcome = Outcome()
    ended = asyncio.Event()

    def on_answer(client: Client, problem: str | None) -> None:
        if problem:
            line.errors[problem] += 1
            return
        outcome.requests += 1
        if client.status != 200 or outcome.requests % CHECK_EVERY == 1:
            line.check(client.status, client.body)
        if client.closed:
            line.errors["the connection was not kept alive"] += 1
        elif not ended.is_set():
            client.send()

    clients = [await line.connect(on_answer) for _ in range(job.connections)]
    began = time.perf_counter()
    for client in clients:
        client.send()
    await asyncio.sleep(job.seconds)
    ended.set()
    outcome.seconds = time.perf_counter() - began
    for client in clients:
        client.busy = False
        client.transport.abort()
    outcome.errors = dict(line.errors)
    return outcome


async def paced_streams(job: PacedStreams) -> Outcome:
    line = Line(job.aim)
    answers: list[tuple[int, bytes]] = []
    first_end, all_ended = asyncio.Event(), asyncio.Event()

    def on_answer(client: Client, problem: str | None) -> None:
        first_end.set()
        if problem:
            line.errors[problem] += 1
        answers.append((client.status, client.body))
        if len(answers) == job.connections:
            all_ended.set()

    clients = [await line.connect(on_answer) for _ in range(job.connections)]
    for number, client in enumerate(clients):
        client.send()
        if number % 10 == 9:
            await asyncio.sleep(0.002)  # spread over the pace, so that events do not come in bursts
    deadline = time.perf_counter() + ANSWER_WITHIN_S
    while not first_end.is_set() and time.perf_counter() < deadline and any(client.events < 2 for client in clients):
        await asyncio.sleep(0.01)
    if first_end.is_set():
        line.errors["a stream ended before all had begun"] += 1
    outcome = Outcome(requests=job.connections)
    began, cpu, events = time.perf_counter(), cpu_s(job.pids), sum(client.events for client in clients)
    try:
        await asyncio.wait_for(first_end.wait(), job.seconds)
    except TimeoutError:
        pass  # the window is over before the streams are
    outcome.events = sum(client.events for client in clients) - events
    outcome.cpu_s = cpu_s(job.pids) - cpu
    outcome.seconds = time.perf_counter() - began
    try:
        await asyncio.wait_for(all_ended.wait(), ANSWER_WITHIN_S)
    except TimeoutError:
        line.errors["a stream did not end"] += job.connections - len(answers)
    for status, body in answers:
        line.check(status, body)
    outcome.errors = dict(line.errors)
    return outcome


async def open_loop(job: OpenLoop) -> Outcome:
    line = Line(job.aim)
    outcome = Outcome(latencies_ms=[])
    idle: list[Client] = []
    intended: dict[Client, float] = {}
    answered = asyncio.Event()

    def on_answer(client: Client, problem: str | None) -> None:
        latency_s = time.perf_counter() - intended.pop(client)
        outcome.latencies_ms.append(latency_s * 1000)
        if problem:
            line.errors[problem] += 1
        else:
            outcome.requests += 1
            line.check(client.status, client.body)
        if not client.closed:
            idle.append(client)
        answered.set()

    idle += [await line.connect(on_answer) for _ in range(4)]
    began = time.perf_counter() + 0.05
    for number in range(int(job.rate * job.seconds)):
        start = began + number / job.rate
        await asyncio.sleep(max(0.0, start - time.perf_counter() - SPIN_S))
        client = idle.pop() if idle else await line.connect(on_answer)
        intended[client] = start
        while time.perf_counter() < start:
            pass
        client.send()
    while intended and time.perf_counter() < began + job.seconds + ANSWER_WITHIN_S:
        answered.clear()
        try:
            await asyncio.wait_for(answered.wait(), 1.0)
        except TimeoutError:
            continue
    if intended:
        line.errors["no answer"] += len(intended)
    outcome.seconds = time.perf_counter() - began
    outcome.errors = dict(line.errors)
    return outcome
