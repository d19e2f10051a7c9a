"""The gateway under load while everything around it fails, and the gateway itself is killed again and again.

Clients of two tenants ask zipf-distributed questions whose right answers are known, as JSON and as streams; some hang up in
the middle, some send garbage. Meanwhile the upstream answers late, wrongly, half or not at all, the network to it stalls
and resets, Redis is killed or stands still, and the gateway gets SIGKILL, SIGTERM and SIGHUP at random moments. What must
hold, whatever happens:

  - no wrong answer: every 200 holds the right answer to its own question, a broken stream a true beginning of it
  - no answer of another tenant: a hit only for what the same tenant has asked
  - no failure without a reason: errors have the form of the API, and connections break only when the gateway is stopped
  - the gateway ends only when it is told to, and SIGTERM ends it in order
  - what was answered before an orderly end is there afterwards, without an upstream
  - the audit log and the cache's files are whole at the end

    python chaos.py --minutes 10 --seed 7 [--json]        exit code 1: something of that did not hold
"""
from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from gateway_process import ASSAY, GatewayProcess, eventually  # noqa: E402
from redis_process import INSTALLED, RedisProcess  # noqa: E402
from upstream import right_answer  # noqa: E402

CHAT = "/v1/chat/completions"
QUESTIONS = 2000
CLIENTS = 12
TENANTS = ("red", "blue")
REFUSALS = {429, 500, 502, 503, 504}  # 500: the upstream's own, passed on
STOP_LIMIT_S = 30
GARBAGE = HERE.parents[1] / "fuzz" / "corpus"


class Child:
    """A script of this folder in a process of its own, which ends when its standard input is closed."""

    def __init__(self, script: str, *arguments: object) -> None:
        self._process = subprocess.Popen([sys.executable, HERE / script, *map(str, arguments)], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self._process.stdout.readline())

    def stop(self) -> str:
        """What it said at its end."""
        said, _ = self._process.communicate(timeout=30)
        return said


class Run:
    """What the clients and the one who breaks things share."""

    def __init__(self, folder: Path, upstream_url: str, redis: RedisProcess | None) -> None:
        self.folder, self.redis, self.upstream_url = folder, redis, upstream_url
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.up = threading.Event()
        self.epoch = 0  # one more at each beginning of an end, and at each start
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.asked = {tenant: Counter() for tenant in TENANTS}
        self.answered: set[tuple[str, str]] = set()  # by the gateway that runs now
        self.ready_ms: list[float] = []
        self.most_resident_kb = self.most_files = 0
        self.gateway: GatewayProcess | None = None
        self.tokens = {tenant: self._key(tenant) for tenant in TENANTS}

    def _key(self, tenant: str) -> str:
        made = subprocess.run([ASSAY, "keys", "create", "--state", self.folder / "state", "--name", tenant,
                               "--tenant", tenant, "--json"], capture_output=True, text=True, check=True)
        return json.loads(made.stdout)["token"]

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def violate(self, what: str) -> None:
        with self.lock:
            self.counts["violations"] += 1
            if len(self.violations) < 20:
                self.violations.append(what)

    def start(self, upstream_url: str | None = None) -> None:
        key_file = self.folder / "cache.keys"
        if not key_file.exists():
            subprocess.run([ASSAY, "keys", "file", "create", key_file], check=True, capture_output=True)
        env = {
            "ASSAY_CACHE_DISK_FOLDER": str(self.folder / "cache"), "ASSAY_CACHE_SEALING_KEY_FILE": str(key_file),
            "ASSAY_CACHE_MEMORY_SIZE": "4 MB", "ASSAY_CACHE_COMPRESSED_ENABLED": "true",
            "ASSAY_KEYS_MODE": "required", "ASSAY_DATA_FOLDER": str(self.folder / "state"),
            "ASSAY_LOG_FILE": str(self.folder / "gateway.log"),
            "ASSAY_UPSTREAMS_A_URL": upstream_url or self.upstream_url, "ASSAY_UPSTREAMS_A_RETRY_BASE": "5 ms",
            "ASSAY_UPSTREAMS_A_RETRY_MAX": "50 ms", "ASSAY_UPSTREAMS_A_BREAKER_ENABLED": "false",
        }
        if self.redis:
            env |= {"ASSAY_CACHE_REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0", "ASSAY_CACHE_REDIS_TIME": "50 ms",
                    "ASSAY_CACHE_REDIS_RETRY_AFTER": "200 ms"}
        begin = time.monotonic()
        gateway = GatewayProcess(None, env=env).__enter__()
        eventually(lambda: gateway.get("/ready").status == 200, "ready")
        self.ready_ms.append(1e3 * (time.monotonic() - begin))
        with self.lock:
            self.gateway, self.epoch = gateway, self.epoch + 1
            self.answered = set()
        self.up.set()

    def stop(self, how: signal.Signals) -> None:
        self._weigh()
        self.up.clear()
        with self.lock:
            self.epoch += 1
            gateway, self.gateway = self.gateway, None
        gateway.process.send_signal(how)
        try:
            code = gateway.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.violate(f"did not end within {STOP_LIMIT_S} s of {how.name}")
            gateway.process.kill()
            code = gateway.process.wait()
        if code != (0 if how == signal.SIGTERM else -how):
            self.violate(f"ended with {code} on {how.name}")
        gateway.__exit__()
        self.count(how.name)

    def _weigh(self) -> None:
        process = self.gateway.process
        if process.poll() is not None:
            self.violate(f"the gateway ended by itself with {process.returncode}")
            return
        self.most_resident_kb = max(self.most_resident_kb, self.gateway.resident_kb())
        self.most_files = max(self.most_files, len(os.listdir(f"/proc/{process.pid}/fd")))


