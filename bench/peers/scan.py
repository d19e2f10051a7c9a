"""1,000 ports of this machine, 20 of which listen: Assay against nmap and a loop of blocking connects in Python.

    python bench/peers/scan.py SCAN_BENCH ASSAY ROUNDS

All on one core, in turns, CPU time. Whole programs (start, scan, output) and, apart from them, the scan alone. Every side
must find all 20. nmap is left out where it is not installed. Prints one JSON object.
"""

import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile

COUNT, LISTENERS = 1000, 20


def listen():
    """20 listeners, every 50th of 1,000 neighbouring ports of which nobody else has one."""
    for first in range(20000, 32000, COUNT):
        listeners = []
        try:
            for port in range(first + 7, first + COUNT, COUNT // LISTENERS):
                one = socket.socket()
                listeners.append(one)
                one.bind(("127.0.0.1", port))
                one.listen(4096)
            if blocking_loop(range(first, first + COUNT)) == LISTENERS:
                return first, listeners
        except OSError:
            pass
        for one in listeners:
            one.close()
    sys.exit("there are no 1,000 neighbouring ports free")


def blocking_loop(ports):
    found = 0
    for port in ports:
        one = socket.socket()
        one.settimeout(0.5)
        found += one.connect_ex(("127.0.0.1", port)) == 0
        one.close()
    return found


def drain(listeners):
    """Takes what has connected, as servers would."""
    for one in listeners:
        one.setblocking(False)
        try:
            while True:
                one.accept()[0].close()
        except BlockingIOError:
            pass


def program(*command):
    """Returns how many ports a program found, by its output."""
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return said.count("/open/tcp") if command[0] == "nmap" else json.loads(said)["open"]


def library(bench, first):
    """Seconds of one scan, and of one look-up of a kept result, inside of a program that runs already."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run([bench, f"--ports={first},{COUNT}", "--benchmark_min_time=0.1", f"--benchmark_out={report.name}"],
                       check=True, capture_output=True)
        runs = json.load(open(report.name, encoding="utf-8"))["benchmarks"]
    for one in runs:
        if one.get("error_occurred"):
            sys.exit(f"{one['name']}: {one['error_message']}")
    return {one["name"].split("/")[0]: one["cpu_time"] * 1e-3 for one in runs}


def cpu_s():
    """CPU time of this program and of those that it ran."""
    return sum(used.ru_utime + used.ru_stime
               for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def main():
    bench, assay, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    first, listeners = listen()
    ports = range(first, first + COUNT)
    span = f"{first}-{first + COUNT - 1}"
    sides = {
        "process/assay": lambda: program(assay, "scan", "127.0.0.1", "--ports", span, "--open-only", "--json"),
        "scan/python": lambda: blocking_loop(ports),
    }
    versions = {"Python": sys.version.split()[0]}
    if shutil.which("nmap"):
        sides["process/nmap"] = lambda: program("nmap", "-sT", "-n", "-T5", "-p", span, "-oG", "-", "127.0.0.1")
        versions["nmap"] = re.search(r"version (\S+)", subprocess.run(["nmap", "--version"], capture_output=True, text=True).stdout)[1]
    runs = {name: [] for name in (*sides, "scan/assay", "cached/assay")}
    for _ in range(rounds):
        for name, side in sides.items():
            begin = cpu_s()
            found = side()
            runs[name].append(cpu_s() - begin)
            drain(listeners)
            if found != LISTENERS:
                sys.exit(f"{name} found {found} of {LISTENERS} listeners")
        inside = library(bench, first)
        runs["scan/assay"].append(inside["scan"])
        runs["cached/assay"].append(inside["cached"])
        drain(listeners)
    print(json.dumps({"versions": versions, "runs_s": runs}))


if __name__ == "__main__":
    main()
