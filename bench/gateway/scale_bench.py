#!/usr/bin/env python3
"""CPU time a request of one, two and three gateways that share a Redis Cluster of three masters.

    scale_bench.py ASSAY [--rounds N] [--seconds S]     prints one JSON object

A gateway has one thread and a core for all gateways; load, model (nginx with a constant answer) and Redis have another one.
The gateways are asked one after the other, so that they do not take the one core from each other, and the CPU time of
all of them counts, also of those that only stand by. What they share is on: answers, locks of questions, and the budget of the key.
Hits come from memory, misses are questions that nobody asked before.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from servers import ANSWER, Servers, ServerError, ask, load_script, metric, wrk

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "integration"))
from redis_process import RedisCluster  # noqa: E402

CONNECTIONS = 16
MOST_GATEWAYS = 3


def cpu_s(pids):
    """User and system time of these processes, all threads."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Fleet:
    """`count` gateways before one Redis Cluster, and the load for them."""

    def __init__(self, servers, loads, redis, upstream, keys, count):
        self.servers, self.loads, self.redis = servers, loads, redis
        self.names = [f"gateway-{count}-{i}" for i in range(count)]
        self.ports = [servers.serve(name, upstream, ASSAY_CACHE_REDIS_URL=redis.url, **keys) for name in self.names]

    def cpu(self):
        return cpu_s(self.servers.processes[name].pid for name in self.names)

    def redis_cpu(self):
        return cpu_s(node.process.pid for node in self.redis.nodes)

    def measure(self, next_script, seconds):
        """CPU seconds a request: of the gateways, and of Redis. `next_script` gives the load of each gateway."""
        before, redis_before, requests = self.cpu(), self.redis_cpu(), 0
        for port in self.ports:
            asked = metric(port, "assay_exchanges_total")
            wrk(self.loads.core, port, CONNECTIONS, seconds, next_script())
            requests += metric(port, "assay_exchanges_total") - asked
        return (self.cpu() - before) / requests, (self.redis_cpu() - redis_before) / requests

    def stop(self):
        for name in self.names:
            process = self.servers.processes.pop(name)
            process.terminate()
            process.wait(30)


def distinct_scripts(folder, headers):
    """Scripts without end, each with questions that no other one asks."""
    for number in itertools.count():
        yield load_script(folder / "distinct.lua", headers, distinct=True, salt=f"{number} or ")


def measure(options, folder, gateways, loads):
    state = folder / "state"
    made = subprocess.run([gateways.assay, "keys", "create", "--state", state, "--name", "bench", "--requests", "1000000000",
                           "--per", "day", "--json"], capture_output=True, check=True)
    headers = {"authorization": f"Bearer {json.loads(made.stdout)['token']}"}
    keys = {"ASSAY_KEYS_MODE": "required", "ASSAY_DATA_FOLDER": str(state)}
    upstream = f"http://127.0.0.1:{loads.nginx('nginx')['static']}/v1"
    same = load_script(folder / "same.lua", headers)
    loads_by_name = {"hit": lambda: same, "miss": distinct_scripts(folder, headers).__next__}
    results = {}
    for number in range(options.rounds):
        counts = range(1, MOST_GATEWAYS + 1)
        for count in counts if number % 2 == 0 else reversed(counts):  # no count is always the first
            with RedisCluster() as redis:
                for node in redis.nodes:
                    os.sched_setaffinity(node.process.pid, {loads.core})
                fleet = Fleet(gateways, loads, redis, upstream, keys, count)
                for port in fleet.ports:
                    if ask(port, headers)[0] != ANSWER:
                        raise ServerError(f"port {port} gives another answer")
                for name, next_script in loads_by_name.items():
                    fleet.measure(next_script, 1)  # warms up
                    cpu, redis_cpu = fleet.measure(next_script, options.seconds)
                    results.setdefault(f"{name}/{count}", []).append(cpu)
                    results.setdefault(f"redis_{name}/{count}", []).append(redis_cpu)
                fleet.stop()
    return {"results": results, "missing": {}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-scale-")))
        loads = stack.enter_context(Servers(options.assay.resolve(), folder, cores[0]))
        gateways = stack.enter_context(Servers(options.assay.resolve(), folder, cores[-1]))
        try:
            print(json.dumps(measure(options, folder, gateways, loads)))
        except ServerError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
