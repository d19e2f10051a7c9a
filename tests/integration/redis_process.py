"""redis-server as processes of their own, for tests: one with nothing on disk, or the servers of a Redis Cluster.

    with RedisProcess() as redis:
        redis.command("SET", "key", "value")
        redis.kill()
        redis.start()  # again on its port, and empty
"""
import shutil
import socket
import subprocess
import tempfile

from gateway_process import eventually

INSTALLED = shutil.which("redis-server") is not None
SLOTS = 16384


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisProcess:
    """More settings by their names in redis.conf, with _ for -."""

    def __init__(self, password=None, **settings):
        self.port, self.password = free_port(), password
        self._folder = tempfile.TemporaryDirectory()
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": self._folder.name, "save": '""', **settings}
        if password is not None:
            settings["requirepass"] = f'"{password}"'
        self._settings = "".join(f"{name.replace('_', '-')} {value}\n" for name, value in settings.items())
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._folder.cleanup()

    def start(self):
        self.process = subprocess.Popen(["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.process.stdin.write(self._settings.encode())
        self.process.stdin.close()
        eventually(self._answers, "redis-server listens")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def command(self, *words):
        """The reply's line, or the content of a bulk string. OSError: it is not there."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            answers = connection.makefile("rb")
            for command in ([("AUTH", self.password)] if self.password is not None else []) + [words]:
                parts = [str(word).encode() for word in command]
                connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
                line = answers.readline()
            size = int(line[1:]) if line.startswith(b"$") else -1
            return answers.read(size) if size >= 0 else line

    def _answers(self):
        try:
            return self.command("PING").startswith(b"+PONG")
        except OSError:
            return False


class RedisCluster:
    """Masters with equal shares of the slots, and replicas of the first of them."""

    def __init__(self, masters=3, replicas=0, node_timeout_ms=2000):
        self._masters, self._replicas, self._timeout_ms = masters, replicas, node_timeout_ms
        self.nodes = []

    def __enter__(self):
        buses = [free_port() for _ in range(self._masters + self._replicas)]
        for bus in buses:
            self.nodes.append(RedisProcess(
                cluster_enabled="yes", cluster_port=bus, cluster_node_timeout=self._timeout_ms,
                cluster_require_full_coverage="no", repl_diskless_sync_delay=0))
        for i, node in enumerate(self.nodes):
            if i < self._masters:
                first, end = SLOTS * i // self._masters, SLOTS * (i + 1) // self._masters
                node.command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            # Of two claims to a slot the one of the higher epoch counts.
            node.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            node.command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, buses[0])
        for node in self.nodes:
            eventually(lambda: self._whole(node), "the cluster comes together")
        first = self.nodes[0].command("CLUSTER", "MYID").decode()
        for node in self.nodes[self._masters:]:
            eventually(lambda: node.command("CLUSTER", "REPLICATE", first).startswith(b"+OK"), "it follows the first")
            eventually(lambda: b"master_link_status:up" in node.command("INFO", "replication"), "it has all of the first")
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.__exit__()

    def _whole(self, node):
        told = node.command("CLUSTER", "INFO").decode().split()
        return {"cluster_state:ok", f"cluster_slots_ok:{SLOTS}", f"cluster_known_nodes:{len(self.nodes)}"} <= set(told)

    @property
    def url(self):
        return "redis://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def keys(self):
        """How many each master holds."""
        return [int(node.command("DBSIZE")[1:]) for node in self.nodes[:self._masters]]
