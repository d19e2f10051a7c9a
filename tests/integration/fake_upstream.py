"""A scriptable OpenAI-compatible upstream for tests: a true HTTP/1.1 server on a free loopback port.

    with FakeUpstream() as upstream:
        upstream.script(rate_limited(retry_after=1), stream(["Par", "is"]))
        ...  # ask through the gateway with upstream.url (it ends in /v1)
        assert upstream.calls == 2

Each request takes the next step of the script; when it is used up, the default step answers (a JSON answer, or a stream
where the body says "stream": true). Steps are coroutine functions of a Call; the ones below cover what upstreams do.
`Gate` lets a test and the upstream wait for each other, so that no test needs to sleep.
"""
import asyncio
import json
import socket
import struct
import threading

ANSWER = "The capital of France is Paris."


class Gate:
    """One meeting point: the upstream arrives and waits, the test lets it pass."""

    def __init__(self, timeout_s=20):
        self._arrived = threading.Event()
        self._open = threading.Event()
        self._timeout_s = timeout_s

    def wait_arrived(self):
        """The test: blocks until the upstream is here."""
        if not self._arrived.wait(self._timeout_s):
            raise TimeoutError("the upstream did not arrive at the gate")

    def open(self):
        """The test: lets the upstream go on (now, or when it comes)."""
        self._open.set()

    async def arrive(self):
        """The upstream: says that it is here, and waits."""
        self._arrived.set()
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, self._open.wait, self._timeout_s):
            raise TimeoutError("nobody opened the gate")


class Call:
    """One request as the upstream got it, and the ways to answer it."""

    def __init__(self, method, path, headers, body, reader, writer):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.reader, self.writer = reader, writer
        self.json = None
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            pass
        self.keep_alive = True

    @property
    def wants_stream(self):
        return isinstance(self.json, dict) and bool(self.json.get("stream"))

    @property
    def model(self):
        return (self.json or {}).get("model", "fake") if isinstance(self.json, dict) else "fake"

    async def write(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, status, body, headers=(), content_type="application/json"):
        """A whole answer with its length."""
        lines = [f"HTTP/1.1 {status} Fake", f"content-type: {content_type}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def begin_stream(self, headers=()):
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def chunk(self, data):
        """One HTTP chunk, written at once."""
        await self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def event(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        await self.chunk(f"data: {text}\n\n".encode())

    async def delta(self, delta, finish_reason=None, index=0, **more):
        await self.event(chunk_of(self.model, delta, finish_reason, index, **more))

    async def end_stream(self):
        await self.write(b"0\r\n\r\n")

    async def wait_closed(self):
        """Returns when the other side closes its connection."""
        try:
            while await self.reader.read(4096):
                pass
        except ConnectionError:
            pass
        self.keep_alive = False

    def reset(self):
        """Closes with a TCP reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()
        self.keep_alive = False

    def cut(self):
        """Closes in an orderly way, whatever was promised."""
        self.writer.close()
        self.keep_alive = False


def completion(model="fake", content=ANSWER, prompt_tokens=12, completion_tokens=8, **message):
    """A chat.completion object."""
    return {
        "id": "chatcmpl-fake", "object": "chat.completion", "created": 1700000000, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content, **message},
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens,
                  "total_tokens": prompt_tokens + completion_tokens},
    }


def chunk_of(model, delta, finish_reason=None, index=0, **more):
    """A chat.completion.chunk object."""
    return {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
            "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}], **more}


def words_of(text):
    """The text in pieces as a model would stream it."""
    words = text.split(" ")
    return [words[0]] + [" " + word for word in words[1:]]


# --- steps -----------------------------------------------------------------------------------------------------------

def answer(content=ANSWER, status=200, headers=(), before=None, **message):
    """A JSON answer; waits at the gate `before` first."""
    async def step(call):
        if before:
            await before.arrive()
        await call.send(status, json.dumps(completion(call.model, content, **message)).encode(), headers)
    return step


def raw(body, status=200, headers=(), content_type="application/json"):
    """An answer of exactly these bytes."""
    async def step(call):
        await call.send(status, body if isinstance(body, bytes) else body.encode(), headers, content_type)
    return step


def stream(pieces=None, usage=True, gates=None, headers=()):
    """A streamed answer; gates = {i: Gate} are waited at before piece i goes out (len(pieces): before the end,
    "done": between [DONE] and the end of the body)."""
    pieces = words_of(ANSWER) if pieces is None else pieces
    gates = gates or {}

    async def step(call):
        await call.begin_stream(headers)
        await call.delta({"role": "assistant", "content": ""})
        for i, piece in enumerate(pieces):
            if i in gates:
                await gates[i].arrive()
            await call.delta({"content": piece})
        if len(pieces) in gates:
            await gates[len(pieces)].arrive()
        await call.delta({}, "stop")
        if usage:
            await call.event({**chunk_of(call.model, {}), "choices": [],
                              "usage": {"prompt_tokens": 12, "completion_tokens": len(pieces),
                                        "total_tokens": 12 + len(pieces)}})
        await call.event("[DONE]")
        if "done" in gates:
            await gates["done"].arrive()
        await call.end_stream()
    return step


def error(status=500, message="the model fell over", headers=()):
    """An error in the OpenAI shape."""
    body = {"error": {"message": message, "type": "server_error", "param": None, "code": None}}
    return raw(json.dumps(body), status, headers)


def rate_limited(retry_after=None):
    """429, with a retry-after (seconds or an HTTP date) where one is given."""
    return error(429, "too many requests", {} if retry_after is None else {"retry-after": retry_after})


def invalid_json():
    """200 with a body that stops in the middle of the JSON."""
    return raw('{"id":"chatcmpl-fake","choices":[{"index":0,"mess')


def never(gate=None):
    """Takes the request and never answers; passes the gate's arrival on, ends when the caller gives up."""
    async def step(call):
        if gate:
            gate._arrived.set()
        await call.wait_closed()
    return step


def broken_stream(pieces=("The", " capital"), how="cut"):
    """A stream that breaks after some pieces. how: cut (orderly close), reset, invalid (bad JSON, then a normal end),
    no_done (ends well, but without finish_reason and [DONE]), stall (goes silent until the caller gives up)."""
    async def step(call):
        await call.begin_stream()
        await call.delta({"role": "assistant", "content": ""})
        for piece in pieces:
            await call.delta({"content": piece})
        if how == "cut":
            call.cut()
        elif how == "reset":
            call.reset()
        elif how == "invalid":
            await call.event('{"id":"chatcmpl-fake","choi')
            await call.event("[DONE]")
            await call.end_stream()
        elif how == "no_done":
            await call.end_stream()
        elif how == "stall":
            await call.wait_closed()
        else:
            raise ValueError(how)
    return step


async def default_step(call):
    """What a well-behaved model server does."""
    if call.path.endswith("/models"):
        await call.send(200, json.dumps({"object": "list", "data": [{"id": "fake", "object": "model"}]}).encode())
    elif call.path.endswith("/embeddings"):
        await call.send(200, json.dumps({
            "object": "list", "model": call.model, "usage": {"prompt_tokens": 3, "total_tokens": 3},
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}]}).encode())
    elif call.wants_stream:
        await stream()(call)
    else:
        await answer()(call)


