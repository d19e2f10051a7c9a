"""Servers for the gateway's benchmarks: all of them, and the load, on one core."""

import json
import os
import re
import socket
import subprocess
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
PATH = "/v1/chat/completions"
NGINX = """daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600; client_body_temp_path {folder}/b;
 proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
 upstream up {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
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
wrk.body={body}
"""
LUA_DISTINCT = """local n = 0
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, (wrk.body:gsub("since when", "since {salt}" .. n, 1)))
end
"""


class ServerError(Exception):
    """A server could not be started, or answered wrongly; the message says which."""


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def load_script(path, headers, distinct=False, salt=""):
    """Writes wrk's script for QUESTION: always the same one, or each with `salt` and a number of its own."""
    def quoted(text):
        return "'" + text.replace("'", "\\'") + "'"
    fields = "".join(f"wrk.headers[{quoted(name)}]={quoted(value)}\n" for name, value in headers.items())
    path.write_text(LUA.format(body=quoted(compact(QUESTION))) + fields + (LUA_DISTINCT.format(salt=salt) if distinct else ""))
    return path


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
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name, command, port, env=None, limit_s=10):
        log = self.folder / f"{name}.log"
        with open(log, "wb") as out:
            self.processes[name] = subprocess.Popen(["taskset", "-c", str(self.core), *map(str, command)], stdout=out,
                                                    stderr=out, env={**os.environ, **(env or {})})
        end = time.monotonic() + limit_s
        while time.monotonic() < end and self.processes[name].poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise ServerError(f"{name} did not start: {log.read_text(errors='replace')[-300:]}")

    def nginx(self, name, upstream=None):
        """One worker: the constant answers, and a proxy to them, or to those of another nginx."""
        ports = {part: free_port() for part in ("static", "large", "proxy")}
        large = json.loads(json.dumps(ANSWER))
        large["choices"][0]["message"]["content"] = "x" * (1024 - len(compact(ANSWER)) + 124)  # 1 KB in all
        answers = [compact(one).replace("'", "") for one in (ANSWER, large)]
        config = self.folder / f"{name}.conf"
        config.write_text(NGINX.format(folder=self.folder, name=name, answer=answers[0], large_answer=answers[1],
                                       upstream=upstream or ports["static"], **ports))
        self.start(name, ["nginx", "-c", config], ports["static"])
        return ports

    def haproxy(self, upstream):
        port = free_port()
        config = self.folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(haproxy=port, static=upstream))
        self.start("haproxy", ["haproxy", "-f", config], port)
        return port

    def serve(self, name, upstream, **env):
        """`assay serve` with one thread."""
        port = free_port()
        self.start(name, [self.assay, "serve", "--upstream", upstream, "--threads", 1, "--listen", f"127.0.0.1:{port}"],
                   port, {"ASSAY_LOG_FILE": str(self.folder / f"{name}.jsonl"), **env})
        return port

    def resident_bytes(self, name):
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


def wrk(core, port, connections, seconds, script):
    """Returns requests a second and the median latency."""
    out = subprocess.run(["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
                          "--latency", "-s", str(script), f"http://127.0.0.1:{port}{PATH}"],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise ServerError(f"port {port}: {out}")
    median, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            float(median) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit])


def ask(port, headers, body=None, timeout=60):
    """Returns the answer and what x-assay-cache says."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{PATH}", compact(body or QUESTION).encode(),
                                     {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return json.load(reply), reply.headers.get("x-assay-cache")


def metric(port, name, **labels):
    """The sum of one metric of ours over the series that have these labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as reply:
        text = reply.read().decode()
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.split("{")[0].split(" ")[0] == name and all(one in line for one in wanted))
