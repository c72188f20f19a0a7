"""Operations per second and CPU per operation of the collections' commands, round by round on both servers.

redis-benchmark asks for the most part, on one big key each (`mylist`, `myhash` …), as its own tests do. What a command
takes away is put there before each measurement, outside of it. XREADGROUP with XACK, and PUBLISH, are asked by small
clients that know all their bytes beforehand, so that Python is not what is measured.
"""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
import types as py

from . import pubsub, resp, servers, speed, table

GUESS = {1: 50_000, 16: 400_000}
WARMUP_SECONDS = 0.3
REQUESTS_MIN = 2_000
MEMBERS = 1_000_000
POINTS = 100_000
XADD_DB = "1"
RANDOM = "__rand_int__"


class Case:
    """A row: what redis-benchmark is told, and what is made ready before."""

    def __init__(self, name, words, prepare=None, keys=MEMBERS, extra=(), slow=1, once=None):
        self.name = name
        self.words = words
        self.once = once
        self.prepare = prepare
        self.keys = keys
        self.extra = list(extra)
        self.slow = slow  # so many times slower than a GET, for the first guess


def push_many(server, command, key, count, element, batch=100):
    """`count` elements, `batch` a request. The replies are numbers, of any length."""
    requests = [resp.encode(command, key, *map(element, range(start, min(start + batch, count)))) for start in range(0, count, batch)]
    with server.connect() as connection:
        for start in range(0, len(requests), 50):
            part = requests[start:start + 50]
            connection.socket.sendall(b"".join(part))
            for _ in part:
                reply = connection.read()
                if isinstance(reply, resp.ReplyError):
                    raise servers.BenchError(f"{server.name}: {command} {key}: {reply}")


def fresh(key):
    return lambda server, requests, options: server.call("DEL", key)


def list_of_requests(server, requests, options):
    server.call("DEL", "mylist")
    value = b"x" * options.value_bytes
    push_many(server, "RPUSH", "mylist", requests, lambda _: value)


def set_of_requests(server, requests, options):
    server.call("DEL", "myset")
    push_many(server, "SADD", "myset", requests, lambda i: b"element:%012d" % i)


def empty_streams(server, requests, options):
    with server.connect() as connection:
        connection.call("SELECT", XADD_DB)
        connection.call("FLUSHDB", "SYNC")


def a_list(server, options):
    value = b"x" * options.value_bytes
    push_many(server, "RPUSH", "ranged", 10_000, lambda _: value)


def a_hash(server, options):
    value = b"x" * options.value_bytes
    fields = [b"element:%012d" % i for i in range(MEMBERS)]
    requests = (fields[i:i + 100] for i in range(0, MEMBERS, 100))
    with server.connect() as connection:
        for part in requests:
            connection.call("HSET", "myhash", *[word for field in part for word in (field, value)])


def a_sorted_set(key):
    def fill(server, options):
        dice = random.Random(1)
        with server.connect() as connection:
            for start in range(0, MEMBERS, 100):
                pairs = [word for i in range(start, start + 100) for word in (b"%d" % dice.randrange(MEMBERS), b"element:%012d" % i)]
                connection.call("ZADD", key, *pairs)
    return fill


def points(server, options):
    dice = random.Random(2)
    with server.connect() as connection:
        for start in range(0, POINTS, 100):
            words = []
            for i in range(start, start + 100):
                words += [b"%.6f" % dice.uniform(1.5, 3.5), b"%.6f" % dice.uniform(47.5, 49.5), b"place:%06d" % i]
            connection.call("GEOADD", "places", *words)


def the_cases(options):
    text = "x" * options.value_bytes
    streams = ["--dbnum", XADD_DB]
    eleven = [
        Case("lpush", ["-t", "lpush"], fresh("mylist")),
        Case("rpop", ["-t", "rpop"], list_of_requests),
        Case("hset", ["-t", "hset"], once=a_hash),
        Case("hget", ["HGET", "myhash", f"element:{RANDOM}"]),
        Case("sadd", ["-t", "sadd"], fresh("myset")),
        Case("spop", ["-t", "spop"], set_of_requests),
        Case("zadd", ["-t", "zadd"], fresh("myzset")),
        Case("zrangebyscore", ["ZRANGEBYSCORE", "big", RANDOM, "+inf", "LIMIT", "0", "10"], once=a_sorted_set("big"), slow=2),
        Case("xadd", ["XADD", f"stream:{RANDOM}", "*", "field", text], empty_streams, keys=1000, extra=streams),
        Case("lrange_100", ["LRANGE", "ranged", "0", "99"], once=a_list, slow=4),
        Case("mset", ["-t", "mset"], slow=8),
    ]
    more = [
        Case("zadd into a million", ["ZADD", "big", RANDOM, f"element:{RANDOM}"], slow=2),
        Case("srandmember", ["SRANDMEMBER", "members"], once=lambda s, o: push_many(s, "SADD", "members", MEMBERS, lambda i: b"element:%012d" % i)),
        Case("geosearch 2 km", ["GEOSEARCH", "places", "FROMLONLAT", f"2.{RANDOM}", f"48.{RANDOM}", "BYRADIUS", "2", "km", "WITHDIST"],
             once=points, keys=10**12, slow=4),
    ]
    wanted = options.cases.split(",") if options.cases else None
    chosen = [case for case in eleven + more if wanted is None or case.name in wanted]
    return chosen, {case.name for case in eleven}


