"""What ten ACL rules and client tracking cost: the same commands with and without, beside Redis.

Each round measures every row of both servers with and without, one right after the other; shown is the median of the rounds' ratios
(1 is no cost).
- ACL: SET and GET as a user with ten rules, and as the default user who may do everything.
- tracking: SET to 10,000 keys while another client reads all of them again and again, 100,000 a second, with CLIENT TRACKING on
  and off. The reader knows its bytes beforehand and only counts what comes back.
"""

import os
import shutil
import statistics
import subprocess
import threading
import time

from . import resp, servers, speed, table

USER, PASSWORD = "ruled", "secret"
RULES = ["~k:*", "~session:*", "%R~config:*", "&news:*", "+@all", "-@dangerous", "-@admin", "+info", "-flushall", "-debug"]
TRACKED = 10_000
READ_AT_ONCE = 100
READS_PER_SECOND = 100_000


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--value-bytes", type=int, default=64)
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark")


def run(options):
    samples = []
    with servers.basalt(options) as basalt, servers.redis(options) as redis:
        for server in (basalt, redis):
            server.call("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *RULES)
            for first in range(0, TRACKED, 100):
                server.call("MSET", *[word for i in range(first, first + 100) for word in (key(i), "x" * options.value_bytes)])
        rows = [(f"ACL {what}, P {pipeline}", pipeline, what, acl) for pipeline in (1, 16) for what in ("SET", "GET")]
        rows += [(f"tracking, SET, P {pipeline}", pipeline, "SET", tracking) for pipeline in (1, 16)]
        rates = {}
        for round_no in range(options.rounds + 1):
            for name, pipeline, what, setting in rows:
                for server in (basalt, redis):
                    for on in (False, True):
                        seconds = options.seconds if round_no else 0.3
                        requests = max(2_000, int(rates.get((server.name, name), 50_000) * seconds))
                        rate, us = setting(server, on, what, pipeline, requests, options)
                        rates[server.name, name] = rate
                        if round_no:
                            sample = {"round": round_no, "server": server.name, "case": name, "on": on, "rate": rate, "us": us}
                            samples.append(sample)
    report([name for name, *_ in rows], (basalt, redis), samples)
    return samples


def report(names, both, samples):
    lines = []
    for name in names:
        line = [name]
        for server in both:
            def of(on, what):
                return [s[what] for s in samples if (s["server"], s["case"], s["on"]) == (server.name, name, on)]

            def ratio(what):
                return statistics.median(a / b for a, b in zip(of(True, what), of(False, what)))

            line += [table.count(statistics.median(of(False, "rate"))), table.ratio(ratio("rate")), table.ratio(ratio("us"))]
        lines.append(line)
    heads = [""]
    for server in both:
        heads += [f"{server.name} op/s without", "rate with", "CPU with"]
    table.show("What rules and tracking cost: ratio of with to without; CPU of the server per op", heads, lines)


def key(i):
    return "k:%012d" % i


def acl(server, on, what, pipeline, requests, options):
    login = ["--user", USER, "-a", PASSWORD] if on else []
    return benchmark(server, what, pipeline, requests, options, login)


def tracking(server, on, what, pipeline, requests, options):
    done = threading.Event()
    ready = threading.Event()
    reader = threading.Thread(target=read_all, args=(server, on, ready, done, options))
    reader.start()
    ready.wait(60)
    try:
        return benchmark(server, what, pipeline, requests, options, [])
    finally:
        done.set()
        reader.join()


def read_all(server, on, ready, done, options):
    """All tracked keys, a hundred at a time. What is no answer is an invalidation."""
    batches = [b"".join(resp.encode("GET", key(i)) for i in range(first, first + READ_AT_ONCE)) for first in range(0, TRACKED, READ_AT_ONCE)]
    answer = b"$%d\r\n" % options.value_bytes
    with server.connect() as connection:
        connection.socket.sendall(resp.encode("HELLO", "3"))
        connection.socket.recv(1 << 16)
        if on:
            connection.socket.sendall(resp.encode("CLIENT", "TRACKING", "ON"))
            connection.socket.recv(1 << 16)
        due = time.monotonic()
        while not done.is_set():
            for batch in batches:
                due = max(due + READ_AT_ONCE / READS_PER_SECOND, time.monotonic() - 0.1)
                time.sleep(max(0, due - time.monotonic()))
                connection.socket.sendall(batch)
                left, rest = READ_AT_ONCE, b""
                while left > 0:
                    data = connection.socket.recv(1 << 18)
                    if not data:
                        return
                    data = rest + data
                    left -= data.count(answer)
                    rest = data[-(len(answer) - 1):]  # an answer's begin may be cut in two
            ready.set()


def benchmark(server, what, pipeline, requests, options, login):
    line = [options.benchmark, "-h", "127.0.0.1", "-p", str(server.port), "--csv", "-n", str(requests), *login]
    line += ["-c", str(options.clients), "-P", str(pipeline), "-r", str(TRACKED)]
    words = [what, "k:__rand_int__"] + (["x" * options.value_bytes] if what == "SET" else [])
    before = server.cpu_seconds()
    done = subprocess.run(
        line + words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, env={**os.environ, "LC_ALL": "C"}
    )
    row = speed.parse(done.stdout)
    if row is None:
        raise servers.BenchError(f"no figures: {done.stdout} {done.stderr}")
    server.check_alive()
    return float(row["rps"]), 1e6 * (server.cpu_seconds() - before) / requests
