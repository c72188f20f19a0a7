#!/usr/bin/env python3
"""redis-py against Basalt: sync and asyncio, RESP2 and RESP3, TCP and Unix socket, all commands of the first release.

Starts $BASALT on a free port in a folder of its own, prints a line for each area, stops at the first mismatch with a
text that names it, and exits with 1 then. Needs nothing but redis-py.
"""

import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

import redis
import redis.asyncio

# SETEX and others have younger forms; the server has the old ones still.
warnings.simplefilter("ignore", DeprecationWarning)

FAR = 33177117420  # seconds: the year 3021


class Mismatch(Exception):
    pass


def same(what, got, expect):
    if got != expect:
        raise Mismatch(f"{what}\n  got      {got!r}\n  expected {expect!r}")


def holds(what, got, test):
    if not test(got):
        raise Mismatch(f"{what}\n  got {got!r}")


def refused(what, call, begins):
    try:
        got = call()
    except redis.ResponseError as error:
        # redis-py takes the ERR away.
        if not str(error).startswith(begins):
            raise Mismatch(f"{what}\n  got the error {str(error)!r}\n  expected {begins!r}") from None
        return
    raise Mismatch(f"{what}\n  got      {got!r}\n  expected the error {begins!r}")


def strings(r):
    same("SET", r.set("k", "v"), True)
    same("GET", r.get("k"), "v")
    same("GET of nothing", r.get("none"), None)
    same("SET NX", r.set("k", "w", nx=True), None)
    same("SET XX", r.set("none", "w", xx=True), None)
    same("SET GET", r.set("k", "w", get=True), "v")
    same("SET NX GET", r.set("k", "x", nx=True, get=True), "w")
    same("SET EX", r.set("k", "x", ex=100), True)
    holds("TTL after SET EX", r.ttl("k"), lambda n: 99 <= n <= 100)
    same("SET KEEPTTL", r.set("k", "y", keepttl=True), True)
    holds("TTL after SET KEEPTTL", r.ttl("k"), lambda n: 99 <= n <= 100)
    r.set("k", "y", exat=FAR)
    same("SET EXAT", r.expiretime("k"), FAR)
    r.set("k", "y", pxat=FAR * 1000 + 5)
    same("SET PXAT", r.pexpiretime("k"), FAR * 1000 + 5)
    refused("SET EX 0", lambda: r.execute_command("SET", "k", "v", "EX", 0), "invalid expire time in 'set' command")
    refused("SET with nonsense", lambda: r.execute_command("SET", "k", "v", "WHAT"), "syntax error")
    same("SET IFEQ", r.execute_command("SET", "k", "z", "IFEQ", "y"), True)
    same("SET IFEQ with another", r.execute_command("SET", "k", "q", "IFEQ", "y"), None)
    same("DELIFEQ with another", r.execute_command("DELIFEQ", "k", "y"), 0)
    same("DELIFEQ", r.execute_command("DELIFEQ", "k", "z"), 1)
    same("SETNX", (r.setnx("nx", 1), r.setnx("nx", 2)), (True, False))
    same("SETEX", r.setex("ex", 100, "v"), True)
    same("PSETEX", r.psetex("ex", 100000, "v"), True)
    same("GETEX PERSIST", r.getex("ex", persist=True), "v")
    same("TTL after GETEX PERSIST", r.ttl("ex"), -1)
    same("GETEX EX", r.getex("ex", ex=50), "v")
    holds("TTL after GETEX EX", r.ttl("ex"), lambda n: 49 <= n <= 50)
    same("GETDEL", (r.getdel("ex"), r.getdel("ex")), ("v", None))
    same("GETSET", (r.getset("gs", "a"), r.getset("gs", "b")), (None, "a"))
    same("MSET", r.mset({"a": 1, "b": 2}), True)
    same("MGET", r.mget("a", "none", "b"), ["1", None, "2"])
    same("MSETNX", (r.msetnx({"a": 5, "new": 5}), r.msetnx({"new": 5})), (False, True))
    same("APPEND", (r.append("text", "hello"), r.append("text", " world")), (5, 11))
    same("STRLEN", r.strlen("text"), 11)
    same("SETRANGE", r.setrange("text", 6, "there"), 11)
    same("GETRANGE", r.getrange("text", -5, -1), "there")
    same("SUBSTR", r.substr("text", 0, 4), "hello")
    r.mset({"l1": "ohmytext", "l2": "mynewtext"})
    same("LCS", r.lcs("l1", "l2"), "mytext")
    same("LCS LEN", r.lcs("l1", "l2", len=True), 6)
    lcs = r.lcs("l1", "l2", idx=True, minmatchlen=4, withmatchlen=True)
    if isinstance(lcs, list):
        lcs = dict(zip(lcs[::2], lcs[1::2]))
    same("LCS IDX", lcs, {"matches": [[[4, 7], [5, 8], 4]], "len": 6})
    binary = bytes(range(256)) * 1000
    r.set("bin", binary)
    raw = type(r)(connection_pool=clone_pool(r, decode_responses=False))
    same("a binary value", raw.get("bin") == binary, True)
    raw.close()


