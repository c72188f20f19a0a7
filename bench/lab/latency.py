"""How long another client waits while millions of keys are filled, flushed and expire, and large collections are read.

A probe sends a GET every millisecond and notes how long each took; beside it a sleeper, which asks nobody, notes how
late it is woken: what it sees too is the machine's doing. For the longest waits the kernel's run delay (ready to run, but
no core free) of the probe and of the server's threads during that wait is shown.
"""

import array
import heapq
import multiprocessing
import os
import shutil
import subprocess
import time

from . import big_reads, resp, servers, table

INTERVAL_NS = 1_000_000
WORST = 5
# A second in which nothing happens before and after each deed, so that its first and last moments count.
MARGIN_SECONDS = 0.5
EXPIRE_SECONDS_MAX = 60
START_SECONDS = 30


def add_arguments(parser):
    parser.add_argument("--keys", type=int, default=10_000_000, help="keys filled and flushed")
    parser.add_argument("--expire-keys", type=int, default=1_000_000, help="keys that expire at one moment")
    parser.add_argument("--value-bytes", type=int, default=32)
    parser.add_argument("--fill-clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of the idle measurement at the start")
    parser.add_argument("--what", nargs="+", choices=("keys", "big-reads"), default=["keys", "big-reads"])
    parser.add_argument("--big-members", type=int, default=1_000_000, help="elements of the collections read whole")
    parser.add_argument("--big-seconds", type=float, default=5.0, help="how long each of them is read")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--with-redis", action="store_true", help="the same with Redis afterwards")
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark", help="the filler")


def run(options):
    everything = []
    chosen = servers.both(options) if options.with_redis else [servers.basalt(options)]
    for round_no in range(options.rounds):
        for server in chosen:
            with server:
                print(f"\n{server.name} {server.version()}, round {round_no + 1} of {options.rounds}")
                phases = measure(server, options)
            show(server.name, phases)
            everything += [{"round": round_no, "server": server.name, **phase} for phase in phases]
    summary(everything, chosen)
    return everything


def measure(server, options):
    phases = []

    def phase(name, deed):
        phases.append(watched(server, name, deed))

    phase("idle", lambda: time.sleep(options.seconds))
    if "keys" in options.what:
        of_keys(server, options, phase)
    if "big-reads" in options.what:
        big_reads.phases(server, options, phase)
    return phases


def of_keys(server, options, phase):
    phase(f"filling {options.keys:,} keys", lambda: fill(server, options))
    phase(f"FLUSHALL SYNC of {options.keys:,}", lambda: server.call("FLUSHALL", "SYNC"))
    expect_empty(server)
    fill(server, options)
    phase(f"FLUSHALL ASYNC of {options.keys:,}", lambda: flush_async(server))
    expect_empty(server)
    at_ms = fill_expiring(server, options.expire_keys)
    time.sleep(max(0.0, at_ms / 1000 - time.time() - 1))
    phase(f"{options.expire_keys:,} keys expire", lambda: wait_expired(server, at_ms))


def fill(server, options):
    """Random keys, drawn from as many as redis-benchmark knows: of ten million, two in a thousand come twice."""
    words = [options.benchmark, "-h", "127.0.0.1", "-p", str(server.port), "-t", "set", "-q", "-P", "100"]
    words += ["-c", str(options.fill_clients), "-n", str(options.keys), "-r", str(2**31 - 1), "-d", str(options.value_bytes)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200)
    server.check_alive()
    count = server.call("DBSIZE")
    if done.returncode or count < options.keys * 0.99:
        raise servers.BenchError(f"the fill left {count} of {options.keys} keys: {done.stdout} {done.stderr}")


def flush_async(server):
    """The answer comes at once; the freeing is waited for, because it must not disturb either."""
    before = server.rss_bytes()
    server.call("FLUSHALL", "ASYNC")
    last, still = before, time.monotonic()
    end = still + 60
    while time.monotonic() < end and time.monotonic() - still < 2:
        time.sleep(0.1)
        now = server.rss_bytes()
        if abs(now - last) > 1 << 20:
            last, still = now, time.monotonic()


def expect_empty(server):
    count = server.call("DBSIZE")
    if count:
        raise servers.BenchError(f"{server.name} holds {count} keys after FLUSHALL")


