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


def small_hash(i):
    fields = [word for n in range(8) for word in (b"field:%d" % n, b"%010d" % (i + n))]
    return resp.encode(b"HSET", b"hash:%012d" % i, *fields)


def big_hash(i):
    return resp.encode(b"HSET", b"hash", b"field:%012d" % i, b"%010d" % i)


def big_set(i):
    return resp.encode(b"SADD", b"set", b"element:%012d" % i)


def big_sorted_set(i):
    # Scores in no order: a permutation, as 7919 and the sizes have no common divisor.
    return resp.encode(b"ZADD", b"zset", b"%d" % (i * 7919 % 1_000_003), b"element:%012d" % i)


def big_list(i):
    return resp.encode(b"RPUSH", b"list", b"element:%012d" % i)


def stream(i):
    return resp.encode(b"XADD", b"stream", b"%d-%d" % (1_700_000_000_000 + i // 4, i % 4), b"temperature", b"%d" % (i % 100), b"place", b"%010d" % i)


KINDS = {"text": text, "ttl": text_ttl, "int": integer, "small-hash": small_hash, "hash": big_hash, "set": big_set}
KINDS |= {"sorted-set": big_sorted_set, "list": big_list, "stream": stream}
LABELS = {
    "text": "16-byte key, 32-byte value",
    "ttl": "the same with a TTL",
    "int": "short key, integer",
    "small-hash": "hash of 8 fields",
    "hash": "field of one hash",
    "set": "member of one set",
    "sorted-set": "member of one sorted set",
    "list": "element of one list",
    "stream": "stream entry of two fields",
}
# Commands that hold all they get behind one key: how many there are.
COUNTS = {"hash": "HLEN", "set": "SCARD", "sorted-set": "ZCARD", "list": "LLEN", "stream": "XLEN"}
KEYS = {"sorted-set": "zset"}


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
    if kind in ("text", "ttl", "int"):
        resp.fill(server.port, size, KINDS[kind])
    else:
        resp.fill_lines(server.port, size, KINDS[kind], 2 if kind == "stream" else 1)
    rss, used = settled_rss(server), server.used_memory()
    server.check_alive()
    found = server.call(COUNTS[kind], KEYS.get(kind, kind)) if kind in COUNTS else server.call("DBSIZE")
    if found != size:
        raise servers.BenchError(f"{server.name} holds {found} after {size} were set")
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
    heading = ["bytes per key or element", "basalt RSS", "redis RSS", "ratio", "basalt used", "redis used", "ratio"]
    table.show("Memory: growth of VmRSS, and of INFO's used_memory, by the fill", heading, rows)