def clone_pool(r, **changes):
    pool = r.connection_pool
    return type(pool)(connection_class=pool.connection_class, **{**pool.connection_kwargs, **changes})


def numbers(r):
    same("INCR", (r.incr("n"), r.incrby("n", 41), r.decr("n"), r.decrby("n", 11)), (1, 42, 41, 30))
    same("INCRBYFLOAT", (r.incrbyfloat("f", 1.5), r.incrbyfloat("f", -0.25)), (1.5, 1.25))
    r.set("n", 2**63 - 1)
    refused("INCR above the top", lambda: r.incr("n"), "increment or decrement would overflow")
    r.set("n", "abc")
    refused("INCR of text", lambda: r.incr("n"), "value is not an integer or out of range")


def bits(r):
    same("SETBIT", (r.setbit("b", 7, 1), r.setbit("b", 7, 1)), (0, 1))
    same("GETBIT", (r.getbit("b", 7), r.getbit("b", 100)), (1, 0))
    r.set("f", "foobar")
    same("BITCOUNT", (r.bitcount("f"), r.bitcount("f", 1, 1), r.bitcount("f", 5, 30, "BIT")), (26, 6, 17))
    same("BITPOS", (r.bitpos("f", 1), r.bitpos("f", 1, 2), r.bitpos("none", 1)), (1, 17, -1))
    r.set("x", b"\x0f")
    same("BITOP", (r.bitop("AND", "d", "f", "x"), r.bitop("NOT", "d", "f"), r.bitop("XOR", "d", "none")), (6, 6, 0))
    ops = r.bitfield("bf").set("u8", 0, 200).incrby("u8", 0, 100, overflow="SAT").incrby("u8", 0, 1, overflow="FAIL")
    same("BITFIELD", ops.get("u4", "#0").execute(), [0, 255, None, 15])
    same("BITFIELD_RO", r.bitfield_ro("bf", "u8", 0), [255])


def keys(r):
    r.mset({f"key{i}": i for i in range(1000)})
    same("EXISTS", r.exists("key1", "key2", "none", "key1"), 3)
    same("DBSIZE", r.dbsize(), 1000)
    same("scan_iter", set(r.scan_iter(count=17)), {f"key{i}" for i in range(1000)})
    same("scan_iter MATCH", set(r.scan_iter(match="key99?")), {f"key99{i}" for i in range(10)})
    same("scan_iter TYPE", len(set(r.scan_iter(_type="string", count=500))), 1000)
    same("KEYS", set(r.keys("key1?")), {f"key1{i}" for i in range(10)})
    same("DEL", r.delete("key1", "key2", "none"), 2)
    same("UNLINK", r.unlink("key3", "key3"), 1)
    same("TOUCH", r.touch("key4", "key3"), 1)
    same("TYPE", (r.type("key4"), r.type("key3")), ("string", "none"))
    same("RENAME", r.rename("key4", "moved"), True)
    same("RENAMENX", (r.renamenx("moved", "key5"), r.renamenx("moved", "key4")), (False, True))
    refused("RENAME of nothing", lambda: r.rename("none", "x"), "no such key")
    same("COPY", (r.copy("key4", "copy"), r.copy("key4", "copy"), r.copy("key5", "copy", replace=True)), (True, False, True))
    same("the copy", r.get("copy"), "5")
    same("MOVE", (r.move("copy", 1), r.move("none", 1)), (True, False))
    holds("RANDOMKEY", r.randomkey(), lambda key: key.startswith("key"))
    same("OBJECT ENCODING", r.object("encoding", "key4"), "int")
    same("OBJECT REFCOUNT", r.object("refcount", "none"), None)
    holds("OBJECT IDLETIME", r.object("idletime", "key4"), lambda n: 0 <= n < 60)
    holds("MEMORY USAGE", r.memory_usage("key4"), lambda n: 10 < n < 500)
    same("MEMORY USAGE of nothing", r.memory_usage("none"), None)
    same("SWAPDB", r.swapdb(0, 1), True)
    same("DBSIZE after SWAPDB", r.dbsize(), 1)
    same("FLUSHDB", r.flushdb(), True)
    same("SWAPDB", r.swapdb(0, 1), True)
    same("FLUSHALL", r.flushall(asynchronous=True), True)
    same("DBSIZE after FLUSHALL", r.dbsize(), 0)


