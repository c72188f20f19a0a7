"""Snapshots, loading and large values beside Redis: time, memory, and what other clients feel of it."""

import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time

from . import resp, servers, table

DEADLINE_SECONDS = 600


def add_arguments(parser):
    parser.add_argument("--what", default="load,snapshot,large", help="load: start with data; snapshot: BGSAVE under writes; large: BGSAVE with one hash of --megabytes")
    parser.add_argument("--keys", type=int, default=2_000_000, help="mixed keys to load; half of it for the snapshot")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the large hash")
    parser.add_argument("--rounds", type=int, default=2, help="each case is measured so often, in turn; the best is shown")


def run(options):
    results = {}
    for what in options.what.split(","):
        results[what] = TASKS[what](options)
    return results


class Process:
    """A server in a folder that outlives it."""

    def __init__(self, binary, folder, *words):
        self.port = servers.free_port()
        self.folder = folder
        with open(os.path.join(folder, "log"), "ab") as log:
            command = [binary, "--port", str(self.port), "--dir", folder, "--save", "", *words]
            self.child = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=servers.die_with_parent)
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            try:
                if self.call("PING") == b"+PONG":
                    return
            except OSError:
                pass
            if self.child.poll() is not None:
                break
            time.sleep(0.02)
        raise servers.BenchError(f"{binary} does not start, see {folder}/log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def connect(self):
        return Link(self.port)

    def call(self, *words):
        link = self.connect()
        try:
            return link.call(*words)
        finally:
            link.close()

    def fill(self, requests):
        pipe = subprocess.Popen(["redis-cli", "-p", str(self.port), "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        part = []
        for request in requests:
            part.append(request)
            if len(part) == 2000:
                pipe.stdin.write(b"".join(part))
                part = []
        pipe.stdin.write(b"".join(part))
        pipe.stdin.close()
        pipe.wait()

    def loaded_seconds(self):
        """What the last start says it took."""
        lines = open(os.path.join(self.folder, "log"), errors="replace").read().splitlines()
        found = [line for line in lines if "DB loaded from" in line and "file appendonly" not in line]
        return float(found[-1].rsplit(": ", 1)[1].split()[0])

    def memory_mib(self):
        """Of the process and its children, shared pages counted once."""
        pids = [self.child.pid]
        children = f"/proc/{self.child.pid}/task/{self.child.pid}/children"
        try:
            pids += [int(pid) for pid in open(children).read().split()]
        except OSError:
            pass
        total = 0
        for pid in pids:
            try:
                for line in open(f"/proc/{pid}/smaps_rollup"):
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except OSError:
                pass
        return total / 1024


class Link:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def call(self, *words):
        self.socket.sendall(resp.encode(*[word if isinstance(word, bytes) else str(word).encode() for word in words]))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        if line[:1] == b"$":
            length = int(line[1:])
            return None if length < 0 else self.file.read(length + 2)[:-2]
        return line.rstrip()


def mixed(count):
    """Texts, numbers, small hashes, lists, sets, sorted sets, some with deadlines."""
    rng = random.Random(1)
    for i in range(count):
        key = b"key:%09d" % i
        kind = i % 20
        if kind < 10:
            yield resp.encode(b"SET", key, (b"%032x" % rng.getrandbits(128) * 4)[: rng.choice((20, 60, 100))])
        elif kind < 12:
            yield resp.encode(b"SET", key, b"%d" % rng.randrange(10**9))
        elif kind < 13:
            yield resp.encode(b"SET", key, b"x" * 40, b"EX", b"10000000")
        elif kind < 15:
            words = [word for n in range(8) for word in (b"field%d" % n, b"value%d" % rng.randrange(10**6))]
            yield resp.encode(b"HSET", key, *words)
        elif kind < 16:
            yield resp.encode(b"RPUSH", key, *[b"element%d" % rng.randrange(10**6) for _ in range(10)])
        elif kind < 18:
            form = b"member%d" if kind == 16 else b"%d"
            yield resp.encode(b"SADD", key, *[form % rng.randrange(10**6) for _ in range(10)])
        elif kind < 19:
            words = [word for _ in range(10) for word in (b"%d" % rng.randrange(1000), b"m%d" % rng.randrange(10**6))]
            yield resp.encode(b"ZADD", key, *words)
        else:
            words = [word for n in range(30) for word in (b"f%d" % n, b"v" * rng.choice((5, 90)))]
            yield resp.encode(b"HSET", key, *words)


def load(options):
    """Redis makes the files, and both start with copies of them."""
    with tempfile.TemporaryDirectory() as source:
        words = ["--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--auto-aof-rewrite-percentage", "0"]
        with Process(options.redis, source, *words) as server:
            server.fill(mixed(options.keys))
            server.call("SAVE")
        best = {}
        for _ in range(options.rounds):
            for name, binary in (("basalt", options.basalt), ("redis", options.redis)):
                for file, extra in (("rdb", ["--appendonly", "no"]), ("aof", words)):
                    with tempfile.TemporaryDirectory() as folder:
                        if file == "rdb":
                            shutil.copy(os.path.join(source, "dump.rdb"), folder)
                        else:
                            shutil.copytree(os.path.join(source, "appendonlydir"), os.path.join(folder, "appendonlydir"))
                        with Process(binary, folder, *extra) as server:
                            seconds = server.loaded_seconds()
                            assert int(server.call("DBSIZE")[1:]) == options.keys
                    best[name, file] = min(best.get((name, file), seconds), seconds)
    rows = []
    for file, label in (("rdb", "RDB"), ("aof", "AOF of commands")):
        ours, theirs = best["basalt", file], best["redis", file]
        rows.append([label, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}"])
    table.show("persistence: load", [f"start with {options.keys} mixed keys", "basalt s", "redis s", "times as fast"], rows)
    return {f"{name} {file}": seconds for (name, file), seconds in best.items()}


def feel(server, deed, writers):
    """Runs `deed` beside writers (name, words of request i), each a process; their waits as (when, seconds), and what it gives."""
    fork = multiprocessing.get_context("fork")
    stop, pipes, children = fork.Event(), {}, []

    def write(request, pipe):
        link = server.connect()
        waits = []
        while not stop.is_set():
            begin = time.perf_counter()
            link.call(*request(len(waits)))
            waits.append((begin, time.perf_counter() - begin))
            time.sleep(0.001)
        pipe.send(waits)

    for name, request in writers:
        pipes[name], end = fork.Pipe(duplex=False)
        children.append(fork.Process(target=write, args=(request, end), daemon=True))
        children[-1].start()
    try:
        outcome = deed()
    finally:
        stop.set()
        waits = {name: pipe.recv() for name, pipe in pipes.items()}
        for child in children:
            child.join()
    return waits, outcome


def bgsave(server):
    """When it began and ended, and the most memory meanwhile."""
    link = server.connect()
    time.sleep(0.3)
    peak, begin = server.memory_mib(), time.perf_counter()
    link.call("BGSAVE")
    while b"rdb_bgsave_in_progress:1" in link.call("INFO", "persistence"):
        peak = max(peak, server.memory_mib())
        time.sleep(0.05)
    return begin, time.perf_counter(), peak


def saves(server, seconds):
    """One after the other until they took so long in all."""
    done = [bgsave(server)]
    while sum(end - begin for begin, end, _ in done) < seconds:
        done.append(bgsave(server))
    return done


def part(waits, share):
    waits = sorted(wait for _, wait in waits)
    return 1000 * waits[min(int(len(waits) * share), len(waits) - 1)]


def snapshot(options):
    """100-byte values under steady writes."""
    count = options.keys // 2
    rows, results = [], {}
    rng = random.Random(2)
    key = lambda: b"key:%09d" % rng.randrange(count)
    writers = [
        ("paced", lambda i: (b"SET", key(), b"w" * 100)),
        ("steady", lambda i: (b"MSET", *[word for _ in range(20) for word in (key(), b"w" * 100)])),
    ]
    for name, binary in (("basalt", options.basalt), ("redis", options.redis)):
        with tempfile.TemporaryDirectory() as folder, Process(binary, folder, "--appendonly", "no") as server:
            server.fill(resp.encode(b"SET", b"key:%09d" % i, (b"%032x" % rng.getrandbits(128) * 4)[:100]) for i in range(count))
            before = server.memory_mib()
            for _ in range(options.rounds):
                idle, _ = feel(server, lambda: time.sleep(5), writers)
                waits, done = feel(server, lambda: saves(server, 5), writers)
                during = [(at, wait) for at, wait in waits["paced"] if any(begin <= at <= end for begin, end, _ in done)]
                row = {
                    "seconds": min(end - begin for begin, end, _ in done),
                    "growth": 100 * (max(peak for _, _, peak in done) - before) / before,
                    "idle_p999_ms": part(idle["paced"], 0.999),
                    "p999_ms": part(during, 0.999),
                    "longest_ms": part(during, 1),
                }
                row["ratio"] = row["p999_ms"] / row["idle_p999_ms"]
                results.setdefault(name, []).append(row)
                forms = ("{:.2f}", "{:+.0f} %", "{:.2f}", "{:.2f}", "{:.2f}", "{:.2f}")
                rows.append([name, *(form.format(value) for form, value in zip(forms, row.values()))])
    heads = [f"BGSAVE of {count} keys", "s", "memory", "idle p99.9 ms", "p99.9 ms", "longest ms", "p99.9 to idle"]
    table.show("persistence: snapshot", heads, rows)
    return results


def large(options):
    """One large hash: what writers of other keys and of the hash itself feel."""
    rows, results = [], {}
    for name, binary in (("basalt", options.basalt), ("redis", options.redis)):
        with tempfile.TemporaryDirectory() as folder, Process(binary, folder, "--appendonly", "no") as server:
            fields = options.megabytes * 10_000
            server.fill(
                resp.encode(b"HSET", b"large", *[word for n in range(100) for word in (b"field%d_%d" % (i, n), os.urandom(45).hex().encode())])
                for i in range(fields // 100)
            )
            writers = [("other", lambda i: (b"SET", b"k%d" % (i % 1000), b"v")), ("large", lambda i: (b"HSET", b"large", b"x", b"%d" % i))]
            for _ in range(options.rounds):
                waits, (begin, end, _) = feel(server, lambda: bgsave(server), writers)
                row = {"seconds": end - begin, "other_ms": part(waits["other"], 1), "large_ms": part(waits["large"], 1)}
                results.setdefault(name, []).append(row)
                rows.append([name, f"{row['seconds']:.2f}", f"{row['other_ms']:.1f}", f"{row['large_ms']:.1f}"])
    table.show("persistence: large", [f"BGSAVE with a hash of {options.megabytes} MB", "s", "longest wait of others, ms", "of its writer, ms"], rows)
    return results


TASKS = {"load": load, "snapshot": snapshot, "large": large}
