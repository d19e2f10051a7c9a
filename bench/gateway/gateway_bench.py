#!/usr/bin/env python3
"""Times the gateway beside nginx and HAProxy, every process pinned to one core, wrk included.

    gateway_bench.py ASSAY [ROUNDS [SECONDS]]     prints one JSON object

A round asks every server in turn, with 16 connections and with one, so that a noisy moment strikes all of them.
The upstream is nginx with a constant answer. Ours runs with key check, metrics and a log line an exchange.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content":
                 "The capital of France is Paris. It has been the capital since the tenth century and it is the "
                 "largest city of the country."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 28, "total_tokens": 48}}
QUESTION = {
    "model": "gpt-4o-mini", "temperature": 0, "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What is the capital of France, and since when?"}]}
NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600; client_body_temp_path {folder}/b;
 proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
 upstream up {{ server 127.0.0.1:{static}; keepalive 256; keepalive_requests 100000000; }}
 server {{ listen 127.0.0.1:{static}; default_type application/json; location / {{ return 200 '{answer}'; }} }}
 server {{ listen 127.0.0.1:{large}; default_type application/json; location / {{ return 200 '{large_answer}'; }} }}
 server {{ listen 127.0.0.1:{proxy}; location / {{ proxy_pass http://up; proxy_http_version 1.1;
   proxy_set_header Connection ""; }} }}
}}
"""
HAPROXY = """global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
frontend f
  bind 127.0.0.1:{haproxy}
  default_backend b
backend b
  http-reuse always
  server s 127.0.0.1:{static}
"""
LUA = """wrk.method="POST"
wrk.headers["Content-Type"]="application/json"
wrk.headers["Authorization"]="Bearer {token}"
wrk.body={body}
"""
LUA_DISTINCT = LUA + """local n = 0
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, (wrk.body:gsub("since when", "since " .. n, 1)))
end
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Servers:
    """Everything that listens; ends with the `with` block."""

    def __init__(self, assay, folder, core):
        self.assay, self.folder, self.core, self.processes = assay, folder, core, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)

    def start(self, name, command, port, env=None):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(["taskset", "-c", str(self.core), *map(str, command)], stdout=log,
                                                    stderr=log, env={**os.environ, **(env or {})})
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        sys.exit(f"{name} did not start: {(self.folder / f'{name}.log').read_text()}")

    def serve(self, name, upstream_port, **env):
        port = free_port()
        self.start(name, [self.assay, "serve", "--upstream", f"http://127.0.0.1:{upstream_port}/v1", "--threads", 1,
                          "--listen", f"127.0.0.1:{port}"], port,
                   {"ASSAY_LOG_FILE": str(self.folder / f"{name}.jsonl"), **env})
        return port

    def resident_bytes(self, name):
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


def wrk(core, port, connections, seconds, script, clean=True):
    out = subprocess.run(["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                          "-s", str(script), f"http://127.0.0.1:{port}/v1/chat/completions"],
                         capture_output=True, text=True, check=True).stdout
    if clean and ("Non-2xx" in out or "Socket errors" in out):
        sys.exit(f"port {port}: {out}")
    median, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            float(median) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit])


def lua_text(value):
    return "'" + json.dumps(value, separators=(",", ":")).replace("'", "\\'") + "'"


def ask(port, token):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(QUESTION).encode(),
                                     {"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return json.load(reply), reply.headers.get("x-assay-cache")


def measure_memory(servers, ports, scripts, results):
    port = servers.serve("memory", ports["large"])
    results["memory/idle"] = [servers.resident_bytes("memory")]
    entries = 0
    for _ in range(60):
        wrk(servers.core, port, 16, 1, scripts["distinct"])
        if servers.processes["memory"].poll() is not None:
            sys.exit(f"assay ended under load: {servers.processes['memory'].returncode}")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/cache/stats", timeout=20) as reply:
            entries = json.load(reply)["tiers"][0]["entries"]
        if entries >= 100_000:
            break
    resident = servers.resident_bytes("memory")
    # The load ends by the clock, so there are somewhat more than 100,000: what each takes is what counts.
    idle = results["memory/idle"][0]
    results["memory/100000"] = [idle + (resident - idle) * 100_000 / entries]


def main():
    if not 2 <= len(sys.argv) <= 4:
        print(__doc__, file=sys.stderr)
        return 2
    assay = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    core = max(os.sched_getaffinity(0))
    folder = Path(tempfile.mkdtemp())
    results = {}
    try:
        state = folder / "state"
        token = json.loads(subprocess.run([assay, "keys", "create", "--state", state, "--name", "bench", "--json"],
                                          capture_output=True, check=True).stdout)["token"]
        ports = {name: free_port() for name in ("static", "large", "proxy", "haproxy")}
        large = json.loads(json.dumps(ANSWER))
        large["choices"][0]["message"]["content"] = "x" * (1024 - len(json.dumps(ANSWER, separators=(",", ":"))) + 124)
        dumped = [json.dumps(one, separators=(",", ":")).replace("'", "") for one in (ANSWER, large)]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, answer=dumped[0], large_answer=dumped[1], **ports))
        (folder / "haproxy.cfg").write_text(HAPROXY.format(**ports))
        scripts = {"same": folder / "same.lua", "distinct": folder / "distinct.lua"}
        scripts["same"].write_text(LUA.format(token=token, body=lua_text(QUESTION)))
        scripts["distinct"].write_text(LUA_DISTINCT.format(token=token, body=lua_text(QUESTION)))
        with Servers(assay, folder, core) as servers:
            servers.start("nginx", ["nginx", "-c", folder / "nginx.conf"], ports["static"])
            servers.start("haproxy", ["haproxy", "-f", folder / "haproxy.cfg"], ports["haproxy"])
            keys = {"ASSAY_KEYS_MODE": "required", "ASSAY_DATA_FOLDER": str(state)}
            ports["assay_hit"] = servers.serve("assay_hit", ports["static"], **keys)
            ports["assay_miss"] = servers.serve("assay_miss", ports["static"], ASSAY_CACHE_ENABLED="false", **keys)
            for name in ("assay_hit", "assay_miss"):  # equal answers first, and the state that is meant
                ask(ports[name], token)
                answer, cache = ask(ports[name], token)
                assert answer == ANSWER and cache == ("hit; tier=memory" if name == "assay_hit" else "bypass"), cache
            order = ("static", "assay_hit", "proxy", "assay_miss", "haproxy")
            for round_number in range(rounds + 1):  # the first one warms up
                for connections in (16, 1):
                    for name in order:
                        rate, median = wrk(core, ports[name], connections, seconds, scripts["same"])
                        if round_number > 0:
                            results.setdefault(f"rate/{name}/{connections}", []).append(rate)
                            results.setdefault(f"median/{name}/{connections}", []).append(median)
            measure_memory(servers, ports, scripts, results)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # What a proxy adds to the upstream's own answer, round by round.
    for name in ("proxy", "assay_miss", "haproxy"):
        results[f"added/{name}"] = [1 / mine - 1 / own for mine, own in
                                    zip(results[f"rate/{name}/1"], results["rate/static/1"])]
    print(json.dumps({"results": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