def expiry(r):
    r.set("k", "v")
    same("EXPIRE", (r.expire("k", 100), r.expire("none", 100)), (True, False))
    holds("TTL", r.ttl("k"), lambda n: 99 <= n <= 100)
    same("EXPIRE NX", r.expire("k", 200, nx=True), False)
    same("EXPIRE GT", (r.expire("k", 50, gt=True), r.expire("k", 500, gt=True)), (False, True))
    same("EXPIRE LT", r.expire("k", 50, lt=True), True)
    same("EXPIRE XX", r.expire("k", 60, xx=True), True)
    same("PEXPIRE", r.pexpire("k", 100000), True)
    holds("PTTL", r.pttl("k"), lambda n: 99000 <= n <= 100000)
    same("EXPIREAT", (r.expireat("k", FAR), r.expiretime("k")), (True, FAR))
    same("PEXPIREAT", (r.pexpireat("k", FAR * 1000 + 7), r.pexpiretime("k")), (True, FAR * 1000 + 7))
    same("PERSIST", (r.persist("k"), r.persist("k")), (True, False))
    same("TTL without", (r.ttl("k"), r.ttl("none")), (-1, -2))
    r.set("dies", "v", px=30)
    time.sleep(0.06)
    same("a dead key", (r.get("dies"), r.exists("dies"), r.ttl("dies")), (None, 0, -2))
    same("EXPIRE in the past", (r.expire("k", -1), r.get("k")), (True, None))


def transactions(r):
    with r.pipeline(transaction=True) as pipe:
        same("MULTI EXEC", pipe.set("a", 1).incr("a").get("a").get("none").execute(), [True, 2, "2", None])
    with r.pipeline(transaction=False) as pipe:
        for i in range(3000):
            pipe.set(f"p{i % 100}", i)
        pipe.get("p99")
        same("a long pipeline", pipe.execute()[-1], "2999")
    with r.pipeline() as pipe:
        pipe.watch("a")
        value = int(pipe.get("a"))
        pipe.multi()
        pipe.set("a", value + 1)
        same("WATCH undisturbed", pipe.execute(), [True])
    with r.pipeline() as pipe:
        pipe.watch("a")
        r.set("a", "other")
        pipe.multi()
        pipe.set("a", "mine")
        try:
            pipe.execute()
            raise Mismatch("WATCH disturbed: EXEC was carried out")
        except redis.WatchError:
            pass
    same("after the disturbance", r.get("a"), "other")
    r.set("a", 1)
    same("transaction()", r.transaction(lambda pipe: (pipe.multi(), pipe.incr("a")), "a"), [2])
    with r.pipeline() as pipe:
        pipe.set("a", "text").incr("a").set("b", "still set")
        results = pipe.execute(raise_on_error=False)
    holds("an error inside EXEC", results, lambda all: all[0] is True and isinstance(all[1], redis.ResponseError) and all[2] is True)
    with r.pipeline() as pipe:
        pipe.set("b", "not set").execute_command("NOSUCH")
        try:
            pipe.execute()
            raise Mismatch("an unknown command in MULTI: EXEC was carried out")
        except redis.ResponseError:
            pass
    same("after the abort", r.get("b"), "still set")


