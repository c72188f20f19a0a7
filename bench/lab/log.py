"""What the log costs: SET with appendfsync off, everysec and always, beside Redis and beside what the disk can sync.

Each round runs every server once, one after the other; ratios are taken within a round, the median is shown. Rewrites are
off: when they happen depends on how long a measurement is. The disk's own rate is that of one writer who appends a
command and syncs it, again and again, in the same folder and the same round. With `--sync-ms` the servers get a disk that
takes so long for each sync instead (`slow_sync.c`), and what it allows is known: all clients' writes, a sync.
"""

import os
import statistics
import subprocess
import tempfile
import time

from . import servers, speed, table

POLICIES = ["off", "everysec", "always"]


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="about so long runs each measurement")
    parser.add_argument("--keys", type=int, default=300_000)
    parser.add_argument("--value-bytes", type=int, default=64)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--pipelines", default="1,16")
    parser.add_argument("--sync-ms", type=float, help="`always` only, on a disk that takes so long for a sync")
    parser.add_argument("--benchmark", default="redis-benchmark")


def run(options):
    if options.sync_ms:
        return with_slow_disk(options)
    samples, syncs = [], []
    for round_no in range(options.rounds):
        syncs.append(sync_rate())
        for pipeline in map(int, options.pipelines.split(",")):
            for policy in POLICIES:
                for make in (servers.basalt, servers.redis):
                    sample = measure(make(options), policy, pipeline, options)
                    samples.append({"round": round_no, "policy": policy, "pipeline": pipeline, **sample})
    report(samples, syncs, options)
    return {"samples": samples, "syncs_per_second": syncs}


def with_slow_disk(options):
    samples, rows = [], []
    with tempfile.TemporaryDirectory(prefix="bench-sync-") as folder:
        library = os.path.join(folder, "slow_sync.so")
        source = os.path.join(os.path.dirname(__file__), "slow_sync.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        for round_no in range(options.rounds):
            for pipeline in map(int, options.pipelines.split(",")):
                for make in (servers.basalt, servers.redis):
                    server = make(options)
                    server.environment = {"LD_PRELOAD": library, "SYNC_US": str(int(options.sync_ms * 1000))}
                    sample = measure(server, "always", pipeline, options)
                    samples.append({"round": round_no, "policy": "always", "pipeline": pipeline, **sample})
    for pipeline in map(int, options.pipelines.split(",")):
        rates = {name: statistics.median(values(samples, name, "always", pipeline)) for name in ("basalt", "redis")}
        perfect = options.clients * pipeline * 1000 / options.sync_ms
        figures = [rates["basalt"], rates["redis"], perfect]
        shares = [rates["basalt"] / rates["redis"], rates["basalt"] / perfect]
        rows.append([f"P={pipeline}", *map(table.count, figures), *map(table.ratio, shares)])
    heads = ["", "Basalt", "Redis", "the disk allows", "Basalt/Redis", "of what it allows"]
    table.show(f"SET with always, {options.sync_ms:g} ms a sync", heads, rows)
    return {"samples": samples}


def values(samples, server, policy, pipeline):
    found = [s for s in samples if (s["server"], s["policy"], s["pipeline"]) == (server, policy, pipeline)]
    return [sample["rate"] for sample in found]


def measure(server, policy, pipeline, options):
    name = server.name
    server.options = [option for option in server.options if option[0] != "appendonly"]
    server.options += [("appendonly", "no" if policy == "off" else "yes"), ("auto-aof-rewrite-percentage", "0")]
    if policy != "off":
        server.options.append(("appendfsync", policy))
    with server:
        case = (pipeline, 1, "set")
        guess = 2_000 if policy == "always" else speed.GUESS.get(pipeline, speed.GUESS_ELSE)
        rate = speed.measure(server, case, guess * speed.WARMUP_SECONDS * pipeline**0.5, options)["rate"]
        sample = speed.measure(server, case, rate * options.seconds, options)
    return {"server": name, **sample}


def sync_rate(seconds=1.5):
    """Syncs a second of a single writer."""
    with tempfile.TemporaryDirectory(prefix="bench-sync-") as folder:
        fd = os.open(os.path.join(folder, "file"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            count, start = 0, time.monotonic()
            while time.monotonic() - start < seconds:
                os.write(fd, b"x" * 110)
                os.fdatasync(fd)
                count += 1
            return count / (time.monotonic() - start)
        finally:
            os.close(fd)


def report(samples, syncs, options):
    def middle(server, policy, pipeline):
        return statistics.median(values(samples, server, policy, pipeline))

    def ratio(one, other, pipeline):
        pairs = zip(values(samples, *one, pipeline), values(samples, *other, pipeline))
        return statistics.median(a / b for a, b in pairs)

    rows = []
    for pipeline in map(int, options.pipelines.split(",")):
        for policy in POLICIES:
            rows.append(
                [
                    f"P={pipeline} {policy}",
                    table.count(middle("basalt", policy, pipeline)),
                    table.count(middle("redis", policy, pipeline)),
                    table.ratio(ratio(("basalt", policy), ("redis", policy), pipeline)),
                    table.ratio(ratio(("basalt", policy), ("basalt", "off"), pipeline)),
                ]
            )
    table.show("SET, operations a second", ["", "Basalt", "Redis", "Basalt/Redis", "Basalt/its off"], rows)
    print(f"the disk alone: {statistics.median(syncs):.0f} syncs a second by one writer")