class FakeUpstream:
    """The server, in a thread of its own with one event loop."""

    def __init__(self, default=default_step):
        self._default = default
        self._steps = []
        self._lock = threading.Lock()
        self._tasks = set()
        self.requests = []  # Calls in the order in which they came
        self.errors = []    # what went wrong in steps

    @property
    def calls(self):
        """How many requests came."""
        with self._lock:
            return len(self.requests)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, *steps):
        """Adds steps for the next requests, in their order."""
        with self._lock:
            self._steps.extend(steps)

    def __enter__(self):
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()

        def run():
            asyncio.set_event_loop(self._loop)
            server = self._loop.run_until_complete(
                asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            self._loop.run_forever()
            server.close()
            for task in list(self._tasks):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

        self._thread = threading.Thread(target=run, name="fake-upstream", daemon=True)
        self._thread.start()
        if not ready.wait(20):
            raise TimeoutError("the fake upstream did not start")
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while True:
                call = await self._read(reader, writer)
                if call is None:
                    break
                with self._lock:
                    self.requests.append(call)
                    step = self._steps.pop(0) if self._steps else self._default
                await step(call)
                if not call.keep_alive:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as problem:  # shown by the test that looks at `errors`
            self.errors.append(problem)
        finally:
            self._tasks.discard(task)
            writer.close()

    @staticmethod
    async def _read(reader, writer):
        line = await reader.readline()
        if not line:
            return None
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers = {}
        while (line := (await reader.readline()).decode("latin-1").strip()):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Call(method, path, headers, body, reader, writer)


if __name__ == "__main__":  # by hand: python fake_upstream.py, then point a gateway at it
    with FakeUpstream() as running:
        print(running.url, flush=True)
        threading.Event().wait()