class Readers:
    """XREADGROUP and XACK of the entries it answers with, in pipelines, by a few clients with a stream each."""

    name = "xreadgroup + xack"
    slow = 2

    def __init__(self, count, options):
        self.count = count  # entries a read
        self.clients = 8
        self.value = b"x" * options.value_bytes
        self.name = f"xreadgroup of {count} + xack"

    @staticmethod
    def entry_id(i):
        return b"%d-0" % (1_000_000_000 + i)

    def measure(self, server, pipeline, operations, options):
        # An operation is one XREADGROUP with its XACK.
        rounds = max(1, int(operations / self.clients / pipeline))
        each = rounds * pipeline * self.count
        for client in range(self.clients):
            self.fill(server, client, each)
        ready, go = threading.Barrier(self.clients + 1), threading.Event()
        failures = []
        threads = [threading.Thread(target=self.read, args=(server.port, client, rounds, pipeline, ready, go, failures))
                   for client in range(self.clients)]
        for thread in threads:
            thread.start()
        ready.wait(300)
        cpu, begin = server.cpu_seconds(), time.monotonic()
        go.set()
        for thread in threads:
            thread.join()
        seconds, cpu = time.monotonic() - begin, server.cpu_seconds() - cpu
        server.check_alive()
        if failures:
            raise servers.BenchError(f"{server.name}: {failures[0]}")
        total = rounds * pipeline * self.clients
        server.call("DEL", *[b"read:%d" % client for client in range(self.clients)])
        return {"requests": total, "rate": total / seconds, "cpu_us": cpu * 1e6 / total}

    def fill(self, server, client, count):
        key = b"read:%d" % client
        with server.connect() as connection:
            connection.call("DEL", key)
            for start in range(0, count, 500):
                part = range(start, min(start + 500, count))
                connection.socket.sendall(b"".join(resp.encode("XADD", key, self.entry_id(i), "field", self.value) for i in part))
                for _ in part:
                    connection.read()
            connection.call("XGROUP", "CREATE", key, "group", "0")

    def read(self, port, client, rounds, pipeline, ready, go, failures):
        key = b"read:%d" % client
        ask = resp.encode("XREADGROUP", "GROUP", "group", "one", "COUNT", self.count, "STREAMS", key, ">")
        batches = []
        for start in range(0, rounds * pipeline * self.count, pipeline * self.count):
            batch = bytearray()
            for first in range(start, start + pipeline * self.count, self.count):
                batch += ask + resp.encode("XACK", key, "group", *map(self.entry_id, range(first, first + self.count)))
            batches.append(bytes(batch))
        body = b"".join(b"*2\r\n$12\r\n" + self.entry_id(0) + b"\r\n" + resp.encode("field", self.value) for _ in range(self.count))
        answer = b"*1\r\n*2\r\n$%d\r\n%s\r\n*%d\r\n" % (len(key), key, self.count) + body + b":%d\r\n" % self.count
        expected = len(answer) * pipeline
        try:
            with server_socket(port) as connection:
                ready.wait(300)
                go.wait(300)
                for batch in batches:
                    connection.sendall(batch)
                    left = expected
                    while left > 0:
                        data = connection.recv(1 << 18)
                        if not data:
                            raise EOFError("the server closed the connection")
                        left -= len(data)
                    if left < 0:
                        raise ValueError(f"{-left} bytes more than expected, the last ones {data[-80:]!r}")
        except (OSError, EOFError, ValueError, threading.BrokenBarrierError) as error:
            failures.append(f"{self.name}: {error}")
            ready.abort()


def server_socket(port):
    import socket
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Publish:
    """PUBLISH to a hundred subscribers, counted in deliveries, as `bench/run pubsub` does."""

    name = "publish to 100"
    slow = 0.2

    def measure(self, server, pipeline, operations, options):
        words = py.SimpleNamespace(publishers=4, message_bytes=options.value_bytes)
        sample = pubsub.measure(server, (100, pipeline), operations, words)
        return {"requests": sample["deliveries"], "rate": sample["rate"], "cpu_us": sample["cpu_us"]}


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long runs each measurement")
    parser.add_argument("--value-bytes", type=int, default=64)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--pipelines", default="1,16")
    parser.add_argument("--client-threads", type=int, default=1, help="redis-benchmark's threads at pipeline 1")
    parser.add_argument("--cases", default="", help="names of rows, with commas between; all when not given")
    parser.add_argument("--requests-max", type=int, default=3_000_000, help="a measurement asks at most so often")
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark")


