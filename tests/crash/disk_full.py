#!/usr/bin/env python3
"""A disk that fills while clients write, again and again: disk_full.py BASALT [rounds]. Needs root (it mounts a tmpfs).

Each round: a small file system, a writer that goes on until it is refused, a reader beside it. Seen to, with figures at
the end: the refusal is MISCONF with the cause and comes within 100 ms; reads are answered all the while; writes are taken
again within a second of space coming back; after kill -9 everything that was acknowledged is there.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

SMALL, LARGE = "3m", "32m"
REFUSED_MAX, HEALED_MAX = 0.1, 1.0


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def call(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))
        line = self.file.readline().rstrip(b"\r\n")
        if line[:1] == b"$" and line != b"$-1":
            return self.file.read(int(line[1:]) + 2)[:-2]
        return line


def start(binary, folder, port):
    log = open(os.path.join(tempfile.gettempdir(), f"disk-full-{os.getpid()}.log"), "ab")
    words = [binary, "--port", str(port), "--dir", folder, "--save", "", "--auto-aof-rewrite-percentage", "0"]
    child = subprocess.Popen(words, stdout=log, stderr=log)
    for _ in range(500):
        try:
            if Client(port).call("PING") == b"+PONG":
                return child
        except OSError:
            pass
        time.sleep(0.02)
    child.kill()
    raise SystemExit("the server does not start")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def one_round(binary, folder, number):
    port = free_port()
    child = start(binary, folder, port)
    try:
        reads = {"longest": 0.0, "count": 0, "over": False, "error": None}

        def read():
            client = Client(port)
            while not reads["over"]:
                began = time.monotonic()
                answer = client.call("GET", "first")
                reads["longest"] = max(reads["longest"], time.monotonic() - began)
                reads["count"] += 1
                if answer != b"value":
                    reads["error"] = answer
                time.sleep(0.001)

        writer, other = Client(port), Client(port)
        assert writer.call("SET", "first", "value") == b"+OK"
        reader = threading.Thread(target=read)
        reader.start()
        acknowledged = 0
        value = b"x" * (500 + 37 * number)
        # The answer of the write that fills the disk is held back until it is on the disk.
        writer.socket.settimeout(0.3)
        try:
            while writer.call("SET", f"k{acknowledged}", value) == b"+OK":
                acknowledged += 1
        except TimeoutError:
            pass
        began = time.monotonic()
        answer = other.call("SET", "refused", "x")
        refused = time.monotonic() - began
        assert answer.startswith(b"-MISCONF") and b"No space left" in answer, answer
        assert refused <= REFUSED_MAX, f"refused after {refused:.3f} s"
        subprocess.run(["mount", "-o", f"remount,size={LARGE}", folder], check=True)
        began = time.monotonic()
        while other.call("SET", "healed", "1") != b"+OK":
            assert time.monotonic() - began <= HEALED_MAX, "not healed within a second"
            time.sleep(0.005)
        healed = time.monotonic() - began
        reads["over"] = True
        reader.join()
        assert reads["error"] is None, reads["error"]
        child.kill()
        child.wait()
        child = start(binary, folder, port)
        again = Client(port)
        assert again.call("GET", "healed") == b"1"
        for i in range(acknowledged):
            assert again.call("GET", f"k{i}") == value, f"k{i} of {acknowledged} was acknowledged and is lost"
        return acknowledged, refused, healed, reads["longest"]
    finally:
        child.kill()
        child.wait()


def main():
    binary = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    results = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder], check=True)
            try:
                results.append(one_round(binary, folder, number))
            finally:
                subprocess.run(["umount", folder], check=True)
    most = [max(result[i] for result in results) for i in range(4)]
    print(f"{rounds} rounds, {sum(result[0] for result in results)} acknowledged writes, none lost; refused after at most "
          f"{most[1] * 1000:.1f} ms, healed after at most {most[2] * 1000:.0f} ms, longest read {most[3] * 1000:.1f} ms")


if __name__ == "__main__":
    main()
