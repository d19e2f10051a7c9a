"""Puts the gateway between the official OpenAI client and a local language model: hits, experts, a stream, verdicts.

`assay serve` stands in front of gemma-3 270M (4-bit, one thread). The same question is asked twice: the model answers
the first time, the cache the second. Asked in other words it is answered from the cache too; with one fact changed it is
not, and the reason is given. Three experts, the model under three prompts, answer together; who disagrees is named. A
streamed answer is checked against the handbook while it is still being written. Needs no network.

Usage: gateway_demo.py --assay build/release/assay
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import tempfile
import textwrap
import time
import urllib.request
from pathlib import Path

import openai

from local_model import SHOTS, LocalModel

HERE = Path(__file__).resolve().parent
SYSTEM = {"role": "system", "content": SHOTS.strip()}
QUESTION = "How many days of annual leave do full-time employees receive?"
REWORDED = "What is the number of days of annual leave that full-time employees get?"
NEAR_MISS = "How many days of annual leave do part-time employees receive?"
LEAVE = next(line for line in (HERE / "handbook" / "leave.md").read_text().splitlines() if "annual leave" in line)
EXPERTS = {
    "plain": "Answer in one short sentence.",
    "reader": f"Answer in one sentence from this text: {LEAVE}",
    "quoter": f"Repeat the sentence of this text that answers the question: {LEAVE}",
}
STREAMED = "How long is the notice period, and how many days a week may employees work from home?"


class Gateway:
    """`assay serve` on a free loopback port, with the handbook as its documents and a password for the dashboard."""

    def __init__(self, program: str, upstream: str, folder: Path) -> None:
        self.password = secrets.token_urlsafe(9)
        environment = os.environ | {
            "ASSAY_DATA_FOLDER": str(folder / "gateway"),
            "ASSAY_DASHBOARD_PASSWORD": self.password,
            "ASSAY_LOG_FILE": str(folder / "gateway.log"),
        }
        (folder / "gateway").mkdir(exist_ok=True)
        config = folder / "assay.json"
        config.write_text(json.dumps({
            "upstreams": {"local": {"url": upstream}},
            "experts": {name: {"upstream": "local", "system": prompt} for name, prompt in EXPERTS.items()},
            "routes": {
                "*": {"cache": {"semantic": {"enabled": True}}, "documents": [str(HERE / "handbook")]},
                "panel": {"experts": list(EXPERTS), "policy": "fanout", "documents": [str(HERE / "handbook")]},
            }}))
        self._process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--config", str(config)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)


def messages(question: str) -> list[dict[str, str]]:
    return [SYSTEM, {"role": "user", "content": question}]


def ask(client: openai.OpenAI, question: str) -> None:
    begin = time.perf_counter()
    raw = client.chat.completions.with_raw_response.create(
        model="gemma-3-270m", messages=messages(question), max_tokens=60, temperature=0, stop=["\n"]
    )
    milliseconds = (time.perf_counter() - begin) * 1e3
    answer = raw.parse().choices[0].message.content.strip()
    print(f"{milliseconds:8.1f} ms  cache: {raw.headers['x-assay-cache']:<18} verdict: {raw.headers['x-assay-verdict']}")
    if reason := raw.headers.get("x-assay-semantic"):
        print(f"             {reason}")
    print(f"             {answer}")


def ask_streamed(client: openai.OpenAI, question: str) -> None:
    begin = time.perf_counter()
    stream = client.chat.completions.create(
        model="gemma-3-270m", messages=messages(question), max_tokens=60, temperature=0, stop=["\n"], stream=True
    )
    text, first = "", 0.0
    for chunk in stream:
        delta = chunk.choices[0].delta.content or ""
        if delta.strip() and not text:
            first = time.perf_counter() - begin
        text += delta
        found = (chunk.model_extra or {}).get("assay", {})
        if claim := found.get("claim"):
            print(f"             {claim['verdict']}: {claim['text']} ({claim['reason']})")
            for evidence in claim["evidence"][:1]:
                quote = textwrap.shorten(evidence["text"], 88, placeholder=" ...")
                print(f"             {evidence['file']}:{evidence['line']}: {quote}")
    print(f"{(time.perf_counter() - begin) * 1e3:8.1f} ms  first token after {first * 1e3:.1f} ms: {text.strip()}")


def ask_panel(client: openai.OpenAI, question: str) -> None:
    begin = time.perf_counter()
    raw = client.chat.completions.with_raw_response.create(
        model="panel", messages=messages(question), max_tokens=60, temperature=0, stop=["\n"]
    )
    answer = raw.parse()
    found = (answer.model_extra or {}).get("assay", {})
    for expert in found.get("experts", []):
        said = textwrap.shorten(expert.get("text", expert.get("error", "")), 88, placeholder=" ...")
        print(f"             {expert['expert']:<8} {expert['latency_ms']:7.1f} ms  {said}")
    print(f"{(time.perf_counter() - begin) * 1e3:8.1f} ms  {raw.headers.get('x-assay-consensus', 'one expert')}")
    print(f"             verdict: {raw.headers['x-assay-verdict']}")
    print(f"             {answer.choices[0].message.content.strip()}")
    for one in found.get("consensus", {}).get("dissent", [])[:3]:
        print(f"             dissent of {', '.join(one['experts'])}: {one['reason']}")


def run(program: str, model: LocalModel, folder: Path) -> None:
    print("\n== The gateway: one changed line, the base URL")
    with Gateway(program, model.base_url, folder) as gateway:
        client = openai.OpenAI(base_url=gateway.url + "/v1", api_key="not needed on this machine")
        print(f"assay serve --config {folder / 'assay.json'}  (the local model, examples/handbook)\n\nQ  {QUESTION}")
        ask(client, QUESTION)
        ask(client, QUESTION)
        for question in (REWORDED, NEAR_MISS):
            print(f"\nQ  {question}")
            ask(client, question)
        print(f"\nQ  {QUESTION} (three experts, one model with three prompts)")
        ask_panel(client, QUESTION)
        print(f"\nQ  {STREAMED} (streamed)")
        ask_streamed(client, STREAMED)
        with urllib.request.urlopen(gateway.url + "/dashboard", timeout=10) as page:
            assert page.status == 200
        print(f"\nThe dashboard was at {gateway.url}/dashboard; to look around, start one yourself:")
        print("  export ASSAY_DATA_FOLDER=~/.assay")
        print("  build/release/assay dashboard password && build/release/assay serve --upstream URL --docs DIR")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--assay", required=True, help="the program, e.g. build/release/assay")
    parser.add_argument("--work", default="", help="folder for model and logs (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-demo-") as temporary:
        folder = Path(arguments.work or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run(arguments.assay, LocalModel(folder), folder)


if __name__ == "__main__":
    main()