def fill_expiring(server, count):
    """Keys with one deadline, which lies behind the end of this fill. The time in ms."""
    # Python sends some 300,000 a second on a slow day.
    at_ms = int((time.time() + 3 + count / 150_000) * 1000)
    at, value = b"%d" % at_ms, b"x" * 32
    resp.fill(server.port, count, lambda i: resp.encode(b"SET", b"key:%012d" % i, value, b"PXAT", at))
    if time.time() * 1000 > at_ms - 1000:
        raise servers.BenchError("filling the keys that expire took too long; use fewer (--expire-keys)")
    return at_ms


def wait_expired(server, at_ms):
    time.sleep(max(0.0, at_ms / 1000 - time.time()))
    end = time.monotonic() + EXPIRE_SECONDS_MAX
    with server.connect() as connection:
        while (count := connection.call("DBSIZE")) > 0:
            if time.monotonic() > end:
                print(f"note: {count} keys past their time are still counted after {EXPIRE_SECONDS_MAX} s")
                break
            time.sleep(0.05)


def watched(server, name, deed):
    """Runs `deed` while probe and sleeper look on."""
    stop = multiprocessing.Event()
    watchers = [Watcher(probe, (server.port, server.pid, stop)), Watcher(sleeper, (stop,))]
    try:
        for watcher in watchers:
            watcher.wait_ready()
        time.sleep(MARGIN_SECONDS)
        start = time.monotonic()
        deed()
        seconds = time.monotonic() - start
        time.sleep(MARGIN_SECONDS)
        stop.set()
        probed, slept = [watcher.result() for watcher in watchers]
    finally:
        stop.set()
        for watcher in watchers:
            watcher.end()
    server.check_alive()
    for wait in probed["worst"]:
        begin, end = wait["at"] - INTERVAL_NS, wait["at"] + wait["ns"] + INTERVAL_NS
        wait["sleeper_ns"] = max((late for at, late in slept["long"] if begin <= at <= end), default=0)
    probed.pop("long")
    slept.pop("long")
    return {"phase": name, "seconds": seconds, "probe": probed, "sleeper": slept}