def connection(r):
    same("PING", r.ping(), True)
    same("ECHO", r.echo("hello"), "hello")
    own = type(r)(connection_pool=clone_pool(r), single_connection_client=True)
    same("CLIENT SETNAME", own.client_setname("worker"), True)
    same("CLIENT GETNAME", own.client_getname(), "worker")
    number = own.client_id()
    holds("CLIENT LIST", own.client_list(), lambda all: any(c["name"] == "worker" and c["id"] == str(number) for c in all))
    holds("CLIENT LIST ID", own.client_list(client_id=[number]), lambda all: len(all) == 1)
    holds("CLIENT LIST TYPE", own.client_list(_type="normal"), lambda all: len(all) >= 1)
    info = own.client_info()
    holds("CLIENT INFO", info, lambda c: c["name"] == "worker" and c["cmd"] == "client|info" and c["lib-name"].startswith("redis-py"))
    same("CLIENT NO-EVICT", own.client_no_evict("ON"), "OK")
    same("CLIENT NO-TOUCH", own.client_no_touch("ON"), "OK")
    same("CLIENT PAUSE", own.client_pause(1, all=False), True)
    same("CLIENT UNPAUSE", own.client_unpause(), "OK")
    same("CLIENT UNBLOCK", own.client_unblock(number), False)
    same("SELECT", own.select(3), True)
    own.set("in3", 1)
    same("another database", (own.exists("in3"), r.exists("in3")), (1, 0))
    same("CLIENT KILL of nobody", r.client_kill_filter(_id=999999), 0)
    same("CLIENT KILL", r.client_kill_filter(_id=number), 1)
    same("after the kill, connected again", own.ping(), True)
    own.close()
    refused("an unknown command", lambda: r.execute_command("NOSUCH", "a"), "unknown command 'NOSUCH', with args beginning with: 'a'")
    refused("too few words", lambda: r.execute_command("GET"), "wrong number of arguments for 'get' command")


def server(r):
    same("CONFIG SET", r.config_set("slowlog-max-len", 77), True)
    same("CONFIG GET", r.config_get("slowlog-max-len"), {"slowlog-max-len": "77"})
    holds("CONFIG GET *", r.config_get("*"), lambda all: len(all) > 50 and all["maxmemory-policy"] == "noeviction")
    refused("CONFIG SET of an unknown option", lambda: r.config_set("nosuch", 1), "Unknown option or number of arguments")
    same("CONFIG RESETSTAT", r.config_resetstat(), True)
    info = r.info()
    for field in ("redis_version", "uptime_in_seconds", "connected_clients", "used_memory", "total_commands_processed", "role"):
        holds(f"INFO {field}", info, lambda all: field in all)
    r.set("k", "v")
    same("INFO keyspace", r.info("keyspace")["db0"]["keys"], 1)
    holds("INFO commandstats", r.info("commandstats"), lambda all: all["cmdstat_set"]["calls"] == 1)
    holds("TIME", r.time(), lambda pair: abs(pair[0] - time.time()) < 60)
    holds("LASTSAVE", r.lastsave(), lambda moment: moment is not None)
    holds("ROLE", r.role(), lambda role: role[0] == "master")
    holds("COMMAND COUNT", r.command_count(), lambda n: n > 80)
    holds("COMMAND", r.command(), lambda all: all["get"]["arity"] == 2 and "readonly" in all["get"]["flags"])
    same("COMMAND GETKEYS", r.command_getkeys("MSET", "a", 1, "b", 2), ["a", "b"])
    holds("COMMAND GETKEYSANDFLAGS", r.command_getkeysandflags("GET", "a"), lambda all: all[0][0] == "a" and "RO" in all[0][1])
    holds("COMMAND LIST", r.command_list(), lambda all: "get" in all and "client|kill" in all or "client" in all)
    same("COMMAND LIST FILTERBY", r.command_list(pattern="mse?nx"), ["msetnx"])
    docs = r.execute_command("COMMAND DOCS", "get")
    holds("COMMAND DOCS", docs, lambda docs: "get" in docs)
    r.config_set("slowlog-log-slower-than", 0)
    r.slowlog_reset()
    r.set("k", "v")
    holds("SLOWLOG GET", r.slowlog_get(), lambda all: any(entry["command"] in (b"SET k v", "SET k v") for entry in all))
    holds("SLOWLOG LEN", r.slowlog_len(), lambda n: n >= 1)
    r.config_set("slowlog-log-slower-than", 10000)
    same("LATENCY RESET", r.latency_reset(), 0)
    same("LATENCY LATEST", r.latency_latest(), [])
    same("LATENCY HISTORY", r.latency_history("command"), [])
    holds("LATENCY HISTOGRAM", r.execute_command("LATENCY", "HISTOGRAM", "set"), lambda all: "set" in all)
    holds("MEMORY STATS", r.memory_stats(), lambda all: all["total.allocated"] > 0)
    same("MEMORY PURGE", r.memory_purge(), True)
    holds("LOLWUT", r.lolwut(), lambda text: len(text) > 0)
    same("WAIT", r.wait(0, 10), 0)
    with r.monitor() as monitor:
        r.set("monitored", 1)
        for _ in range(20):
            line = monitor.next_command()
            if line["command"].lower() == "set monitored 1":
                break
        else:
            raise Mismatch("MONITOR did not show SET")
    if r.connection_pool.connection_kwargs.get("protocol") == 3:
        holds("CONFIG GET in RESP3", r.execute_command("CONFIG", "GET", "maxmemory"), lambda answer: isinstance(answer, dict))


