"""An embedding service that can be wrong in every way: Bedrock's InvokeModel and OpenAI's /v1/embeddings.

Bedrock requests are accepted only when botocore, signing the same request at the same second, writes the very same
`authorization` header. What goes wrong is decided by `plan`, a function of the request's number that returns None or
one of FAULTS.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import numpy as np

FAULTS = ("429", "429-after", "500", "503-html", "cut", "lie-dim", "nan", "text", "huge-number", "empty", "reset", "hang")
KEY_ID, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token+with=signs"
BEARER = "sk-test-0123456789"
MAX_SKEW_S = 300


def vector_of(text: str, dim: int, normalize: bool = False) -> np.ndarray:
    """The one vector of a text, float32."""
    seed = int.from_bytes(hashlib.sha256(f"{dim}:{text}".encode()).digest()[:8], "little")
    row = np.random.default_rng(seed).standard_normal(dim).astype(np.float32)
    return (row / np.linalg.norm(row)).astype(np.float32) if normalize else row


def botocore_authorization(method: str, url: str, headers: dict[str, str], body: bytes, region: str, stamp: str,
                           token: str | None) -> str:
    """What botocore writes as `authorization` for this request at that time."""
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    moment = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    with _frozen:
        before = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda *_, **__: moment
        try:
            botocore.auth.SigV4Auth(Credentials(KEY_ID, SECRET, token), "bedrock", region).add_auth(request)
        finally:
            botocore.auth.get_current_datetime = before
    return request.headers["Authorization"]


_frozen = threading.Lock()


class FakeEmbeddings:
    """Starts on a free loopback port; use as a context manager."""

    def __init__(self, plan=lambda number: None, region="eu-central-1", token=TOKEN, slow_s=0.0):
        self.plan, self.region, self.token, self.slow_s = plan, region, token, slow_s
        self.lock = threading.Lock()
        self.requests: list[dict] = []
        self.answered: Counter[str] = Counter()  # texts of whole, right answers
        self.refused: list[str] = []  # signatures and keys that were wrong
        self.connections = 0
        self.hold_at: int | None = None  # this request is answered only when `release` is set
        self.held = threading.Event()
        self.release = threading.Event()
        self.in_flight = self.most_in_flight = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self):
                super().setup()
                with owner.lock:
                    owner.connections += 1

            def log_message(self, *_):
                pass

            def do_POST(self):
                owner._serve(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):  # a client that was killed is no error
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> FakeEmbeddings:
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    # ---- one request ----

    def _serve(self, handler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        with self.lock:
            number = len(self.requests)
            self.requests.append({"path": handler.path, "headers": dict(handler.headers), "body": body, "at": time.monotonic()})
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if number == self.hold_at:
                self.held.set()
                self.release.wait(60)
            if self.slow_s:
                time.sleep(self.slow_s)
            self._answer(handler, number, body)
        finally:
            with self.lock:
                self.in_flight -= 1

    def _answer(self, handler, number: int, body: bytes) -> None:
        bedrock = handler.path.startswith("/model/")
        wrong = self._wrong_signature(handler, body) if bedrock else self._wrong_key(handler)
        if wrong:
            self.refused.append(wrong)
            return self._send(handler, 403 if bedrock else 401, {"message": wrong}, {"x-amzn-errortype": "InvalidSignatureException:"})
        asked = json.loads(body)
        texts, dim, answer = self._bedrock(handler, asked) if bedrock else self._openai(asked)
        if isinstance(answer, int):
            return self._send(handler, answer, {"message": "Malformed input request"}, {"x-amzn-errortype": "ValidationException"})
        fault = self.plan(number)
        if fault:
            return self._fail(handler, fault, answer, dim, bedrock)
        with self.lock:
            self.answered.update(texts)
        self._send(handler, 200, answer)

    def _wrong_key(self, handler) -> str:
        return "" if handler.headers.get("authorization") == f"Bearer {BEARER}" else "Incorrect API key provided"

    def _wrong_signature(self, handler, body: bytes) -> str:
        got = handler.headers.get("authorization", "")
        stamp = handler.headers.get("x-amz-date", "")
        try:
            moment = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
            names = got.split("SignedHeaders=")[1].split(",")[0].split(";")
        except (ValueError, IndexError):
            return "no signature"
        if abs(moment.timestamp() - time.time()) > MAX_SKEW_S:
            return "the signature is too old"
        if {"host", "x-amz-date"} - set(names) or (self.token and "x-amz-security-token" not in names):
            return "a header that must be signed is not"
        if handler.headers.get("x-amz-security-token") != self.token:
            return "the session token is not this account's"
        signed = {name: handler.headers[name] for name in names if name != "x-amz-security-token"}
        url = f"http://{handler.headers['host']}{handler.path}"
        expected = botocore_authorization("POST", url, signed, body, self.region, stamp, self.token)
        return "" if got == expected else f"botocore signs {expected}, got {got}"

    def _bedrock(self, handler, asked: dict):
        model = unquote(handler.path.split("/")[2])
        text = asked.pop("inputText", None)
        if model == "amazon.titan-embed-text-v1":
            dim, normalize = 1536, False
        elif model == "amazon.titan-embed-text-v2:0":
            dim, normalize = asked.pop("dimensions", 1024), asked.pop("normalize", True)
        else:
            return [], 0, 404
        if asked or not isinstance(text, str) or not text or dim not in (256, 512, 1024, 1536):
            return [], 0, 400
        return [text], dim, {"embedding": [float(x) for x in vector_of(text, dim, normalize)],
                             "inputTextTokenCount": len(text.split())}

    def _openai(self, asked: dict):
        texts, dim = asked["input"], asked.get("dimensions", 1536)
        data = []
        for index, text in enumerate(texts):
            row = vector_of(text, dim)
            as_base64 = asked.get("encoding_format") == "base64"
            vector = base64.b64encode(row.tobytes()).decode() if as_base64 else [float(x) for x in row]
            data.append({"object": "embedding", "index": index, "embedding": vector})
        data.reverse()  # the index counts, not the order
        tokens = sum(len(text.split()) for text in texts)
        return texts, dim, {"object": "list", "data": data, "model": asked["model"],
                            "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}

    def _fail(self, handler, fault: str, answer: dict, dim: int, bedrock: bool) -> None:
        if fault in ("429", "429-after"):
            more = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"}
            if fault == "429-after":
                more["retry-after"] = "1"
            return self._send(handler, 429, {"message": "Too many requests, please wait before trying again."}, more)
        if fault == "500":
            return self._send(handler, 500, {"message": "The system encountered an unexpected error"})
        if fault == "503-html":
            return self._raw(handler, 503, b"<html>upstream connect error</html>", "text/html")
        whole = json.dumps(answer).encode()
        if fault == "cut":  # promises more than it sends
            handler.send_response(200)
            handler.send_header("content-length", str(len(whole)))
            handler.end_headers()
            handler.wfile.write(whole[: len(whole) // 2])
            handler.wfile.flush()
        elif fault == "lie-dim":
            vectors = [answer] if bedrock else answer["data"]
            for item in vectors:
                item["embedding"] = [0.5] * (dim + 1)
            return self._send(handler, 200, answer)
        elif fault == "nan":
            vectors = [answer] if bedrock else answer["data"]
            for item in vectors:
                item["embedding"] = base64.b64encode(struct.pack("<f", float("nan")) * dim).decode() if not bedrock else [float("nan")] * dim
            return self._send(handler, 200, answer)
        elif fault == "huge-number":
            return self._raw(handler, 200, b'{"embedding":[' + b",".join([b"1e39"] * dim) + b'],"inputTextTokenCount":1}')
        elif fault == "text":
            return self._raw(handler, 200, b"OK", "text/plain")
        elif fault == "empty":
            return self._raw(handler, 200, b"")
        elif fault == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "hang":
            self.release.wait(60)
        handler.close_connection = True
        handler.connection.close()

    def _send(self, handler, status: int, answer: dict, more: dict[str, str] | None = None) -> None:
        self._raw(handler, status, json.dumps(answer).encode(), "application/json", more)

    def _raw(self, handler, status: int, body: bytes, kind: str = "application/json", more: dict[str, str] | None = None) -> None:
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body)))
        for name, value in (more or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
