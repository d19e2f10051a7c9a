#!/usr/bin/env python3
"""What the cache saves: 72 requests at once, 70% of them duplicates, to a real local model, directly and through Assay;
then 100,000 requests whose questions follow Zipf's law.

    combined_bench.py ASSAY [--tokens N] [--requests N]     prints one JSON object

The model is that of examples/local_model.py (gemma-3 270M, one thread, greedy). The replay's upstream is nginx with a
constant answer, since a model would take hours; it runs on one core together with Assay and wrk.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers import PATH, QUESTION, Servers, ServerError, ask, compact, load_script, metric, wrk

ROOT = Path(__file__).resolve().parents[2]
REQUESTS, DISTINCT = 72, 22  # 50 of 72 are duplicates: 69%
COUNTRIES = ("France", "Spain", "Italy", "Germany", "Poland", "Sweden", "Norway", "Finland", "Denmark", "Greece", "Portugal",
             "Austria", "Hungary", "Ireland", "Iceland", "Japan", "China", "India", "Egypt", "Kenya", "Peru", "Chile")
KEYS = 10_000
REPLAY = """local cumulative, total = {{}}, 0
for rank = 1, {keys} do total = total + 1 / rank; cumulative[rank] = total end
math.randomseed(7)
local left = {requests}
request = function()
  local wanted, low, high = math.random() * total, 1, {keys}
  while low < high do
    local middle = math.floor((low + high) / 2)
    if cumulative[middle] < wanted then low = middle + 1 else high = middle end
  end
  return wrk.format(nil, nil, nil, (wrk.body:gsub("since when", "since " .. low, 1)))
end
-- wrk ends by the clock only, or by a signal, which may reach the wrong one of its two threads first.
response = function()
  left = left - 1
  if left == 0 then io.popen("kill -INT $PPID; sleep 0.2; kill -INT $PPID") end
end
"""


def bodies(tokens):
    """The 72 requests in a fixed mixed order: each question once, and 50 more chosen at random."""
    chooser = random.Random(7)
    order = list(range(DISTINCT)) + [chooser.randrange(DISTINCT) for _ in range(REQUESTS - DISTINCT)]
    chooser.shuffle(order)
    return [{"model": "gemma-3-270m", "temperature": 0, "max_tokens": tokens,
             "messages": [{"role": "user", "content": f"What is the capital of {COUNTRIES[i]}?"}]} for i in order]


def ask_all(port, requests):
    """All at once; returns the answers' texts and the time until the last one."""
    with ThreadPoolExecutor(len(requests)) as pool:
        begin = time.perf_counter()
        answers = list(pool.map(lambda body: ask(port, {}, body, timeout=600)[0], requests))
        took = time.perf_counter() - begin
    return [answer["choices"][0]["message"]["content"] for answer in answers], took


def exchanges(port):
    return {source: metric(port, "assay_exchanges_total", source=source) for source in ("memory", "coalesced", "upstream")}


def combined(servers, tokens, results):
    sys.path.insert(0, str(ROOT / "examples"))
    from local_model import LocalModel  # only here: it needs the model's package
    model = LocalModel(servers.folder)
    direct = int(re.search(r":(\d+)/v1$", model.base_url)[1])
    port = servers.serve("combined", model.base_url)
    requests = bodies(tokens)
    ask(direct, {}, {**requests[0], "max_tokens": 1}, timeout=600)  # reads the weights
    expected, took = ask_all(direct, requests)
    results["combined/direct/wall"], results["combined/direct/calls"] = [took], [REQUESTS]
    answers, took = ask_all(port, requests)
    if [bool(text.strip()) for text in answers] != [bool(text.strip()) for text in expected]:
        raise ServerError("through Assay some answers are empty that are not without it, or the other way round")
    counts = exchanges(port)
    if sum(counts.values()) != REQUESTS:
        raise ServerError(f"{REQUESTS} requests, but Assay counted {counts}")
    results["combined/assay/wall"], results["combined/assay/calls"] = [took], [counts["upstream"]]
    results["combined/assay/saved"] = [(counts["memory"] + counts["coalesced"]) / REQUESTS]
    script = load_script(servers.folder / "combined.lua", {})
    script.write_text(script.read_text() + "local bodies = {" + ",".join(
        "[[" + compact(body) + "]]" for body in requests) + "}\nlocal n = 0\nrequest = function()\n  n = n % #bodies + 1\n"
        "  return wrk.format(nil, nil, nil, bodies[n])\nend\n")
    results["combined/assay/hits"] = [wrk(servers.core, port, 16, 1, script)[0] for _ in range(3)]


def replay(servers, count, results):
    nginx = servers.nginx("nginx")
    port = servers.serve("replay", f"http://127.0.0.1:{nginx['large']}/v1")
    script = load_script(servers.folder / "replay.lua", {})
    script.write_text(script.read_text() + REPLAY.format(keys=KEYS, requests=count))
    out = subprocess.run(["taskset", "-c", str(servers.core), "wrk", "-t1", "-c16", "-d600s", "--latency", "-s", str(script),
                          f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise ServerError(f"the replay failed: {out}")
    counts = exchanges(port)
    total = sum(counts.values())
    if total < count:
        raise ServerError(f"{count} requests, but Assay counted {counts}")
    results["replay/rate"] = [float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])]
    results["replay/saved"] = [counts["memory"] / total]
    results["replay/calls"] = [counts["upstream"] * count / total]  # wrk stops a few requests later
    for name, share in (("median", "50%"), ("p99", "99%")):
        value, unit = re.search(share + r"\s+([\d.]+)(us|ms|s)", out).groups()
        results[f"replay/{name}"] = [float(value) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=Path)
    parser.add_argument("--tokens", type=int, default=24, help="of an answer of the model")
    parser.add_argument("--requests", type=int, default=100_000, help="of the replay")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    results, missing = {}, {}
    try:
        with Servers(options.assay.resolve(), folder, max(os.sched_getaffinity(0))) as servers:
            replay(servers, options.requests, results)
            try:
                combined(servers, options.tokens, results)
            except ImportError as error:
                missing["combined"] = f"the local model is not installed ({error.name})"
    except ServerError as error:
        print(f"combined_bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"results": results, "missing": missing}))
    sys.stdout.flush()
    os._exit(0)  # the model's server would be waited for


if __name__ == "__main__":
    sys.exit(main())