AREAS = [strings, numbers, bits, keys, expiry, transactions, connection, server]


async def with_asyncio(r, name):
    same("SET", await r.set("k", "v", ex=100), True)
    same("GET", await r.get("k"), "v")
    same("MGET", await r.mget("k", "none"), ["v", None])
    # Many at once, over many connections.
    counts = await asyncio.gather(*(r.incr("n") for _ in range(300)))
    same("300 INCRs at once", sorted(counts), list(range(1, 301)))

    async def one(i):
        await r.set(f"own{i}", i)
        same(f"GET own{i}", await r.get(f"own{i}"), str(i))

    await asyncio.gather(*(one(i) for i in range(200)))
    async with r.pipeline(transaction=True) as pipe:
        same("a pipeline", await pipe.set("a", 1).incr("a").execute(), [True, 2])
    async with r.pipeline() as pipe:
        await pipe.watch("a")
        await r.set("a", 10)
        pipe.multi()
        pipe.incr("a")
        try:
            await pipe.execute()
            raise Mismatch("WATCH disturbed: EXEC was carried out")
        except redis.WatchError:
            pass
    found = [key async for key in r.scan_iter(match="own*", count=50)]
    same("scan_iter", set(found), {f"own{i}" for i in range(200)})
    # An answer that comes late is not taken for the next one's.
    try:
        await asyncio.wait_for(r.execute_command("DEBUG", "SLEEP", 0.3), 0.05)
    except (asyncio.TimeoutError, redis.ResponseError):
        pass
    same("GET after a wait that was given up", await r.get("k"), "v")
    holds("INFO", await r.info("server"), lambda info: "redis_version" in info)
    await r.flushall()


def free_port():
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def start(binary, folder):
    """The server's process and port, when it accepts connections."""
    for _ in range(5):
        port = free_port()
        log_path = os.path.join(folder, "log")
        with open(log_path, "w") as log:
            args = ["--port", str(port), "--dir", folder, "--save", "", "--unixsocket", os.path.join(folder, "s"), "--enable-debug-command", "yes"]
            process = subprocess.Popen([binary, *args], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with open(log_path) as log:
                if "Ready to accept" in log.read():
                    return process, port
            time.sleep(0.01)
        process.kill()
        process.wait()
    with open(log_path) as log:
        sys.exit(f"{binary} does not start:\n{log.read()}")


def where_in_here(error):
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
    return f"line {lines[-1]}" if lines else "somewhere"


def run(port, path):
    for protocol in (2, 3):
        for place, where in (("tcp", {"host": "127.0.0.1", "port": port}), ("unix", {"unix_socket_path": path})):
            name = f"RESP{protocol} over {place}"
            for area in AREAS:
                r = redis.Redis(**where, protocol=protocol, decode_responses=True)
                r.flushall()
                try:
                    area(r)
                except Mismatch as mismatch:
                    sys.exit(f"redis-py, {name}, {area.__name__}: {mismatch}")
                except Exception as error:  # also redis-py's own, over a reply of an unexpected shape
                    sys.exit(f"redis-py, {name}, {area.__name__}, {where_in_here(error)}: {type(error).__name__}: {error}")
                r.close()
                print(f"{name}: {area.__name__} as expected")

            async def go():
                r = redis.asyncio.Redis(**where, protocol=protocol, decode_responses=True, max_connections=400)
                await r.flushall()
                try:
                    await with_asyncio(r, name)
                finally:
                    await r.aclose()

            try:
                asyncio.run(go())
            except Exception as error:
                sys.exit(f"redis-py, {name}, asyncio, {where_in_here(error)}: {type(error).__name__}: {error}")
            print(f"{name}: asyncio as expected")


def main():
    binary = os.environ.get("BASALT")
    if not binary:
        sys.exit("BASALT names no binary: BASALT=target/debug/basalt tests/clients/redis_py.py")
    folder = tempfile.mkdtemp(prefix="basalt-py-")
    process, port = start(binary, folder)
    try:
        run(port, os.path.join(folder, "s"))
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}")
        process.terminate()
        try:
            code = process.wait(10)
        except subprocess.TimeoutExpired:
            sys.exit("the server does not stop when asked")
        if code != 0:
            sys.exit(f"the server ended with {code} when asked to stop")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print("redis-py: all as expected")


if __name__ == "__main__":
    main()
