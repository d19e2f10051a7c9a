"""`assay serve` as a process of its own, for tests.

    with FakeUpstream() as upstream, GatewayProcess(upstream.url) as gateway:
        gateway.post("/v1/chat/completions", {...})
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))


def eventually(condition, what, timeout_s=20):
    """Asks again and again; the first true value."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        threading.Event().wait(0.02)
    return value


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def cache(self):
        return self.headers.get("x-assay-cache")


class GatewayProcess:
    def __init__(self, upstream_url, *arguments, env=None, listen="127.0.0.1:0"):
        # Without a URL the settings name the upstreams.
        upstream = ["--upstream", upstream_url] if upstream_url else []
        self._command = [ASSAY, "serve", *upstream, "--listen", listen, "--threads", "2", *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
        self._env = {**clean, "ASSAY_LOG_LEVEL": "warn", **(env or {})}
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self._command, env=self._env, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if "listening on" not in line:
            self.process.kill()
            raise RuntimeError(f"assay serve did not start: {line}{self.process.communicate()[1]}")
        self.address = line.rsplit("//", 1)[1].strip()
        host, port = self.address.rsplit(":", 1)
        self.host, self.port = host, int(port)
        self.url = f"{line.split()[-1].split(':')[0]}://{self.address}"
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def request(self, method, path, body=None, headers=None, timeout=20):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            connection.request(method, path, data, {"content-type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def metrics(self):
        """Every series, as `name{labels}`, with its value."""
        lines = self.get("/metrics").body.decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def metric(self, name):
        return self.metrics()[name]

    def log(self):
        """Ends the server; what it wrote to standard error."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[1]

    def connect(self, timeout=20):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def resident_kb(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def chat(text="What is the capital of France?", **more):
    return {"model": "fake", "messages": [{"role": "user", "content": text}], **more}