class Client:
    """One who asks, on a connection that is kept as long as it holds."""

    def __init__(self, run: Run, number: int, seed: int, garbage: list[bytes]) -> None:
        self._run, self._random, self._garbage = run, random.Random(seed * 1000 + number), garbage
        self._tenant = TENANTS[number % len(TENANTS)]
        self._connection: http.client.HTTPConnection | None = None
        self._epoch = -1
        self._weights = [1 / (rank + 1) for rank in range(QUESTIONS)]
        self.thread = threading.Thread(target=self._live)
        self.thread.start()

    def _live(self) -> None:
        while not self._run.over.is_set():
            if not self._run.up.wait(0.1):
                continue
            with self._run.lock:
                gateway, epoch = self._run.gateway, self._run.epoch
            if gateway is None:
                continue
            if epoch != self._epoch:
                self._hang_up()
                self._epoch = epoch
            try:
                self._act(gateway)
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                with self._run.lock:
                    excused = self._run.epoch != epoch
                self._run.count("broken by the end of a gateway" if excused else "broken")
                if not excused:
                    self._run.violate(f"a connection broke while the gateway ran: {error!r}")
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _act(self, gateway: GatewayProcess) -> None:
        (question,) = self._random.choices(range(QUESTIONS), self._weights)
        text = f"question {question}?"
        chance = self._random.random()
        if chance < 0.03:
            self._send_garbage(gateway)
        elif chance < 0.06:
            self._leave_early(gateway, text)
        else:
            self._ask(gateway, text, stream=chance < 0.3)

    def _body(self, text: str, stream: bool) -> bytes:
        return json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}).encode()

    def _ask(self, gateway: GatewayProcess, text: str, stream: bool) -> None:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=60)
        with self._run.lock:
            self._run.asked[self._tenant][text] += 1
        self._connection.request("POST", CHAT, self._body(text, stream), {
            "content-type": "application/json", "authorization": "Bearer " + self._run.tokens[self._tenant]})
        answer = self._connection.getresponse()
        cache = answer.getheader("x-assay-cache", "none")
        if stream and answer.status == 200:
            self._read_stream(answer, text)
        else:
            self._read_json(answer, text)
        self._run.count("cache " + cache)
        with self._run.lock:
            first = self._run.asked[self._tenant][text] == 1  # nobody else of the tenant, not even meanwhile
        if cache.startswith("hit") and first:
            self._run.violate(f"{self._tenant} got a hit for what it never asked: {text}")

    def _read_json(self, answer: http.client.HTTPResponse, text: str) -> None:
        body = answer.read()
        self._run.count(f"status {answer.status}")
        try:
            value = json.loads(body)
            if answer.status == 200:
                right = value["choices"][0]["message"]["content"] == right_answer(text)
            else:
                right = answer.status in REFUSALS and bool(value["error"]["message"])
                right = right and (answer.status != 500 or value["error"]["message"] == "the model fell over")
        except (ValueError, KeyError, TypeError, IndexError):
            right = False
        if not right:
            self._run.violate(f"wrong answer to {text}: {answer.status} {body[:300]!r}")
        elif answer.status == 200:
            with self._run.lock:
                if self._run.epoch == self._epoch:
                    self._run.answered.add((self._tenant, text))

    def _read_stream(self, answer: http.client.HTTPResponse, text: str) -> None:
        said, done = "", False
        for line in answer:
            if not line.startswith(b"data: "):
                continue
            if line.strip() == b"data: [DONE]":
                done = True
                continue
            for choice in json.loads(line[6:]).get("choices", []):
                said += choice["delta"].get("content") or ""
        answer.read()  # http.client notices the end of a body with a length only so
        self._run.count("stream whole" if done else "stream broken by the upstream")
        right = right_answer(text)
        if said != right if done else not right.startswith(said):
            self._run.violate(f"wrong stream to {text}: {said[:200]!r}")

    def _leave_early(self, gateway: GatewayProcess, text: str) -> None:
        body = self._body(text, stream=True)
        with self._run.lock:
            self._run.asked[self._tenant][text] += 1
        head = (f"POST {CHAT} HTTP/1.1\r\nhost: h\r\ncontent-length: {len(body)}\r\n"
                f"authorization: Bearer {self._run.tokens[self._tenant]}\r\n\r\n").encode()
        whole = head + body
        with gateway.connect() as sock:
            if self._random.random() < 0.5:
                sock.sendall(whole[:self._random.randrange(len(whole))])
            else:
                sock.sendall(whole)
                sock.recv(self._random.randrange(1, 400))
        self._run.count("left early")

    def _send_garbage(self, gateway: GatewayProcess) -> None:
        with gateway.connect() as sock:
            sock.sendall(self._random.choice(self._garbage))
            sock.shutdown(socket.SHUT_WR)
            try:
                while sock.recv(1 << 16):
                    pass
            except ConnectionResetError:
                pass  # it did not wait for the rest
        self._run.count("garbage")


