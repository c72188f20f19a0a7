"""Operations per second, CPU per operation and latency, from redis-benchmark, round by round on both servers.

Each round measures every case on every server, one right after the other, so that what else the machine does hits
both; a ratio is taken within a round, and the median of the rounds is shown.
"""

import csv
import io
import os
import shutil
import subprocess
import sys

from . import resp, servers, table

COMMANDS = ["get", "set", "incr", "mset"]
# Guesses of operations per second by pipeline, for the first, short run of each case; MSET has ten keys.
GUESS = {1: 50_000, 16: 400_000}
GUESS_ELSE = 700_000
WARMUP_SECONDS = 0.3
REQUESTS_MIN = 2_000


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long runs each measurement")
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys there are (and redis-benchmark's -r)")
    parser.add_argument("--value-bytes", type=int, default=64)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--commands", default=",".join(COMMANDS))
    parser.add_argument("--pipelines", default="1,16,100")
    parser.add_argument("--client-threads", default="1,2", help="redis-benchmark's threads, tried at pipeline 1")
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark")
    parser.add_argument("--no-echo", action="store_true", help="leaves out the echo server, the floor")


class Echo(servers.Server):
    """`cargo xtask echo`: what system calls alone cost."""

    def words(self):
        return [*self.command, "--port", str(self.port)]


def echo_server(threads):
    """The echo server, or None where it cannot be built."""
    program = os.path.join(servers.target_folder(), "release", "xtask")
    build = ["cargo", "build", "--quiet", "--release", "--package", "xtask"]
    try:
        subprocess.run(build, cwd=servers.ROOT, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"note: no echo server ({error})", file=sys.stderr)
        return None
    return Echo("echo", [program, "echo", "--threads", str(threads)])


def run(options):
    cases = cases_of(options)
    echo = None if options.no_echo else echo_server(options.io_threads)
    all_servers = servers.both(options) + ([echo] if echo else [])
    started = []
    samples = []
    try:
        for server in all_servers:
            server.start()
            started.append(server)
        basalt, redis = started[:2]
        print(f"basalt {basalt.version()} ({options.basalt}), redis {redis.version()} ({options.redis})")
        for server in (basalt, redis):
            fill(server, options)
        rates = {}
        for case in cases:
            for server in targets(started, case):
                guess = GUESS.get(case[0], GUESS_ELSE) / (8 if case[2] == "mset" else 1)
                rates[server.name, case] = measure(server, case, guess * WARMUP_SECONDS, options)["rate"]
        for round_no in range(options.rounds):
            for case in cases:
                for server in targets(started, case):
                    requests = rates[server.name, case] * options.seconds
                    sample = measure(server, case, requests, options)
                    rates[server.name, case] = sample["rate"]
                    samples.append({"round": round_no, "server": server.name, "case": case, **sample})
            print(f"round {round_no + 1} of {options.rounds} done", file=sys.stderr)
    finally:
        for server in all_servers:
            server.stop()
    report(cases, samples, options)
    return samples


def cases_of(options):
    """(pipeline, threads of the client, command)"""
    commands = options.commands.split(",")
    threads = [int(n) for n in options.client_threads.split(",")]
    cases = []
    for pipeline in map(int, options.pipelines.split(",")):
        for thread_count in threads if pipeline == 1 else threads[:1]:
            cases += [(pipeline, thread_count, command) for command in commands]
    return cases


def targets(started, case):
    """The echo server is asked once for each pipeline and number of threads."""
    return started if case[2] in ("set", "mset") else started[:2]


def fill(server, options):
    """All keys that redis-benchmark will draw, so that no run works on another keyspace than the one before."""
    value = b"x" * options.value_bytes
    resp.fill(server.port, options.keys, lambda i: resp.encode(b"SET", b"key:%012d" % i, value))
    resp.fill(server.port, options.keys, lambda i: resp.encode(b"SET", b"counter:%012d" % i, b"1000"))


def measure(server, case, requests, options):
    pipeline, threads, command = case
    requests = max(int(requests), REQUESTS_MIN, pipeline * options.clients)
    words = [options.benchmark, "-h", "127.0.0.1", "-p", str(server.port), "--csv", "-t", command]
    words += ["-n", str(requests), "-c", str(options.clients), "-P", str(pipeline)]
    words += ["-d", str(options.value_bytes), "-r", str(options.keys), "--precision", "3"]
    if threads > 1:
        words += ["--threads", str(threads)]
    before = server.cpu_seconds()
    # A server may stop answering: then the run must end too.
    try:
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    except subprocess.TimeoutExpired:
        raise servers.BenchError(f"{server.name}: no end after 120 s of {' '.join(words)}") from None
    cpu = server.cpu_seconds() - before
    server.check_alive()
    row = parse(done.stdout)
    if row is None:
        raise servers.BenchError(f"{' '.join(words)} gave no figures: {done.stdout} {done.stderr}")
    return {
        "requests": requests,
        "rate": float(row["rps"]),
        "cpu_us": cpu * 1e6 / requests,
        "p50_ms": float(row.get("p50_latency_ms", "nan")),
        "p99_ms": float(row.get("p99_latency_ms", "nan")),
    }


def parse(text):
    """The one row of figures among redis-benchmark's output."""
    lines = text.splitlines()
    heading = next((i for i, line in enumerate(lines) if line.startswith('"test"')), None)
    if heading is None:
        return None
    return next(csv.DictReader(io.StringIO("\n".join(lines[heading:]))), None)


def report(cases, samples, options):
    def values(server, case, what):
        return [sample[what] for sample in samples if sample["server"] == server and sample["case"] == case]

    def ratios(case, what):
        pairs = zip(values("basalt", case, what), values("redis", case, what))
        return [ours / theirs for ours, theirs in pairs if theirs > 0]

    def middle(server, case, what):
        found = values(server, case, what)
        return table.median(found) if found else float("nan")

    rows = []
    for case in cases:
        pipeline, threads, command = case
        rate = ratios(case, "rate")
        cpu = ratios(case, "cpu_us")
        rows.append([
            f"{command} P={pipeline}" + (f" client on {threads} threads" if threads > 1 else ""),
            table.count(middle("basalt", case, "rate")),
            table.count(middle("redis", case, "rate")),
            table.ratio(table.median(rate)),
            f"{min(rate):.2f}..{max(rate):.2f}",
            f"{middle('basalt', case, 'cpu_us'):.2f}",
            f"{middle('redis', case, 'cpu_us'):.2f}",
            table.ratio(table.median(cpu) if cpu else float("nan")),
            f"{middle('basalt', case, 'p50_ms'):.2f}/{middle('basalt', case, 'p99_ms'):.2f}",
            f"{middle('redis', case, 'p50_ms'):.2f}/{middle('redis', case, 'p99_ms'):.2f}",
        ])
    heading = ["", "basalt op/s", "redis op/s", "ratio", "rounds", "basalt us/op", "redis us/op", "ratio"]
    heading += ["basalt p50/p99 ms", "redis p50/p99 ms"]
    title = f"Speed: medians of {options.rounds} rounds, {options.clients} connections, {options.value_bytes}-byte values, "
    title += f"{options.keys:,} keys; us/op is CPU of the server (also: seconds per million operations)"
    table.show(title, heading, rows)

    rows = []
    for pipeline, threads in dict.fromkeys(case[:2] for case in cases):
        group = [case for case in cases if case[:2] == (pipeline, threads)]
        rate = [table.median(ratios(case, "rate")) for case in group]
        cpu = [table.median(ratios(case, "cpu_us") or [float("nan")]) for case in group]
        label = f"P={pipeline}" + (f" client on {threads} threads" if threads > 1 else "")
        rows.append([label, table.ratio(table.mean(rate)), table.ratio(min(rate)), table.ratio(table.mean(cpu))])
    table.show("Geometric means over the commands, basalt to redis", ["", "op/s", "lowest", "CPU per op"], rows)

    rows = []
    for case in cases:
        floor = middle("echo", case, "rate")
        if floor != floor:
            continue
        pipeline, threads, command = case
        rows.append([
            f"{command} P={pipeline}" + (f" client on {threads} threads" if threads > 1 else ""),
            table.count(floor),
            f"{middle('echo', case, 'cpu_us'):.2f}",
            table.ratio(middle("basalt", case, "rate") / floor),
            table.ratio(middle("redis", case, "rate") / floor),
            f"{middle('basalt', case, 'cpu_us') - middle('echo', case, 'cpu_us'):.2f}",
            f"{middle('redis', case, 'cpu_us') - middle('echo', case, 'cpu_us'):.2f}",
        ])
    if rows:
        heading = ["", "echo op/s", "echo us/op", "basalt/echo", "redis/echo", "basalt us above", "redis us above"]
        table.show("The floor: an echo server (system calls and nothing else)", heading, rows)