class Watcher:
    """A process beside ours that answers once through a pipe."""

    def __init__(self, target, args):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=watch, args=(target, args, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def wait_ready(self):
        if not self.pipe.poll(START_SECONDS):
            raise servers.BenchError("a watcher did not start")
        self.expect("ready")

    def result(self):
        # A server that hangs holds its probe up; the phase is over, so it has this long to answer.
        if not self.pipe.poll(120):
            raise servers.BenchError("the probe got no answer for two minutes")
        return self.expect("done")

    def expect(self, kind):
        try:
            found, value = self.pipe.recv()
        except EOFError:
            raise servers.BenchError("a watcher ended without a word") from None
        if found != kind:
            raise servers.BenchError(f"a watcher failed: {value}")
        return value

    def end(self):
        self.process.join(5)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()


def watch(target, args, pipe):
    servers.die_with_parent()
    try:
        # Whoever measures should be woken first; without the right to it, the sleeper tells the difference.
        os.nice(-10)
    except OSError:
        pass
    try:
        result = target(*args, lambda: pipe.send(("ready", None)))
    except Exception as error:  # whatever it was, the parent says so
        pipe.send(("failed", f"{type(error).__name__}: {error}"))
    else:
        pipe.send(("done", result))


def probe(port, pid, stop, ready):
    """GETs, one each millisecond. A late answer delays the next: the longest wait is true, waits are not counted twice."""
    waits = Waits()
    request = resp.encode(b"GET", b"probe")
    ours, theirs = RunDelay(os.getpid()), RunDelay(pid)
    with resp.Connection(port, timeout=600) as connection:
        ready()
        due = time.monotonic_ns()
        delay, server_delays = ours.total(), theirs.each()
        while not stop.is_set():
            due = sleep_until(due + INTERVAL_NS)
            # Read after the sleep, or waking up late would count as part of the wait.
            delay = ours.total()
            start = time.monotonic_ns()
            connection.socket.sendall(request)
            reply = connection.read()
            end = time.monotonic_ns()
            if isinstance(reply, resp.ReplyError):
                raise reply
            if waits.is_long(end - start):
                now = theirs.each()
                of_server = max((value - server_delays.get(task, 0) for task, value in now.items()), default=0)
                waits.note(start, end - start, {"probe_delay_ns": ours.total() - delay, "server_delay_ns": of_server})
                server_delays = now
            else:
                waits.note(start, end - start)
                server_delays = theirs.each()
    return waits.summary()


def sleeper(stop, ready):
    """Wakes up each millisecond and does nothing: how late that is, is nobody's fault but the machine's."""
    waits = Waits()
    ready()
    due = time.monotonic_ns()
    while not stop.is_set():
        due = sleep_until(due + INTERVAL_NS)
        waits.note(due, max(0, time.monotonic_ns() - due))
    return waits.summary()


def sleep_until(due):
    """The time that was waited for; when it had passed long ago, now."""
    now = time.monotonic_ns()
    if now >= due:
        return now
    time.sleep((due - now) / 1e9)
    return due


class Waits:
    """All waits, and what was noted of the longest."""

    def __init__(self):
        self.all = array.array("q")
        self.worst = []
        # When and how long, of those that may explain another's wait.
        self.long = []

    def is_long(self, ns):
        return len(self.worst) < WORST or ns > self.worst[0][0]

    def note(self, at, ns, more=None):
        self.all.append(ns)
        if ns > 300_000:
            self.long.append((at, ns))
        if self.is_long(ns):
            entry = (ns, at, more or {})
            if len(self.worst) < WORST:
                heapq.heappush(self.worst, entry)
            else:
                heapq.heapreplace(self.worst, entry)

    def summary(self):
        ordered = sorted(self.all)

        def part(share):
            return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0

        worst = [{"at": at, "ns": ns, **more} for ns, at, more in sorted(self.worst, reverse=True)]
        figures = {"count": len(ordered), "p50_ns": part(0.5), "p99_ns": part(0.99), "p999_ns": part(0.999)}
        return {**figures, "max_ns": ordered[-1] if ordered else 0, "worst": worst, "long": self.long}


class RunDelay:
    """How long the threads of a process were ready to run without a core, from /proc/PID/task/*/schedstat."""

    def __init__(self, pid):
        self.folder = f"/proc/{pid}/task"
        self.files = {}
        self.looked = 0

    def each(self):
        # New threads are looked for now and then; open files are read again in place.
        if self.looked % 1000 == 0:
            for task in os.listdir(self.folder):
                if task not in self.files:
                    try:
                        self.files[task] = os.open(f"{self.folder}/{task}/schedstat", os.O_RDONLY)
                    except OSError:
                        pass  # it has just ended
        self.looked += 1
        found = {}
        for task, file in self.files.items():
            try:
                found[task] = int(os.pread(file, 100, 0).split()[1])
            except (OSError, IndexError):
                pass  # it has ended
        return found

    def total(self):
        return sum(self.each().values())


def ms(ns):
    return f"{ns / 1e6:.2f}"


def show(name, phases):
    rows = []
    for phase in phases:
        probed, slept = phase["probe"], phase["sleeper"]
        rows.append([phase["phase"], f"{phase['seconds']:.2f}", probed["count"], ms(probed["p50_ns"]), ms(probed["p99_ns"]),
                     ms(probed["p999_ns"]), ms(probed["max_ns"]), ms(slept["p999_ns"]), ms(slept["max_ns"])])
    heading = ["", "took s", "GETs", "p50 ms", "p99", "p99.9", "max", "sleeper p99.9", "sleeper max"]
    table.show(f"Latency of {name}: a GET each millisecond, and a sleeper as control", heading, rows)
    rows = []
    for phase in phases:
        for wait in phase["probe"]["worst"]:
            rest = wait["ns"] - wait.get("probe_delay_ns", 0) - wait.get("server_delay_ns", 0)
            rows.append([phase["phase"], ms(wait["ns"]), ms(wait.get("probe_delay_ns", 0)),
                         ms(wait.get("server_delay_ns", 0)), ms(wait["sleeper_ns"]), ms(max(0, rest))])
    heading = ["", "wait ms", "probe had no core", "server had no core", "sleeper late", "left"]
    table.show(f"The {WORST} longest waits of each, and what of it was the machine's", heading, rows)


def summary(everything, chosen):
    names = list(dict.fromkeys(sample["phase"] for sample in everything))
    rows = []
    for name in names:
        row = [name]
        for server in chosen:
            found = [sample for sample in everything if (sample["phase"], sample["server"]) == (name, server.name)]
            row += [ms(max(sample["probe"]["max_ns"] for sample in found)),
                    ms(table.median([sample["probe"]["p999_ns"] for sample in found])),
                    ms(max(sample["sleeper"]["max_ns"] for sample in found))]
        rows.append(row)
    heading = [""]
    for server in chosen:
        heading += [f"{server.name} max ms", "p99.9", "sleeper max"]
    table.show("Latency, all rounds", heading, rows)