def run(options):
    cases, eleven = the_cases(options)
    others = [Readers(1, options), Readers(10, options), Publish()]
    if options.cases:
        others = [other for other in others if other.name in options.cases.split(",")]
    pipelines = [int(n) for n in options.pipelines.split(",")]
    rows = [(pipeline, case) for pipeline in pipelines for case in [*cases, *others]]
    samples, rates, started = [], {}, []
    try:
        for server in servers.both(options):
            server.start()
            started.append(server)
        basalt, redis = started
        print(f"basalt {basalt.version()} ({options.basalt}), redis {redis.version()} ({options.redis})")
        for case in cases:
            for server in started:
                if case.once:
                    case.once(server, options)
        for row in rows:
            for server in started:
                guess = GUESS.get(row[0], 700_000) / row[1].slow
                rates[server.name, row] = measure(server, row, guess * WARMUP_SECONDS, options)["rate"]
        for round_no in range(options.rounds):
            for row in rows:
                for server in started:
                    sample = measure(server, row, rates[server.name, row] * options.seconds, options)
                    rates[server.name, row] = sample["rate"]
                    samples.append({"round": round_no, "server": server.name, "pipeline": row[0], "case": row[1].name, **sample})
            print(f"round {round_no + 1} of {options.rounds} done", file=sys.stderr)
    finally:
        for server in started:
            server.stop()
    report(pipelines, [case.name for case in [*cases, *others]], eleven, samples, options)
    return samples


def measure(server, row, requests, options):
    pipeline, case = row
    if not isinstance(case, Case):
        return case.measure(server, pipeline, min(int(requests), options.requests_max), options)
    requests = min(max(int(requests), REQUESTS_MIN, pipeline * options.clients), options.requests_max)
    if case.prepare:
        case.prepare(server, requests, options)
    words = [options.benchmark, "-h", "127.0.0.1", "-p", str(server.port), "--csv", "--precision", "3"]
    words += ["-n", str(requests), "-c", str(options.clients), "-P", str(pipeline), "-d", str(options.value_bytes)]
    words += ["-r", str(case.keys), *case.extra]
    if options.client_threads > 1 and pipeline == 1:
        words += ["--threads", str(options.client_threads)]
    words += case.words
    before = server.cpu_seconds()
    try:
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, env={**os.environ, "LC_ALL": "C"})
    except subprocess.TimeoutExpired:
        raise servers.BenchError(f"{server.name}: no end after 120 s of {' '.join(words)}") from None
    cpu = server.cpu_seconds() - before
    server.check_alive()
    figures = speed.parse(done.stdout)
    if figures is None or "error" in done.stderr.lower():
        raise servers.BenchError(f"{' '.join(words)} gave no figures: {done.stdout} {done.stderr}")
    return {"requests": requests, "rate": float(figures["rps"]), "cpu_us": cpu * 1e6 / requests}


def report(pipelines, names, eleven, samples, options):
    def values(server, pipeline, name, what):
        return [s[what] for s in samples if (s["server"], s["pipeline"], s["case"]) == (server, pipeline, name)]

    def ratios(pipeline, name, what):
        pairs = zip(values("basalt", pipeline, name, what), values("redis", pipeline, name, what))
        return [ours / theirs for ours, theirs in pairs if theirs > 0]

    heading = ["", "basalt op/s", "redis op/s", "ratio", "rounds", "basalt us/op", "redis us/op", "ratio"]
    means = []
    for pipeline in pipelines:
        rows, rates, costs = [], [], []
        for name in names:
            rate, cpu = ratios(pipeline, name, "rate"), ratios(pipeline, name, "cpu_us")
            cost = table.median(cpu) if cpu else float("nan")
            if name in eleven:
                rates.append((table.median(rate), name))
                costs.append(cost)
            rows.append([
                name,
                table.count(table.median(values("basalt", pipeline, name, "rate"))),
                table.count(table.median(values("redis", pipeline, name, "rate"))),
                table.ratio(table.median(rate)),
                f"{min(rate):.2f}..{max(rate):.2f}",
                f"{table.median(values('basalt', pipeline, name, 'cpu_us')):.2f}",
                f"{table.median(values('redis', pipeline, name, 'cpu_us')):.2f}",
                table.ratio(cost),
            ])
        title = f"Types, pipeline {pipeline}: medians of {options.rounds} rounds, {options.clients} connections, "
        table.show(title + f"{options.value_bytes}-byte values; us/op is CPU of the server", heading, rows)
        if rates:
            lowest = min(rates)
            means.append([f"P={pipeline}", table.ratio(table.mean([rate for rate, _ in rates])), f"{lowest[0]:.2f} {lowest[1]}",
                          table.ratio(table.mean(costs))])
    if means:
        title = f"Geometric means over {len(eleven & set(names))} commands ({', '.join(n for n in names if n in eleven)}), basalt to redis"
        table.show(title, ["", "op/s", "lowest", "CPU per op"], means)
