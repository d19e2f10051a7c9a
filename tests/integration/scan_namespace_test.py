"""`assay scan` over 1,000 hosts that are 50 ms away and lose 5% of all packets, in a network namespace of its own.

Without netem a script plays the hosts behind a TUN device. Nothing leaves the namespace. The time is printed, not judged.
"""
import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from gateway_process import ASSAY

HOSTS = 1000
DELAY_S = 0.05
LOSS = 0.05
PORT = 8000
# With a chance of 0.0975 that a SYN or its answer is lost, one of 1,000 hosts is missed in one of 100 million runs.
SCAN = ["--ports", str(PORT), "--in-flight", str(HOSTS), "--timeout", "500", "--retries", "10", "--open-only", "--json"]
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SYN, RST, ACK = 0x02, 0x04, 0x10


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def answer_to(packet, flags):
    """The host's SYN-ACK or RST to an IPv4 packet with a SYN."""
    source, target = packet[12:16], packet[16:20]
    from_port, to_port, number = struct.unpack("!HHI", packet[20:28])
    tcp = struct.pack("!HHIIBBHHH", to_port, from_port, 7, number + 1 & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0)
    pseudo = target + source + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + target + source
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


class ScriptedHosts(threading.Thread):
    """Answers each SYN after the delay, unless it or the answer is lost: hosts with an even address accept, others refuse."""

    def __init__(self):
        super().__init__(daemon=True)
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22s", b"hosts0", IFF_TUN | IFF_NO_PI, b""))
        subprocess.run(["ip", "addr", "add", "10.99.0.1/16", "dev", "hosts0"], check=True)
        subprocess.run(["ip", "link", "set", "hosts0", "up", "txqueuelen", "100000"], check=True)
        self.chance = random.Random(20261122)
        self.syns = self.lost = 0

    def run(self):
        waiting = []  # (when, count, packet)
        while True:
            wait = max(0, waiting[0][0] - time.monotonic()) if waiting else 1
            if select.select([self.tun], [], [], wait)[0]:
                packet = os.read(self.tun, 2048)
                if packet[0] == 0x45 and packet[9] == socket.IPPROTO_TCP and packet[33] & (SYN | ACK) == SYN:
                    self.syns += 1
                    if self.chance.random() < LOSS or self.chance.random() < LOSS:
                        self.lost += 1
                    else:
                        accepts = packet[19] % 2 == 0
                        heapq.heappush(waiting, (time.monotonic() + DELAY_S, self.syns,
                                                 answer_to(packet, SYN | ACK if accepts else RST | ACK)))
            while waiting and waiting[0][0] <= time.monotonic():
                os.write(self.tun, heapq.heappop(waiting)[2])


def scan(hosts):
    return json.loads(subprocess.run([ASSAY, "scan", hosts, *SCAN], capture_output=True, check=True, text=True).stdout)


def scripted():
    """Runs inside of the namespace; prints what happened."""
    hosts = ScriptedHosts()
    hosts.start()
    print(json.dumps({**scan("10.99.1.0-10.99.4.231"), "syns": hosts.syns, "lost": hosts.lost}))


def netem():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", f"{DELAY_S * 1000}ms", "loss",
                    f"{LOSS * 100}%", "limit", "100000"], check=True)
    with socket.create_server(("0.0.0.0", PORT), backlog=4096):
        print(json.dumps(scan("127.1.0.0-127.1.3.231")))


def in_namespace(*command):
    return subprocess.run(["unshare", "--map-root-user", "--net", *command], capture_output=True, text=True)


class NamespaceTest(unittest.TestCase):
    def setUp(self):
        try:
            if in_namespace("true").returncode != 0:
                self.skipTest("this machine allows no network namespaces")
        except FileNotFoundError:
            self.skipTest("unshare is not installed")

    def measure(self, how):
        done = in_namespace(sys.executable, __file__, how)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        print(f"{how}: {report['targets']} hosts, {DELAY_S * 1000:.0f} ms away, {LOSS:.0%} of the packets lost: "
              f"{report['seconds']:.2f} s, {report['tries']} tries, {report['most_at_once']} at once", file=sys.stderr)
        self.assertEqual(report["targets"], HOSTS)
        self.assertEqual(report["most_at_once"], HOSTS, "no host waits for another one")
        self.assertGreater(report["tries"], HOSTS, "what was lost is tried again")
        self.assertEqual(report["silent"], 0)
        return report

    def test_no_host_is_missed_and_none_waits_for_another(self):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            self.skipTest("/dev/net/tun cannot be used")
        report = self.measure("scripted")
        self.assertEqual(report["open"], HOSTS // 2)
        self.assertEqual(report["refused"], HOSTS // 2)
        self.assertTrue(all(int(one["address"].split(".")[3]) % 2 == 0 for one in report["services"]))
        self.assertGreater(report["lost"], 0)
        self.assertGreaterEqual(report["tries"], HOSTS + report["lost"], "each that was lost is tried again")

    def test_the_same_behind_netem(self):
        allowed = in_namespace("sh", "-c", "ip link set lo up && tc qdisc add dev lo root netem delay 1ms")
        if allowed.returncode != 0:
            self.skipTest(f"this machine has no netem: {allowed.stderr.strip()}")
        self.assertEqual(self.measure("netem")["open"], HOSTS)


if __name__ == "__main__":
    if sys.argv[1:] in (["scripted"], ["netem"]):
        {"scripted": scripted, "netem": netem}[sys.argv[1]]()
    else:
        unittest.main()
