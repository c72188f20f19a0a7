"""Resident bytes per key, filled through the protocol, worst of several sizes."""

import time

from . import resp, servers, table

SETTLE_SECONDS_MAX = 15


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=1, help="each case is measured so often; the median is shown")
    parser.add_argument("--keys", default="500000,700000,1000000", help="sizes; between two doublings tables differ")
    parser.add_argument("--kinds", default=",".join(KINDS))


def text(i):
    return resp.encode(b"SET", b"key:%012d" % i, b"%032d" % i)


def text_ttl(i):
    return resp.encode(b"SET", b"key:%012d" % i, b"%032d" % i, b"EX", b"100000")


def integer(i):
    # k:0 to k:999999, at most 8 bytes; the numbers are above 10,000, for which Redis keeps shared objects.
    return resp.encode(b"SET", b"k:%d" % i, b"%d" % (100_000 + i))


KINDS = {"text": text, "ttl": text_ttl, "int": integer}
LABELS = {"text": "16-byte key, 32-byte value", "ttl": "the same with a TTL", "int": "short key, integer"}


def run(options):
    sizes = [int(size) for size in str(options.keys).split(",")]
    kinds = options.kinds.split(",")
    samples = []
    for round_no in range(options.rounds):
        for kind in kinds:
            for size in sizes:
                for server in servers.both(options):
                    with server:
                        sample = measure(server, kind, size)
                        samples.append({"round": round_no, "server": server.name, "kind": kind, "keys": size, **sample})
    report(kinds, sizes, samples)
    return samples


def measure(server, kind, size):
    rss_before, used_before = settled_rss(server), server.used_memory()
    resp.fill(server.port, size, KINDS[kind])
    rss, used = settled_rss(server), server.used_memory()
    server.check_alive()
    found = server.call("DBSIZE")
    if found != size:
        raise servers.BenchError(f"{server.name} holds {found} keys after {size} were set")
    return {
        "rss": (rss - rss_before) / size,
        "used": (used - used_before) / size if used and used_before else float("nan"),
    }


def settled_rss(server):
    """Resident bytes when they have not moved for a second: growing tables and the allocator finish their work."""
    last, since = server.rss_bytes(), time.monotonic()
    end = since + SETTLE_SECONDS_MAX
    while time.monotonic() < end:
        time.sleep(0.1)
        now = server.rss_bytes()
        if abs(now - last) > 256 * 1024:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > 1:
            break
    return server.rss_bytes()


def report(kinds, sizes, samples):
    def middle(server, kind, size, what):
        chosen = (server, kind, size)
        return table.median([s[what] for s in samples if (s["server"], s["kind"], s["keys"]) == chosen])

    rows = []
    for kind in kinds:
        worst = 0
        for size in sizes:
            ours, theirs = middle("basalt", kind, size, "rss"), middle("redis", kind, size, "rss")
            used, used_theirs = middle("basalt", kind, size, "used"), middle("redis", kind, size, "used")
            worst = max(worst, ours / theirs)
            rows.append([f"{LABELS[kind]}, {size:,}", f"{ours:.1f}", f"{theirs:.1f}", table.ratio(ours / theirs)]
                        + [f"{used:.1f}", f"{used_theirs:.1f}", table.ratio(used / used_theirs)])
        rows.append([f"{LABELS[kind]}, worst", "", "", table.ratio(worst), "", "", ""])
    heading = ["bytes per key", "basalt RSS", "redis RSS", "ratio", "basalt used", "redis used", "ratio"]
    table.show("Memory: growth of VmRSS, and of INFO's used_memory, by the fill", heading, rows)
