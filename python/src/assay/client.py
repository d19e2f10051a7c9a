"""Clients of `assay serve`: Client, and AsyncClient for asyncio."""

import asyncio
import http.client
import json
import ssl
import threading
import urllib.parse
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from assay import errors

Json = dict[str, Any]
_BY_STATUS: dict[int, type[errors.Error]] = {
    400: errors.InvalidArgument,
    401: errors.Unauthenticated,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    408: errors.DeadlineExceeded,
    409: errors.AlreadyExists,
    412: errors.FailedPrecondition,
    413: errors.OutOfRange,
    415: errors.InvalidArgument,
    429: errors.ResourceExhausted,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.DeadlineExceeded,
}


class Answer(dict[str, Any]):
    """A JSON answer with the response's headers, names in lower case; `cache` is "hit", "miss", ... or None."""

    headers: dict[str, str]

    @property
    def cache(self) -> str | None:
        return self.headers.get("x-assay-cache")

    @property
    def text(self) -> str:
        """The text of a chat's first choice."""
        return str(self["choices"][0]["message"]["content"])


class Client:
    """A gateway at a base URL such as http://127.0.0.1:8080. Threads may share one; connections are kept alive.

    Errors of the gateway are raised as the class of assay.errors for their status, with its message; Unavailable where
    nobody answers, DeadlineExceeded where no bytes came for `timeout_s` seconds.
    """

    def __init__(
        self, url: str, api_key: str | None = None, timeout_s: float = 60.0, context: ssl.SSLContext | None = None
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise errors.InvalidArgument(f"'{url}' is no address such as http://127.0.0.1:8080")
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/").removesuffix("/v1")
        self._tls = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        self._headers = {"content-type": "application/json"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the kept connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # ---- the gateway's calls ----

    def chat(self, model: str, messages: str | Sequence[Json], **more: Any) -> Answer:
        """POST /v1/chat/completions. `messages` as OpenAI describes them, or the text of one user message."""
        return self.request("POST", "/v1/chat/completions", _chat(model, messages, more))

    def chat_stream(self, model: str, messages: str | Sequence[Json], **more: Any) -> Iterator[Json]:
        """The same as a stream: its events in order, without the last "[DONE]"."""
        body = {**_chat(model, messages, more), "stream": True}
        connection, response = self._exchange("POST", "/v1/chat/completions", body)
        try:
            _check(response.status, b"" if response.status == 200 else response.read())
            for line in response:
                data = line.decode().strip().removeprefix("data:").strip()
                if not line.startswith(b"data:"):
                    continue
                if data == "[DONE]":
                    break
                yield json.loads(data)
        except TimeoutError as error:
            raise errors.DeadlineExceeded(f"no bytes came for {self._timeout_s:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise errors.Unavailable(f"the stream broke: {error}") from error
        finally:
            connection.close()

    def embeddings(self, model: str, texts: str | Sequence[str], **more: Any) -> Answer:
        """POST /v1/embeddings."""
        texts = texts if isinstance(texts, str) else list(texts)
        return self.request("POST", "/v1/embeddings", {"model": model, "input": texts, **more})

    def models(self) -> Answer:
        """GET /v1/models."""
        return self.request("GET", "/v1/models")

    def extract_claims(self, text: str) -> Answer:
        """POST /v1/claims/extract: the sentences of a text with their claims."""
        return self.request("POST", "/v1/claims/extract", {"text": text})

    def verify_claims(self, claims: Sequence[str], route: str | None = None) -> Answer:
        """POST /v1/claims/verify: results in the order of the claims, and a summary."""
        return self.request("POST", "/v1/claims/verify", _routed({"claims": list(claims)}, route))

    def check(self, answer: str, route: str | None = None) -> Answer:
        """POST /v1/check: every claim of an answer with verdict and evidence."""
        return self.request("POST", "/v1/check", _routed({"answer": answer}, route))

    def consensus(self, answers: Sequence[str | Json], **more: Any) -> Answer:
        """POST /v1/consensus: one answer of several; `more` are question, method, quorum and so on."""
        return self.request("POST", "/v1/consensus", {"answers": list(answers), **more})

    def cache_stats(self) -> Answer:
        """GET /v1/cache/stats: entries, bytes, hits and misses of each tier."""
        return self.request("GET", "/v1/cache/stats")

    # ---- what carries them ----

    def request(self, method: str, path: str, body: Json | None = None) -> Answer:
        """Any call of the interface that answers with a JSON object."""
        connection, response = self._exchange(method, path, body)
        try:
            data = response.read()
        except TimeoutError as error:
            connection.close()
            raise errors.DeadlineExceeded(f"{method} {path}: no bytes came for {self._timeout_s:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise errors.Unavailable(f"{method} {path}: the answer broke off: {error}") from error
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        _check(response.status, data)
        answer = Answer(json.loads(data) if data else {})
        answer.headers = {name.lower(): value for name, value in response.getheaders()}
        return answer

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before."""
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        if self._tls is not None:
            made = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)
            return made, False
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s), False

    def _exchange(
        self, method: str, path: str, body: Json | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        data = None if body is None else json.dumps(body).encode()
        while True:
            connection, used = self._connection()
            try:
                connection.request(method, self._path + path, data, self._headers)
                return connection, connection.getresponse()
            except TimeoutError as error:
                connection.close()
                raise errors.DeadlineExceeded(f"{method} {path}: no answer within {self._timeout_s:g} s") from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # A kept connection that the gateway has closed meanwhile: the request was not read.
                if used and isinstance(error, http.client.RemoteDisconnected | BrokenPipeError | ConnectionResetError):
                    continue
                raise errors.Unavailable(f"{self._host}:{self._port} does not answer: {error}") from error


class AsyncClient:
    """Client for asyncio: the same calls as coroutines, each on a worker thread."""

    def __init__(
        self, url: str, api_key: str | None = None, timeout_s: float = 60.0, context: ssl.SSLContext | None = None
    ) -> None:
        self._client = Client(url, api_key, timeout_s, context)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    async def chat(self, model: str, messages: str | Sequence[Json], **more: Any) -> Answer:
        return await asyncio.to_thread(self._client.chat, model, messages, **more)

    async def chat_stream(self, model: str, messages: str | Sequence[Json], **more: Any) -> AsyncIterator[Json]:
        stream = self._client.chat_stream(model, messages, **more)
        following: Callable[[], Json | None] = lambda: next(stream, None)  # noqa: E731
        try:
            while (event := await asyncio.to_thread(following)) is not None:
                yield event
        finally:
            await asyncio.to_thread(stream.close)  # type: ignore[attr-defined]

    async def embeddings(self, model: str, texts: str | Sequence[str], **more: Any) -> Answer:
        return await asyncio.to_thread(self._client.embeddings, model, texts, **more)

    async def models(self) -> Answer:
        return await asyncio.to_thread(self._client.models)

    async def extract_claims(self, text: str) -> Answer:
        return await asyncio.to_thread(self._client.extract_claims, text)

    async def verify_claims(self, claims: Sequence[str], route: str | None = None) -> Answer:
        return await asyncio.to_thread(self._client.verify_claims, claims, route)

    async def check(self, answer: str, route: str | None = None) -> Answer:
        return await asyncio.to_thread(self._client.check, answer, route)

    async def consensus(self, answers: Sequence[str | Json], **more: Any) -> Answer:
        return await asyncio.to_thread(self._client.consensus, answers, **more)

    async def cache_stats(self) -> Answer:
        return await asyncio.to_thread(self._client.cache_stats)

    async def request(self, method: str, path: str, body: Json | None = None) -> Answer:
        return await asyncio.to_thread(self._client.request, method, path, body)


def _chat(model: str, messages: str | Sequence[Json], more: Json) -> Json:
    said = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    return {"model": model, "messages": said, **more}


def _routed(body: Json, route: str | None) -> Json:
    return body if route is None else {**body, "route": route}


def _check(status: int, body: bytes) -> None:
    if status < 400:
        return
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = body[:200].decode(errors="replace")
    raise _BY_STATUS.get(status, errors.Internal)(f"HTTP {status}: {message}")
