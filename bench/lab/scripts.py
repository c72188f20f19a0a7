"""Scripts: EVAL and EVALSHA of a one-line INCR beside Redis, and what a script of two seconds does to other clients.

The rows are taken as those of `speed`: round by round, one server right after the other.
"""

import random
import shutil
import statistics
import subprocess
import sys
import threading
import time

from . import resp, servers, speed, table

SCRIPT = "return redis.call('INCR', KEYS[1])"
STRAYS = "redis.call('INCR', KEYS[1]) return redis.call('INCR', KEYS[1] .. ':more')"
PREPARED = "EVALSHA INCR, P 100, prepared requests"
LONG = "local t = os.clock() local n = 0 while n < {loops} do n = n + 1 end return redis.call('GET', KEYS[1])"


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark")


def run(options):
    samples = []
    with servers.basalt(options) as basalt, servers.redis(options) as redis:
        sha = basalt.call(b"SCRIPT", b"LOAD", SCRIPT.encode())
        redis.call(b"SCRIPT", b"LOAD", SCRIPT.encode())
        sha = sha.decode() if isinstance(sha, bytes) else sha
        cases = [
            ("EVAL INCR, P 16", 16, 1, ["EVAL", SCRIPT, "1", "k:__rand_int__"]),
            ("EVALSHA INCR, P 16", 16, 1, ["EVALSHA", sha, "1", "k:__rand_int__"]),
            ("EVALSHA INCR, P 16, two client threads", 16, 2, ["EVALSHA", sha, "1", "k:__rand_int__"]),
            ("EVALSHA INCR, P 1, two client threads", 1, 2, ["EVALSHA", sha, "1", "k:__rand_int__"]),
            ("EVAL that strays after it wrote, P 16", 16, 1, ["EVAL", STRAYS, "1", "k:__rand_int__"]),
            ("EVAL INCR of an undeclared key, P 16", 16, 1, ["EVAL", "return redis.call('INCR', ARGV[1])", "0", "k:__rand_int__"]),
        ]
        rates = {}
        for round_no in range(options.rounds + 1):
            for name, pipeline, threads, words in cases:
                for server in (basalt, redis):
                    requests = rates.get((server.name, name), 100_000) * (options.seconds if round_no else 0.3)
                    rate, us = measure(server, pipeline, threads, words, requests, options)
                    rates[server.name, name] = rate
                    if round_no:
                        samples.append({"round": round_no, "server": server.name, "case": name, "rate": rate, "us": us})
            for server in (basalt, redis):
                requests = rates.get((server.name, PREPARED), 100_000) * (options.seconds if round_no else 0.3)
                rate, us = prepared(server, sha, requests, options)
                rates[server.name, PREPARED] = rate
                if round_no:
                    samples.append({"round": round_no, "server": server.name, "case": PREPARED, "rate": rate, "us": us})
        rows = []
        for name in [name for name, *_ in cases] + [PREPARED]:
            row = [name]
            for what, form in (("rate", table.count), ("us", "{:.2f}".format)):
                of = lambda server: [s[what] for s in samples if s["server"] == server and s["case"] == name]
                ours, theirs = of(basalt.name), of(redis.name)
                ratio = statistics.median(a / b for a, b in zip(ours, theirs))
                row += [form(statistics.median(ours)), form(statistics.median(theirs)), table.ratio(ratio)]
            rows.append(row)
        heads = ["", "basalt op/s", "redis op/s", "ratio", "basalt us/op", "redis us/op", "ratio"]
        table.show("Scripts; us/op is CPU of the server", heads, rows)
        samples += [{"case": "long script", **beside_a_long_script(basalt)}]
    return samples


def prepared(server, sha, requests, options):
    """EVALSHA by eight clients that know their bytes beforehand and only count the lines of the answers: with
    redis-benchmark on the same cores, half of what is measured is redis-benchmark."""
    clients, depth, kinds = 8, 100, 20
    rng = random.Random(1)
    ask = lambda: resp.encode("EVALSHA", sha, 1, "k:%012d" % rng.randrange(options.keys))
    rounds = max(1, int(requests / clients / depth))

    def work(batches, ready, done):
        with server.connect() as connection:
            ready.wait(60)
            for i in range(rounds):
                connection.socket.sendall(batches[i % kinds])
                left = depth
                while left > 0:
                    left -= connection.socket.recv(1 << 16).count(b"\n")
            done.append(left)

    ready, done = threading.Barrier(clients + 1), []
    threads = [
        threading.Thread(target=work, args=([b"".join(ask() for _ in range(depth)) for _ in range(kinds)], ready, done))
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    ready.wait(60)
    cpu, begin = server.cpu_seconds(), time.monotonic()
    for thread in threads:
        thread.join()
    seconds, cpu = time.monotonic() - begin, server.cpu_seconds() - cpu
    server.check_alive()
    if done != [0] * clients:
        raise servers.BenchError(f"{server.name}: a client did not end well")
    total = rounds * clients * depth
    return total / seconds, 1e6 * cpu / total


def measure(server, pipeline, threads, words, requests, options):
    requests = max(int(requests), 2_000)
    line = [options.benchmark, "-h", "127.0.0.1", "-p", str(server.port), "--csv", "-n", str(requests)]
    line += ["-c", str(options.clients), "-P", str(pipeline), "-r", str(options.keys)]
    if threads > 1:
        line += ["--threads", str(threads)]
    before = server.cpu_seconds()
    done = subprocess.run(line + words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    row = speed.parse(done.stdout)
    if row is None:
        raise servers.BenchError(f"no figures: {done.stdout} {done.stderr}")
    server.check_alive()
    return float(row["rps"]), 1e6 * (server.cpu_seconds() - before) / requests


def beside_a_long_script(server):
    """Latencies of a client that asks for other keys while a script of about two seconds reads one."""
    connection = server.connect()
    loops = 2_000_000
    begin = time.monotonic()
    connection.call(b"EVAL", LONG.format(loops=loops).encode(), b"1", b"held")
    loops = int(loops * 2 / (time.monotonic() - begin))
    script = LONG.format(loops=loops).encode()
    took = []

    def hold():
        start = time.monotonic()
        server.connect().call(b"EVAL", script, b"1", b"held")
        took.append(time.monotonic() - start)

    for quiet in (True, False):
        thread = threading.Thread(target=hold)
        if not quiet:
            thread.start()
        times = []
        end = time.monotonic() + 2
        n = 0
        while time.monotonic() < end and (quiet or thread.is_alive()):
            n += 1
            start = time.perf_counter()
            connection.call(b"SET", b"other:%d" % (n % 4), b"x")
            times.append((time.perf_counter() - start) * 1000)
        if not quiet:
            thread.join()
        times.sort()
        p999 = times[int(len(times) * 0.999)]
        what = "alone" if quiet else f"beside a script of {took[0]:.1f} s"
        print(f"SET {what:34} {len(times)} calls, p50 {times[len(times) // 2]:.3f} ms, p99.9 {p999:.3f} ms, most {times[-1]:.3f} ms")
    return {"script_s": took[0], "p999_ms": p999, "max_ms": times[-1]}
