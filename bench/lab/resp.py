"""The smallest client that does: one connection, requests out, replies in, and a pipelining filler."""

import socket
import threading


class ReplyError(Exception):
    """The server answered with an error."""


def encode(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Connection:
    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb", buffering=64 * 1024)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def call(self, *words):
        self.socket.sendall(encode(*words))
        reply = self.read()
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def read(self):
        line = self.input.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ReplyError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            return self.input.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if int(rest) < 0 else [self.read() for _ in range(int(rest))]
        raise ReplyError(f"unexpected reply {line[:60]!r}")


def fill(port, count, request, batch=1000):
    """Sends request(i) for i below count, pipelined; every reply must be +OK. One thread writes while this one reads."""
    with Connection(port, timeout=120) as connection:
        stop = threading.Event()

        def write():
            try:
                for start in range(0, count, batch):
                    if stop.is_set():
                        return
                    end = min(start + batch, count)
                    connection.socket.sendall(b"".join(map(request, range(start, end))))
            except OSError:
                pass  # the reader sees it too, and says so

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            left = count * len(b"+OK\r\n")
            while left > 0:
                data = connection.socket.recv(min(left, 1 << 20))
                if not data:
                    raise EOFError("the server closed the connection while it was filled")
                if b"-" in data:
                    raise ReplyError(data[data.index(b"-"):][:200].decode(errors="replace"))
                left -= len(data)
        finally:
            stop.set()
            if left > 0:
                connection.socket.shutdown(socket.SHUT_RDWR)
            writer.join()


def fill_lines(port, count, request, lines_each, batch=1000):
    """The same where replies are numbers or short texts: so many lines each are counted, not their bytes."""
    with Connection(port, timeout=120) as connection:
        for start in range(0, count, batch):
            end = min(start + batch, count)
            connection.socket.sendall(b"".join(map(request, range(start, end))))
            left = (end - start) * lines_each
            while left > 0:
                data = connection.socket.recv(1 << 20)
                if not data:
                    raise EOFError("the server closed the connection while it was filled")
                if data.startswith(b"-") or b"\n-" in data:
                    raise ReplyError(data[data.index(b"-"):][:200].decode(errors="replace"))
                left -= data.count(b"\n")
