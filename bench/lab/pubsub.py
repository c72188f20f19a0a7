"""Deliveries per second of PUBLISH to many subscribers, and CPU per delivery, round by round on both servers.

A process of its own reads what the subscribers get and counts bytes: all messages are equally long. A publisher sends
pipelines and waits for their replies; the time runs from the first request to the last byte at the last subscriber.
"""

import multiprocessing
import select
import signal
import socket
import sys
import threading
import time

from . import resp, servers, table

GUESS = 300_000
WARMUP_SECONDS = 0.3
READ_BYTES = 1 << 20
QUIET_SECONDS = 20
# The reader naps so that it finds many messages at once: a read for each would be what is measured.
NAP_SECONDS = 0.001


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long runs each measurement")
    parser.add_argument("--subscribers", default="100", help="numbers of subscribers")
    parser.add_argument("--publishers", type=int, default=4)
    parser.add_argument("--pipelines", default="1,16,100")
    parser.add_argument("--message-bytes", type=int, default=64)


def run(options):
    cases = [(count, pipeline) for count in numbers(options.subscribers) for pipeline in numbers(options.pipelines)]
    samples = []
    started = servers.both(options)
    try:
        for server in started:
            server.start()
        basalt, redis = started
        print(f"basalt {basalt.version()} ({options.basalt}), redis {redis.version()} ({options.redis})")
        rates = {}
        for case in cases:
            for server in started:
                rates[server.name, case] = measure(server, case, GUESS * WARMUP_SECONDS, options)["rate"]
        for round_no in range(options.rounds):
            for case in cases:
                for server in started:
                    sample = measure(server, case, rates[server.name, case] * options.seconds, options)
                    samples.append({"round": round_no, "server": server.name, "case": case, **sample})
            print(f"round {round_no + 1} of {options.rounds} done", file=sys.stderr)
    finally:
        for server in started:
            server.stop()
    report(cases, samples, options)
    return samples


def numbers(text):
    return [int(n) for n in text.split(",")]


def measure(server, case, deliveries, options):
    subscriber_count, pipeline = case
    rounds = max(1, int(deliveries / subscriber_count / pipeline / options.publishers))
    message_count = rounds * pipeline * options.publishers
    text = b"x" * options.message_bytes
    message = resp.encode(b"message", b"bench", text)
    ours, theirs = multiprocessing.Pipe()
    words = (theirs, server.port, subscriber_count, message_count * len(message))
    reader = multiprocessing.Process(target=read_all, args=words, daemon=True)
    reader.start()
    try:
        wait_for(ours, reader)
        cpu = server.cpu_seconds()
        begin = time.monotonic()
        request = resp.encode(b"PUBLISH", b"bench", text) * pipeline
        reply = (b":%d\r\n" % subscriber_count) * pipeline
        threads = [threading.Thread(target=publish, args=(server.port, request, reply, rounds)) for _ in range(options.publishers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        end = wait_for(ours, reader)
        cpu = server.cpu_seconds() - cpu
    finally:
        reader.terminate()
        reader.join()
    server.check_alive()
    count = message_count * subscriber_count
    return {"deliveries": count, "rate": count / (end - begin), "cpu_us": cpu * 1e6 / count}


def wait_for(pipe, reader):
    """The reader's next word: a time, or what went wrong."""
    while not pipe.poll(1):
        if not reader.is_alive():
            raise servers.BenchError("the reader of the subscribers ended")
    word = pipe.recv()
    if isinstance(word, str):
        raise servers.BenchError(word)
    return word


def publish(port, request, reply, rounds):
    with socket.create_connection(("127.0.0.1", port), timeout=120) as publisher:
        publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(rounds):
            publisher.sendall(request)
            got = 0
            while got < len(reply):
                data = publisher.recv(len(reply) - got)
                if not data:
                    return  # the reader will miss messages, and says so
                got += len(data)


def read_all(pipe, port, count, bytes_each):
    """Runs in a process of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    subscribers = {}
    poll = select.epoll()
    for _ in range(count):
        subscriber = resp.Connection(port)
        subscriber.call("SUBSCRIBE", "bench")
        subscriber.socket.setblocking(False)
        poll.register(subscriber.socket.fileno(), select.EPOLLIN)
        subscribers[subscriber.socket.fileno()] = [subscriber, bytes_each]
    pipe.send(time.monotonic())
    buffer = bytearray(READ_BYTES)
    left = count
    while left:
        time.sleep(NAP_SECONDS)
        ready = poll.poll(QUIET_SECONDS)
        if not ready:
            return pipe.send(f"{left} of {count} subscribers miss messages, and none comes any more")
        for file, _ in ready:
            state = subscribers[file]
            got = state[0].socket.recv_into(buffer)
            if got == 0:
                return pipe.send("the server closed a subscriber")
            state[1] -= got
            if state[1] == 0:
                left -= 1
    pipe.send(time.monotonic())


def report(cases, samples, options):
    def values(server, case, what):
        return [sample[what] for sample in samples if sample["server"] == server and sample["case"] == case]

    def ratios(case, what):
        return [ours / theirs for ours, theirs in zip(values("basalt", case, what), values("redis", case, what)) if theirs > 0]

    rows = []
    for case in cases:
        rate = ratios(case, "rate")
        rows.append([
            f"{case[0]} subscribers P={case[1]}",
            table.count(table.median(values("basalt", case, "rate"))),
            table.count(table.median(values("redis", case, "rate"))),
            table.ratio(table.median(rate)),
            f"{min(rate):.2f}..{max(rate):.2f}",
            f"{table.median(values('basalt', case, 'cpu_us')):.3f}",
            f"{table.median(values('redis', case, 'cpu_us')):.3f}",
            table.ratio(table.median(ratios(case, "cpu_us") or [float("nan")])),
        ])
    heading = ["", "basalt deliveries/s", "redis", "ratio", "rounds", "basalt us each", "redis us each", "ratio"]
    title = f"PUBLISH: medians of {options.rounds} rounds, {options.publishers} publishers, messages of "
    table.show(title + f"{options.message_bytes} bytes; us each is CPU of the server per delivery", heading, rows)
