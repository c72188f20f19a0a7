"""A client that reads a large collection whole, again and again, while the probe of `latency` looks on."""

import time

from . import resp

BATCH = 1000
READS = (
    ("SMEMBERS", b"big:set", ()),
    ("HGETALL", b"big:hash", ()),
    ("LRANGE", b"big:list", (b"0", b"-1")),
    ("ZRANGE", b"big:zset", (b"0", b"-1")),
)


def fill(server, members):
    """A set, a hash, a list and a sorted set of so many elements of 13 bytes (values of a hash: 6)."""
    with server.connect() as connection:
        for start in range(0, members, BATCH):
            names = [b"member:%06d" % i for i in range(start, min(start + BATCH, members))]
            connection.call(b"SADD", b"big:set", *names)
            connection.call(b"RPUSH", b"big:list", *names)
            connection.call(b"HSET", b"big:hash", *(word for name in names for word in (name, b"value0")))
            connection.call(b"ZADD", b"big:zset", *(word for name in names for word in (name[7:], name)))
        for name, key, _ in READS:
            length = connection.call({"SMEMBERS": b"SCARD", "HGETALL": b"HLEN", "LRANGE": b"LLEN"}.get(name, b"ZCARD"), key)
            if length != members:
                raise RuntimeError(f"{key} has {length} elements and not {members}")


def read_again_and_again(server, words, seconds):
    """Reads for so long; how many times, and how many bytes each reply had."""
    end = time.monotonic() + seconds
    count = size = 0
    with server.connect() as connection:
        # The reply's own end is not looked for: what is asked behind it tells.
        request = resp.encode(*words) + resp.encode(b"ECHO", b"that was all")
        tail = b"$12\r\nthat was all\r\n"
        buffer = bytearray(1 << 20)
        while time.monotonic() < end:
            connection.socket.sendall(request)
            seen, last = 0, b""
            while not last.endswith(tail):
                got = connection.socket.recv_into(buffer)
                if not got:
                    raise EOFError("the server closed the connection")
                seen += got
                last = (last + bytes(buffer[max(0, got - len(tail)):got]))[-len(tail):]
            count, size = count + 1, seen - len(tail)
    return count, size


def phases(server, options, phase):
    fill(server, options.big_members)
    for name, key, more in READS:
        def deed(words=(name.encode(), key, *more)):
            count, size = read_again_and_again(server, words, options.big_seconds)
            print(f"{words[0].decode()}: {count} times {size:,} bytes in {options.big_seconds:.0f} s")

        phase(f"{name} of {options.big_members:,} again and again", deed)