def break_things(run: Run, seconds: float, rng: random.Random, pace_s: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        run.over.wait(min(left, rng.uniform(0.3, 2) * pace_s))
        chance = rng.random()
        if chance < 0.4:
            run.stop(signal.SIGKILL)
            run.start()
        elif chance < 0.6:
            run.stop(signal.SIGTERM)
            run.start()
        elif chance < 0.75 or run.redis is None:
            run.gateway.process.send_signal(signal.SIGHUP)
            run.count("SIGHUP")
        elif chance < 0.9:
            run.redis.kill()
            run.over.wait(rng.uniform(0.1, pace_s))
            run.redis.start()
            run.count("Redis killed")
        else:
            run.redis.process.send_signal(signal.SIGSTOP)
            run.over.wait(rng.uniform(0.1, pace_s))
            run.redis.process.send_signal(signal.SIGCONT)
            run.count("Redis stood still")


def check_what_is_left(run: Run) -> None:
    """After an orderly end, without upstream and Redis: what the last gateway answered is there, every file is whole."""
    with run.lock:
        answered = sorted(run.answered)
    dropped = run.gateway.metric("assay_cache_writes_dropped_total")
    run.stop(signal.SIGTERM)
    if run.redis:
        run.redis.kill()
    run.start()
    lost = []
    for tenant, text in answered:
        reply = run.gateway.post(CHAT, {"model": "m", "stream": False, "messages": [{"role": "user", "content": text}]},
                                 headers={"authorization": "Bearer " + run.tokens[tenant]})
        if reply.status != 200:
            lost.append(text)
        elif reply.json["choices"][0]["message"]["content"] != right_answer(text):
            run.violate(f"wrong answer to {text} from the disk")
    run.stop(signal.SIGTERM)
    run.counts["kept over an orderly end"] = len(answered) - len(lost)
    if len(lost) > dropped:
        run.violate(f"{len(lost)} of {len(answered)} answers are lost, {dropped:.0f} writes were dropped: {lost[:3]}")
    for command in (["audit", "verify", "--state", run.folder / "state"], ["cache", "stats", run.folder / "cache"]):
        done = subprocess.run([ASSAY, *map(str, command)], capture_output=True, text=True)
        if done.returncode != 0:
            run.violate(f"assay {command[0]} {command[1]}: {done.stderr.strip()}")


def garbage() -> list[bytes]:
    found = [path.read_bytes() for path in sorted(GARBAGE.glob("gateway_*/*")) if path.is_file()]
    rng = random.Random(1)
    return found + [rng.randbytes(rng.randrange(1, 5000)) for _ in range(50)]


def report(run: Run, seconds: float, seed: int, upstream_said: str, as_json: bool) -> None:
    result = {
        "seconds": round(seconds, 1), "seed": seed, "counts": dict(sorted(run.counts.items())),
        "upstream": json.loads(upstream_said), "starts": len(run.ready_ms),
        "ready_ms_median": round(sorted(run.ready_ms)[len(run.ready_ms) // 2], 1), "ready_ms_most": round(max(run.ready_ms), 1),
        "most_resident_kib": run.most_resident_kb, "most_files": run.most_files, "violations": run.violations,
    }
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(f"{seconds:.0f} s, seed {seed}: {result['starts']} starts, ready after {result['ready_ms_median']} ms "
          f"(at most {result['ready_ms_most']}); at most {run.most_resident_kb} KiB and {run.most_files} open files")
    for what, number in result["counts"].items():
        print(f"  {number:>9}  {what}")
    print("  upstream: " + ", ".join(f"{what} {number}" for what, number in sorted(result["upstream"].items())))
    for violation in run.violations:
        print("VIOLATED: " + violation)
    print("all held" if not run.violations else f"{run.counts['violations']} violations")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of all that is random; printed")
    parser.add_argument("--pace", type=float, default=4, help="seconds between two things that break, on average")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="assay-soak-"))
    upstream = Child("upstream.py", "--faults", 0.1, "--seed", arguments.seed)
    network = Child("network.py", upstream.port, "--badness", 0.02, "--seed", arguments.seed)
    run = Run(folder, f"http://127.0.0.1:{network.port}/v1", RedisProcess() if INSTALLED else None)
    begin = time.monotonic()
    run.start()
    bytes_of_garbage = garbage()
    clients = [Client(run, number, arguments.seed, bytes_of_garbage) for number in range(CLIENTS)]
    try:
        break_things(run, 60 * arguments.minutes, random.Random(arguments.seed), arguments.pace)
    finally:
        run.over.set()
        for client in clients:
            client.thread.join()
    upstream_said = upstream.stop()  # the network then resets all connections
    check_what_is_left(run)
    network.stop()
    report(run, time.monotonic() - begin, arguments.seed, upstream_said, arguments.json)
    if run.violations:
        print(f"what the gateway left is in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
