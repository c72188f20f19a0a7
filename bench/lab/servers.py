"""Starts and stops the servers that are measured, and reads what the kernel knows of them.

Only processes started here are ever signalled, by their own id; the kernel ends them if we die first.
"""

import ctypes
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import resp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """Something that makes measuring impossible; the text says what to do."""


def target_folder():
    return os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")


def default_basalt():
    return os.path.join(target_folder(), "release", "basalt")


def machine():
    """One line about where the numbers come from."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} x {model}, Linux {os.uname().release}, load {load:.1f} at start"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """A server of ours on a free port, in a folder of its own. Use it with `with`."""

    def __init__(self, name, command, options=()):
        """`command`: path and words that are always given; `options`: (name, value) that may be left out when unknown."""
        self.name = name
        self.command = list(command)
        self.options = list(options)
        self.environment = {}
        self.process = None
        self.folder = None
        self.port = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        if not os.access(self.command[0], os.X_OK):
            raise BenchError(f"{self.name}: no program {self.command[0]} (cargo build --release, or --basalt PATH)")
        self.folder = tempfile.mkdtemp(prefix=f"bench-{self.name}-")
        while True:
            self.port = free_port()
            text = self.try_start()
            if text is None:
                return
            # An option that this build does not know (yet) is left out; anything else is an error.
            unknown = next((option for option in self.options if is_unknown(option[0], text)), None)
            if unknown is None:
                raise BenchError(f"{self.name} did not start: {' '.join(self.words())}\n{text.strip()[-2000:]}")
            print(f"note: {self.name} does not take --{unknown[0]}; started without")
            self.options.remove(unknown)

    def words(self):
        words = [*self.command, "--port", str(self.port)]
        for option, value in self.options:
            words += [f"--{option}", value]
        return words

    def try_start(self):
        """None when it answers, else what it said."""
        log = os.path.join(self.folder, "log")
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                self.words(),
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with resp.Connection(self.port, timeout=2) as connection:
                    connection.call("PING")
                    return None
            except (OSError, resp.ReplyError, EOFError):
                time.sleep(0.02)
        self.end_process()
        with open(log, errors="replace") as file:
            return file.read() or "it said nothing"

    def stop(self):
        self.end_process()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def end_process(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def connect(self, timeout=600):
        return resp.Connection(self.port, timeout=timeout)

    def call(self, *words):
        with self.connect() as connection:
            return connection.call(*words)

    def check_alive(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.process.returncode} while it was measured")

    def cpu_seconds(self):
        """User and system time of all threads, those that ended included."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024

    def used_memory(self):
        """INFO's used_memory, None where it is not told."""
        try:
            text = self.call("INFO", "memory").decode(errors="replace")
        except resp.ReplyError:
            return None
        found = re.search(r"used_memory:(\d+)", text)
        return int(found[1]) if found else None

    def version(self):
        try:
            text = self.call("INFO", "server").decode(errors="replace")
        except resp.ReplyError:
            return "?"
        # Basalt may tell the version of Redis it behaves like, too; its own says more.
        found = re.search(r"basalt_version:(\S+)", text) or re.search(r"redis_version:(\S+)", text)
        return found[1] if found else "?"


def is_unknown(option, text):
    lines = [line for line in text.lower().splitlines() if option in line or "bad directive" in line]
    whole = text.lower()
    says_so = any(word in whole for word in ("unknown", "bad directive", "wrong number of arguments", "unrecognized"))
    return bool(lines) and says_so and option in whole


def basalt(options):
    words = [options.basalt, *shlex.split(options.basalt_args)]
    return Server("basalt", words, [("io-threads", str(options.io_threads)), ("save", ""), ("appendonly", "no")])


def redis(options):
    words = [options.redis, *shlex.split(options.redis_args)]
    return Server("redis", words, [("save", ""), ("appendonly", "no")])


def both(options):
    return [basalt(options), redis(options)]
