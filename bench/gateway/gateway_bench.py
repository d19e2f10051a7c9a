#!/usr/bin/env python3
"""Times the gateway beside nginx, HAProxy, Portkey and LiteLLM, every process pinned to one core, wrk included.

    gateway_bench.py ASSAY [--rounds N] [--seconds S] [--peers DIR]     prints one JSON object

A round asks every server in turn, with 16 connections and with one, so that a noisy moment strikes all of them. The
upstream is nginx with a constant answer. Ours runs with key check, metrics, a log line an exchange and the request log.
Portkey and LiteLLM are installed into DIR where they are not yet; without DIR, or where that fails, they are left out.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from servers import ANSWER, Servers, ServerError, ask, free_port, load_script, wrk

PORTKEY, LITELLM = "1.15.2", "1.106.0"
INSTALL_LIMIT_S = 300
LITELLM_CONFIG = """model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_base: http://127.0.0.1:{upstream}/v1, api_key: sk-x}}
litellm_settings: {{telemetry: false}}
general_settings: {{dangerously_permit_weak_or_unset_master_key: true}}
"""


def installed(folder, version, *commands):
    """Whether the peer is there, after installing it if need be."""
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == version:
        return True
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_LIMIT_S)
    except (OSError, subprocess.SubprocessError):
        return False
    stamp.write_text(version)
    return True


def start_portkey(servers, folder, upstream):
    if not installed(folder, PORTKEY, ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts",
                                       f"@portkey-ai/gateway@{PORTKEY}"]):
        raise ServerError("Portkey could not be installed")
    port = free_port()
    program = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
    servers.start("portkey", ["node", program, f"--port={port}", "--headless"], port, {"NODE_ENV": "production"}, 60)
    return port, {"authorization": "Bearer sk-x", "x-portkey-provider": "openai",
                  "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1"}


def start_litellm(servers, folder, upstream):
    if not installed(folder, LITELLM, [sys.executable, "-m", "venv", folder],
                     [folder / "bin/pip", "install", "-q", f"litellm[proxy]=={LITELLM}"]):
        raise ServerError("LiteLLM could not be installed")
    port = free_port()
    config = servers.folder / "litellm.yaml"
    config.write_text(LITELLM_CONFIG.format(upstream=upstream))
    servers.start("litellm", [folder / "bin/litellm", "--config", config, "--host", "127.0.0.1", "--port", port,
                              "--num_workers", 1], port, {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}, 90)
    return port, {"authorization": "Bearer sk-x"}


def measure_round(servers, ports, scripts, seconds, results):
    for connections in (16, 1):
        for name, port in ports.items():
            rate, median = wrk(servers.core, port, connections, seconds, scripts.get(name, scripts["same"]))
            if results is None:
                continue
            results.setdefault(f"rate/{name}/{connections}", []).append(rate)
            results.setdefault(f"median/{name}/{connections}", []).append(median)


def measure_memory(servers, upstream, script, results):
    port = servers.serve("memory", f"http://127.0.0.1:{upstream}/v1")
    idle = servers.resident_bytes("memory")
    for _ in range(60):
        wrk(servers.core, port, 16, 1, script)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/cache/stats", timeout=20) as reply:
            entries = json.load(reply)["tiers"][0]["entries"]
        if entries >= 100_000:
            break
    resident = servers.resident_bytes("memory")
    results["memory/idle"] = [idle]
    # The load ends by the clock, so there are somewhat more than 100,000: what each takes is what counts.
    results["memory/100000"] = [idle + (resident - idle) * 100_000 / entries]


def measure_gateways(servers, options, upstream, results, missing):
    """The gateways that are hundreds of times slower: a few rounds say enough."""
    for name, start in (("portkey", start_portkey), ("litellm", start_litellm)):
        try:
            if options.peers is None:
                raise ServerError("peer not installed")
            port, headers = start(servers, options.peers.resolve() / name, upstream)
            script = load_script(servers.folder / f"{name}.lua", headers)
            answer, _ = ask(port, headers)
            if answer["choices"][0]["message"]["content"] != ANSWER["choices"][0]["message"]["content"]:
                raise ServerError(f"{name} gives another answer")
            for number in range(min(options.rounds, 3) + 1):
                measure_round(servers, {name: port}, {"same": script}, 2, results if number > 0 else None)
            results[f"memory/{name}"] = [servers.resident_bytes(name)]
        except (ServerError, OSError, ValueError, KeyError) as error:
            missing[name] = str(error).strip().split("\n")[-1][:100]
        if name in servers.processes:
            servers.processes.pop(name).kill()


def measure(servers, options, state):
    results, missing = {}, {}
    token = json.loads(subprocess.run([servers.assay, "keys", "create", "--state", state, "--name", "bench", "--json"],
                                      capture_output=True, check=True).stdout)["token"]
    headers = {"authorization": f"Bearer {token}"}
    scripts = {"same": load_script(servers.folder / "same.lua", headers)}
    nginx = servers.nginx("nginx")
    upstream = f"http://127.0.0.1:{nginx['static']}/v1"
    keys = {"ASSAY_KEYS_MODE": "required", "ASSAY_DATA_FOLDER": str(state)}
    ports = {
        "static": nginx["static"],
        "assay_hit": servers.serve("assay_hit", upstream, **keys),
        "proxy": nginx["proxy"],
        "assay_miss": servers.serve("assay_miss", upstream, ASSAY_CACHE_ENABLED="false", **keys),
        "proxy_apart": servers.nginx("front", nginx["static"])["proxy"],
        "haproxy": servers.haproxy(nginx["static"]),
    }
    for name, expected in (("assay_hit", "hit; tier=memory"), ("assay_miss", "bypass")):
        ask(ports[name], headers)
        answer, cache = ask(ports[name], headers)
        if answer != ANSWER or cache != expected:
            raise ServerError(f"{name} answers {cache}: {answer}")
    for number in range(options.rounds + 1):  # the first one warms up
        measure_round(servers, ports, scripts, options.seconds, results if number > 0 else None)
    for name in ("proxy", "proxy_apart", "assay_miss", "haproxy"):  # what each adds to the upstream's own answer
        results[f"added/{name}"] = [mine - own for mine, own in
                                    zip(results[f"median/{name}/1"], results["median/static/1"])]
    distinct = load_script(servers.folder / "distinct.lua", headers, distinct=True)
    measure_memory(servers, nginx["large"], distinct, results)
    measure_gateways(servers, options, nginx["static"], results, missing)
    return {"results": results, "missing": missing}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--peers", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        with Servers(options.assay.resolve(), folder, max(os.sched_getaffinity(0))) as servers:
            print(json.dumps(measure(servers, options, folder / "state")))
    except ServerError as error:
        print(f"gateway_bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
