#!/usr/bin/env python3
"""redis-py against Basalt: sync and asyncio, RESP2 and RESP3, TCP and Unix socket: all types, waiting for
elements, publish/subscribe, transactions, pipelines, walks; a rate limiter and caches (redis_py_apps.py).

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
import threading
import time
import traceback
import warnings

import redis
import redis.asyncio

from redis_py_apps import APPS

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


def lists(r):
    same("RPUSH", (r.rpush("l", "a", "b", "c"), r.lpush("l", "z")), (3, 4))
    same("LRANGE", r.lrange("l", 0, -1), ["z", "a", "b", "c"])
    same("LINDEX", (r.lindex("l", 1), r.lindex("l", -1), r.lindex("l", 9)), ("a", "c", None))
    same("LSET", (r.lset("l", 0, "y"), r.llen("l")), (True, 4))
    same("LINSERT", (r.linsert("l", "before", "b", "x"), r.linsert("l", "after", "none", "x")), (5, -1))
    same("LPOS", (r.lpos("l", "x"), r.lpos("l", "none"), r.lpos("l", "b", count=0)), (2, None, [3]))
    same("LREM", r.lrem("l", 0, "x"), 1)
    same("LMOVE", r.lmove("l", "m", "LEFT", "RIGHT"), "y")
    same("RPOPLPUSH", r.rpoplpush("l", "m"), "c")
    same("LPOP", (r.lpop("m"), r.lpop("m", 5), r.lpop("m"), r.lpop("m", 1)), ("c", ["y"], None, None))
    same("LMPOP", (r.lmpop(2, "m", "l", direction="RIGHT", count=5), r.lmpop(1, "m", direction="LEFT")), (["l", ["b", "a"]], None))
    r.rpush("l", *range(1000))
    same("LTRIM", (r.ltrim("l", 10, 19), r.lrange("l", 0, 1), r.llen("l")), (True, ["10", "11"], 10))
    same("LPUSHX", (r.lpushx("none", "a"), r.rpushx("l", "a")), (0, 11))
    same("TYPE of a list", r.type("l"), "list")
    r.set("text", "v")
    refused("LPUSH to a string", lambda: r.lpush("text", "a"), "WRONGTYPE")


def hashes(r):
    same("HSET", (r.hset("h", "a", 1), r.hset("h", mapping={"a": 2, "b": 3, "c": "x"})), (1, 2))
    same("HGET", (r.hget("h", "a"), r.hget("h", "none")), ("2", None))
    same("HMGET", r.hmget("h", "a", "none", "c"), ["2", None, "x"])
    same("HGETALL", (r.hgetall("h"), r.hgetall("none")), ({"a": "2", "b": "3", "c": "x"}, {}))
    same("HKEYS and HVALS", (sorted(r.hkeys("h")), sorted(r.hvals("h"))), (["a", "b", "c"], ["2", "3", "x"]))
    same("HINCRBY", (r.hincrby("h", "a", 40), r.hincrbyfloat("h", "b", 0.5)), (42, 3.5))
    same("HSETNX", (r.hsetnx("h", "a", 1), r.hexists("h", "a"), r.hlen("h"), r.hstrlen("h", "c")), (0, True, 3, 1))
    same("HDEL", r.hdel("h", "b", "none"), 1)
    holds("HRANDFIELD", r.hrandfield("h"), lambda field: field in ("a", "c"))
    same("HRANDFIELD with values", len(r.hrandfield("h", 2, True)), 2 if r.connection_pool.connection_kwargs.get("protocol") == 3 else 4)
    same("HEXPIRE", (r.hexpire("h", 100, "a", "none"), r.hpexpire("h", 100000, "c")), ([1, -2], [1]))
    holds("HTTL", r.httl("h", "a", "c"), lambda ttls: all(99 <= ttl <= 100 for ttl in ttls))
    same("HEXPIREAT", (r.hexpireat("h", FAR, "a"), r.hexpiretime("h", "a"), r.hpexpiretime("h", "a")), ([1], [FAR], [FAR * 1000]))
    same("HPERSIST", (r.hpersist("h", "a"), r.httl("h", "a")), ([1], [-1]))
    same("HGETEX", r.hgetex("h", "a", ex=100), ["42"])
    same("HSETEX", r.hsetex("h", mapping={"d": 1}, px=30), 1)
    same("HGETDEL", r.hgetdel("h", "a", "none"), ["42", None])
    time.sleep(0.06)
    same("fields whose time has come", (r.hget("h", "d"), r.hgetall("h")), (None, {"c": "x"}))
    r.hset("large", mapping={f"f{i}": i for i in range(2000)})
    same("hscan_iter", dict(r.hscan_iter("large", count=100)), {f"f{i}": str(i) for i in range(2000)})
    same("hscan_iter MATCH", dict(r.hscan_iter("large", match="f199?")), {f"f199{i}": f"199{i}" for i in range(10)})


def sets(r):
    same("SADD", (r.sadd("s", "a", "b", "c", "a"), r.sadd("s", "a"), r.sadd("t", "b", "c", "d")), (3, 0, 3))
    same("SMEMBERS", (r.smembers("s"), r.smembers("none")), ({"a", "b", "c"}, set()))
    same("SISMEMBER", (r.sismember("s", "a"), r.sismember("s", "x"), r.smismember("s", ["a", "x"])), (1, 0, [1, 0]))
    same("SINTER, SUNION, SDIFF", (r.sinter("s", "t"), r.sunion("s", "t"), r.sdiff("s", "t")), ({"b", "c"}, set("abcd"), {"a"}))
    same("the STORE forms", (r.sinterstore("d", "s", "t"), r.sunionstore("d", "s", "t"), r.sdiffstore("d", "s", "t"), r.scard("d")), (2, 4, 1, 1))
    same("SINTERCARD", (r.sintercard(2, ["s", "t"]), r.sintercard(2, ["s", "t"], 1)), (2, 1))
    same("SMOVE", (r.smove("s", "t", "a"), r.smove("s", "t", "a")), (True, False))
    same("SREM", r.srem("t", "a", "none"), 1)
    holds("SRANDMEMBER", (r.srandmember("t"), r.srandmember("t", 2), r.srandmember("t", -5)), lambda got: got[0] in "bcd" and len(got[1]) == 2 and len(got[2]) == 5)
    same("SPOP", len(r.spop("t", 2)), 2)
    holds("SPOP of one", r.spop("t"), lambda got: got in ("b", "c", "d"))
    same("a set without members", r.exists("t"), 0)
    r.sadd("large", *range(3000))
    same("sscan_iter", set(r.sscan_iter("large", count=100)), {str(i) for i in range(3000)})


def sorted_sets(r):
    same("ZADD", (r.zadd("z", {"a": 1, "b": 2, "c": 3}), r.zadd("z", {"a": 5, "d": 4}, xx=True, ch=True), r.zadd("z", {"a": 0}, gt=True)), (3, 1, 0))
    same("ZADD INCR", (r.zadd("z", {"a": 1.5}, incr=True), r.zincrby("z", -5.5, "a")), (6.5, 1.0))
    same("ZRANGE", (r.zrange("z", 0, -1), r.zrange("z", 0, 0, desc=True)), (["a", "b", "c"], ["c"]))
    pairs = [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    scored = [list(pair) for pair in pairs] if r.connection_pool.connection_kwargs.get("protocol") == 3 else pairs
    same("ZRANGE WITHSCORES", r.zrange("z", 0, -1, withscores=True), scored)
    same("ZRANGE BYSCORE", r.zrange("z", 2, "+inf", byscore=True), ["b", "c"])
    same("ZRANGEBYSCORE", (r.zrangebyscore("z", "(1", 3), r.zrevrangebyscore("z", 3, "-inf", start=1, num=1)), (["b", "c"], ["b"]))
    same("ZSCORE", (r.zscore("z", "b"), r.zscore("z", "none"), r.zmscore("z", ["a", "none"])), (2.0, None, [1.0, None]))
    same("ZRANK", (r.zrank("z", "c"), r.zrevrank("z", "c"), r.zrank("z", "none")), (2, 0, None))
    same("ZCOUNT", (r.zcount("z", "-inf", 2), r.zcard("z")), (2, 3))
    r.zadd("lex", {member: 0 for member in "abcde"})
    same("ZRANGEBYLEX", (r.zrangebylex("lex", "[b", "(d"), r.zlexcount("lex", "-", "+")), (["b", "c"], 5))
    same("ZRANGESTORE", (r.zrangestore("d", "lex", 1, 2), r.zrange("d", 0, -1)), (2, ["b", "c"]))
    same("ZUNIONSTORE", (r.zunionstore("d", {"z": 2, "lex": 1}, aggregate="MAX"), r.zscore("d", "c")), (5, 6.0))
    same("ZINTER and ZDIFF", (r.zinter(["z", "lex"]), r.zdiff(["lex", "z"]), r.zintercard(2, ["z", "lex"])), (["a", "b", "c"], ["d", "e"], 3))
    same("ZREMRANGEBY…", (r.zremrangebyrank("lex", 0, 0), r.zremrangebylex("lex", "[e", "+"), r.zremrangebyscore("lex", 1, 2)), (1, 1, 0))
    holds("ZRANDMEMBER", r.zrandmember("z", -7), lambda got: len(got) == 7 and set(got) <= set("abc"))
    same("ZREM", r.zrem("z", "b", "none"), 1)
    same("ZMPOP", len(r.zmpop(2, ["none", "lex"], min=True, count=2)[1]), 2)
    holds("ZPOPMIN", r.zpopmin("z"), lambda got: got in ([("a", 1.0)], [["a", 1.0]], ["a", 1.0]))
    same("ZPOPMAX of many", len(r.zpopmax("z", 5)), 1)
    r.zadd("large", {f"m{i}": i for i in range(2000)})
    same("zscan_iter", dict(r.zscan_iter("large", count=100)), {f"m{i}": float(i) for i in range(2000)})


def streams(r):
    def entries(reply):
        # RESP3 tells a map, RESP2 a list of pairs; with pages of entries inside.
        pairs = reply.items() if isinstance(reply, dict) else reply
        return {key: [entry for page in value for entry in (page if isinstance(page, list) else [page])] for key, value in pairs}

    same("XADD", (r.xadd("x", {"f": 1}, id="5-1"), r.xadd("x", {"f": 2, "g": 3}, id="5-*")), ("5-1", "5-2"))
    same("XADD NOMKSTREAM", r.xadd("none", {"f": 1}, nomkstream=True), None)
    same("XLEN", r.xlen("x"), 2)
    same("XRANGE", r.xrange("x"), [("5-1", {"f": "1"}), ("5-2", {"f": "2", "g": "3"})])
    same("XREVRANGE", r.xrevrange("x", count=1), [("5-2", {"f": "2", "g": "3"})])
    same("XREAD", entries(r.xread({"x": "5-1"})), {"x": [("5-2", {"f": "2", "g": "3"})]})
    same("XGROUP CREATE", (r.xgroup_create("x", "g", "0"), r.xgroup_create("y", "g", mkstream=True)), (True, True))
    refused("XGROUP CREATE again", lambda: r.xgroup_create("x", "g", "0"), "BUSYGROUP")
    same("XREADGROUP", entries(r.xreadgroup("g", "one", {"x": ">"}, count=1)), {"x": [("5-1", {"f": "1"})]})
    same("XREADGROUP of all", entries(r.xreadgroup("g", "two", {"x": ">"})), {"x": [("5-2", {"f": "2", "g": "3"})]})
    same("XPENDING", r.xpending("x", "g")["pending"], 2)
    holds("XPENDING with a range", r.xpending_range("x", "g", "-", "+", 10), lambda all: [one["consumer"] for one in all] == ["one", "two"])
    same("XACK", (r.xack("x", "g", "5-1", "9-9"), r.xack("x", "g", "5-1")), (1, 0))
    same("XCLAIM", r.xclaim("x", "g", "one", 0, ["5-2"], justid=True), ["5-2"])
    same("XAUTOCLAIM", r.xautoclaim("x", "g", "two", 0)[1], [("5-2", {"f": "2", "g": "3"})])
    same("XINFO GROUPS", (r.xinfo_groups("x")[0]["name"], r.xinfo_groups("x")[0]["pending"]), ("g", 1))
    same("XINFO CONSUMERS", sorted(one["name"] for one in r.xinfo_consumers("x", "g")), ["one", "two"])
    same("XINFO STREAM", (r.xinfo_stream("x")["length"], r.xinfo_stream("x", full=True)["length"]), (2, 2))
    same("XGROUP DELCONSUMER", (r.xgroup_delconsumer("x", "g", "two"), r.xgroup_destroy("x", "g")), (1, 1))
    same("XDEL", (r.xdel("x", "5-1", "9-9"), r.xlen("x")), (1, 1))
    for i in range(100):
        r.xadd("t", {"i": i}, maxlen=10, approximate=False)
    same("XADD MAXLEN", (r.xlen("t"), r.xtrim("t", maxlen=5, approximate=False), r.xlen("t")), (10, 5, 5))


def places(r):
    same("GEOADD", r.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")), 2)
    same("GEODIST", (r.geodist("g", "Palermo", "Catania"), r.geodist("g", "Palermo", "none")), (166274.1516, None))
    holds("GEOPOS", r.geopos("g", "Palermo", "none"), lambda got: abs(got[0][0] - 13.361389) < 1e-5 and got[1] is None)
    same("GEOHASH", r.geohash("g", "Palermo"), ["sqc8b49rny0"])
    same("GEOSEARCH", r.geosearch("g", longitude=15, latitude=37, radius=200, unit="km", sort="ASC"), ["Catania", "Palermo"])
    found = r.geosearch("g", member="Palermo", width=400, height=400, unit="km", sort="DESC", withdist=True)
    same("GEOSEARCH WITHDIST", [tuple(one) for one in found], [("Catania", 166.2742), ("Palermo", 0.0)])
    same("GEOSEARCHSTORE", (r.geosearchstore("d", "g", longitude=15, latitude=37, radius=100, unit="km"), r.zcard("d")), (1, 1))
    same("GEORADIUS", r.georadius("g", 15, 37, 100, unit="km"), ["Catania"])


def hyperloglogs(r):
    same("PFADD", (r.pfadd("p", "a", "b", "c"), r.pfadd("p", "a")), (1, 0))
    r.pfadd("q", "c", "d")
    same("PFCOUNT", (r.pfcount("p"), r.pfcount("p", "q"), r.pfcount("none")), (3, 4, 0))
    same("PFMERGE", (r.pfmerge("both", "p", "q"), r.pfcount("both")), (True, 4))
    r.pfadd("many", *range(20000))
    holds("PFCOUNT of many", r.pfcount("many"), lambda count: abs(count - 20000) < 600)


def blocking(r):
    """Several clients wait; each element goes to one of them, the oldest first."""

    def waiter(call, results, name):
        own = type(r)(connection_pool=clone_pool(r))
        results[name] = call(own)
        own.close()

    def wait_until(what, check):
        until = time.monotonic() + 10
        while not check():
            if time.monotonic() > until:
                raise Mismatch(f"{what}: not within 10 s")
            time.sleep(0.005)

    def several(calls, then):
        results, threads = {}, []
        for name, call in calls:
            thread = threading.Thread(target=waiter, args=(call, results, name), daemon=True)
            thread.start()
            threads.append(thread)
            wait_until(f"{name} waits", lambda: r.info("clients")["blocked_clients"] == len(threads))
        then()
        for thread in threads:
            thread.join(20)
        return results

    got = several([(name, lambda own: own.blpop(["none", "q"], 20)) for name in ("first", "second", "third")], lambda: r.rpush("q", 1, 2, 3))
    pair = lambda n: ["q", n] if isinstance(got["first"], list) else ("q", n)
    same("BLPOP, oldest first", got, {"first": pair("1"), "second": pair("2"), "third": pair("3")})
    got = several([("a", lambda own: own.blmove("src", "dst", 20)), ("b", lambda own: own.brpop("dst", 20))], lambda: r.rpush("src", "x"))
    same("BLMOVE feeds BRPOP", (got["a"], list(got["b"])), ("x", ["dst", "x"]))
    got = several([("a", lambda own: own.blmpop(20, 2, "none", "l", direction="LEFT", count=2))], lambda: r.rpush("l", 1, 2, 3))
    same("BLMPOP", got["a"], ["l", ["1", "2"]])
    got = several([("a", lambda own: own.bzpopmin("z", 20)), ("b", lambda own: own.bzmpop(20, 1, ["z"], max=True))], lambda: r.zadd("z", {"a": 1, "b": 2}))
    same("BZPOPMIN", [str(part) for part in got["a"]], ["z", "a", "1.0"])
    same("BZMPOP", got["b"][0], "z")
    got = several([("a", lambda own: own.xread({"s": "$"}, block=20000))], lambda: r.xadd("s", {"f": 1}, id="7-7"))
    holds("XREAD BLOCK", got["a"], lambda reply: "7-7" in str(reply))
    r.xgroup_create("s", "g", "$")
    calls = [(name, lambda own, name=name: own.xreadgroup("g", name, {"s": ">"}, count=1, block=20000)) for name in ("one", "two")]
    got = several(calls, lambda: (r.xadd("s", {"f": 2}, id="8-1"), r.xadd("s", {"f": 3}, id="8-2")))
    same("XREADGROUP BLOCK: each entry to one", ("8-1" in str(got["one"]), "8-2" in str(got["two"])), (True, True))
    same("a wait that ends with nothing", (r.blpop("none", 0.02), r.bzpopmin("none", 0.02), r.blmove("none", "d", 0.02)), (None, None, None))
    results = several([("a", lambda own: own.blpop("none", 20))], lambda: [r.client_unblock(int(c["id"])) for c in r.client_list() if "b" in c["flags"]])
    same("CLIENT UNBLOCK", results, {"a": None})


def publish_subscribe(r):
    def next_message(listener, kinds=("message", "pmessage", "smessage")):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            message = listener.get_sharded_message(timeout=0.5) if "smessage" in kinds and len(kinds) == 1 else listener.get_message(timeout=0.5)
            if message and message["type"] in kinds:
                return (message["type"], message["pattern"], message["channel"], message["data"])
        raise Mismatch(f"no {kinds} within 10 s")

    listener = r.pubsub()
    listener.subscribe("news", "other")
    listener.psubscribe("n?ws", "x*")
    for _ in range(4):
        next_message(listener, ("subscribe", "psubscribe"))
    same("PUBLISH", (r.publish("news", "hello"), r.publish("xyz", "star"), r.publish("nobody", "x")), (2, 1, 0))
    same("the message", next_message(listener), ("message", None, "news", "hello"))
    same("the same by a pattern", next_message(listener), ("pmessage", "n?ws", "news", "hello"))
    same("by another pattern", next_message(listener), ("pmessage", "x*", "xyz", "star"))
    same("PUBSUB", (sorted(r.pubsub_channels()), r.pubsub_numpat(), dict(r.pubsub_numsub("news", "none"))), (["news", "other"], 2, {"news": 1, "none": 0}))
    listener.unsubscribe("news")
    listener.punsubscribe()
    for _ in range(3):
        next_message(listener, ("unsubscribe", "punsubscribe"))
    same("after UNSUBSCRIBE", r.publish("news", "hello"), 0)
    listener.close()
    listener = r.pubsub()
    listener.ssubscribe("shard")
    next_message(listener, ("ssubscribe",))
    same("SPUBLISH", (r.spublish("shard", "hi"), r.publish("shard", "not this")), (1, 0))
    same("the sharded message", next_message(listener), ("smessage", None, "shard", "hi"))
    same("PUBSUB SHARDCHANNELS", (r.pubsub_shardchannels(), dict(r.pubsub_shardnumsub("shard"))), (["shard"], {"shard": 1}))
    listener.close()
    r.config_set("notify-keyspace-events", "KEA")
    listener = r.pubsub()
    listener.psubscribe("__keyevent@0__:*")
    next_message(listener, ("psubscribe",))
    r.rpush("l", 1)
    r.set("dies", 1, px=20)
    seen = [next_message(listener)[2:] for _ in range(4)]
    r.config_set("notify-keyspace-events", "")
    same("keyspace events", seen, [("__keyevent@0__:rpush", "l"), ("__keyevent@0__:set", "dies"), ("__keyevent@0__:expire", "dies"), ("__keyevent@0__:expired", "dies")])
    listener.close()


AREAS = [strings, numbers, bits, keys, expiry, transactions, connection, server]
AREAS += [lists, hashes, sets, sorted_sets, streams, places, hyperloglogs, blocking, publish_subscribe]
AREAS += APPS


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
    await types_with_asyncio(r)
    await r.flushall()


async def types_with_asyncio(r):
    await r.hset("h", mapping={f"f{i}": i for i in range(1000)})
    same("hscan_iter", len({field async for field, _ in r.hscan_iter("h", count=100)}), 1000)
    await r.sadd("s", *range(1000))
    same("sscan_iter", len({member async for member in r.sscan_iter("s", count=100)}), 1000)
    await r.zadd("z", {f"m{i}": i for i in range(1000)})
    same("zscan_iter", len({member async for member, _ in r.zscan_iter("z", count=100)}), 1000)
    same("XADD", await r.xadd("x", {"f": 1}, id="1-1"), "1-1")
    same("XRANGE", await r.xrange("x"), [("1-1", {"f": "1"})])
    # A hundred workers wait at one queue; every job is done once.
    jobs = [str(i) for i in range(300)]
    done = []

    async def worker():
        while True:
            job = await r.blpop("queue", 20)
            if job[1] == "stop":
                return
            done.append(job[1])

    workers = [asyncio.create_task(worker()) for _ in range(100)]
    for job in jobs:
        await r.rpush("queue", job)
    await r.rpush("queue", *["stop"] * len(workers))
    await asyncio.wait_for(asyncio.gather(*workers), 30)
    same("jobs done", sorted(done), sorted(jobs))
    # Two workers move what they take, a third takes what they moved.
    mover = asyncio.create_task(r.blmove("from", "to", 20))
    taker = asyncio.create_task(r.brpop("to", 20))
    await asyncio.sleep(0.05)
    await r.rpush("from", "x")
    same("BLMOVE feeds BRPOP", (await mover, list(await taker)), ("x", ["to", "x"]))
    reader = asyncio.create_task(r.xread({"x": "$"}, block=20000))
    await asyncio.sleep(0.1)
    await r.xadd("x", {"f": 2}, id="2-2")
    holds("XREAD BLOCK", await reader, lambda reply: "2-2" in str(reply))
    listener = r.pubsub()
    await listener.subscribe("news")
    await listener.psubscribe("n*")

    async def messages(count):
        got = []
        while len(got) < count:
            message = await listener.get_message(ignore_subscribe_messages=True, timeout=1)
            if message:
                got.append(message["data"])
        return got

    while await r.pubsub_numpat() == 0:
        await asyncio.sleep(0.01)
    for i in range(50):
        await r.publish("news", i)
    got = await asyncio.wait_for(messages(100), 20)
    same("messages, by name and by pattern", sorted(got, key=int), [str(i) for i in range(50) for _ in range(2)])
    await listener.aclose()


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
    here = os.path.dirname(os.path.abspath(__file__))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)]
    return f"line {frames[-1].lineno} of {os.path.basename(frames[-1].filename)}" if frames else "somewhere"


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
