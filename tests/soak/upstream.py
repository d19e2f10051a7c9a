"""A model server that misbehaves on purpose, and whose right answers anybody can check.

The answer to a question is a function of the question, so a client knows what it must get. Each request may instead be
delayed, refused, cut off or answered with rubbish, with the probabilities that the command line gives.

    python upstream.py --faults 0.1 --seed 7     prints its port, serves until it is killed
"""
from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import fake_upstream as steps  # noqa: E402

MOST_DELAY_S = 0.2


def right_answer(question: str) -> str:
    """Words, some of them long answers: between 5 and 400, the same for the same question."""
    digest = hashlib.sha256(question.encode()).digest()
    words = [digest[i % 32:].hex()[:8] for i in range(5 + digest[0] + digest[1] % 140)]
    return f"About {question} I say {' '.join(words)}."


def question_of(call: steps.Call) -> str:
    return call.json["messages"][-1]["content"]


class Misbehaving:
    """One default step for all requests."""

    def __init__(self, faults: float, seed: int) -> None:
        self._faults, self._random = faults, random.Random(seed)
        self.done: dict[str, int] = {}

    async def __call__(self, call: steps.Call) -> None:
        if not isinstance(call.json, dict) or "messages" not in call.json:
            await steps.default_step(call)
            return
        fault = self._random.choice(FAULTS) if self._random.random() < self._faults else "none"
        self.done[fault] = self.done.get(fault, 0) + 1
        text = right_answer(question_of(call))
        pieces = steps.words_of(text)
        if fault == "late":
            await asyncio.sleep(self._random.random() * MOST_DELAY_S)
        step = {
            "busy": steps.rate_limited(), "broken": steps.error(500), "away": steps.error(503),
            "half_json": steps.invalid_json(),
            "cut": steps.broken_stream(pieces[:3]) if call.wants_stream else cut_body(text),
            "reset": reset(),
        }.get(fault, steps.stream(pieces) if call.wants_stream else steps.answer(text))
        await step(call)


FAULTS = ("late", "late", "busy", "broken", "away", "half_json", "cut", "reset")


def cut_body(text):
    """Half of a good answer under the length of the whole."""
    async def step(call):
        body = json.dumps(steps.completion(content=text)).encode()
        await call.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                         % (len(body), body[:len(body) // 2]))
        call.cut()
    return step


def reset():
    async def step(call):
        call.reset()
    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faults", type=float, default=0.1, help="share of requests that go wrong")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    behaviour = Misbehaving(arguments.faults, arguments.seed)
    with steps.FakeUpstream(behaviour) as upstream:
        upstream.requests = _Forgetful()
        print(upstream.port, flush=True)
        sys.stdin.read()  # until the one who started it is gone
        print(json.dumps(behaviour.done), flush=True)


class _Forgetful(list):
    """A run of hours keeps no request."""

    def append(self, call) -> None:
        pass


if __name__ == "__main__":
    main()
