"""What applications build on redis-py: a rate limiter from many connections, and caches in the client that the server
keeps true (CLIENT TRACKING): redis-py's own with RESP3, one over a second connection with RESP2.

Run by redis_py.py, for every protocol and kind of connection.
"""

import threading
import time

import redis

# A sliding window in a sorted set, in one script.
PASS = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], ms, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""


def another(r, **changes):
    """A client of its own, to the same place."""
    kwargs = r.connection_pool.connection_kwargs
    where = {"unix_socket_path": kwargs["path"]} if "path" in kwargs else {"host": kwargs["host"], "port": kwargs["port"]}
    return redis.Redis(**{**where, "protocol": kwargs["protocol"], "decode_responses": True, **changes})


def wait_until(what, check):
    until = time.monotonic() + 10
    while not check():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.005)


def limiter(r):
    """Eight connections ask 25 times each; 50 pass, and again when the window has gone by."""
    limit, passed = 50, []

    def ask(who, window_ms):
        own = another(r)
        allowed = own.register_script(PASS)
        passed.append(sum(allowed(keys=["limit"], args=[limit, window_ms, f"{who}:{n}"]) for n in range(25)))
        own.close()

    def all_ask(window_ms):
        passed.clear()
        threads = [threading.Thread(target=ask, args=(who, window_ms)) for who in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return sum(passed)

    assert all_ask(60_000) == limit, passed
    assert r.zcard("limit") == limit and 0 < r.pttl("limit") <= 60_000
    assert all_ask(60_000) == 0, passed
    # With a short window who comes later passes again.
    r.delete("limit")
    allowed = r.register_script(PASS)
    assert [allowed(keys=["limit"], args=[2, 200, f"{n}"]) for n in range(3)] == [1, 1, 0]
    wait_until("the window to pass", lambda: allowed(keys=["limit"], args=[2, 200, "later"]) == 1)
    # A window of fixed length, as it is written with a pipeline.
    with r.pipeline() as pipe:
        counts = [pipe.incr("fixed").expire("fixed", 60, nx=True).execute() for _ in range(3)]
    assert counts == [[1, True], [2, False], [3, False]], counts


def cache(r):
    kwargs = r.connection_pool.connection_kwargs
    if kwargs["protocol"] == 3 and "path" not in kwargs:  # redis-py has none over Unix sockets
        cache_of_the_client(r)
    cache_over_a_second_connection(r)


def reads(r):
    return r.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"]


def cache_of_the_client(r):
    from redis.cache import CacheConfig

    reader = another(r, cache_config=CacheConfig(max_size=100))
    r.set("cached", "one")
    before = reads(r)
    assert [reader.get("cached") for _ in range(10)] == ["one"] * 10
    assert reads(r) == before + 1, "read again though nothing had changed"
    r.set("cached", "two")
    wait_until("the invalidation", lambda: reader.get("cached") == "two")
    for change in (lambda: r.expire("cached", 100), lambda: r.rename("cached", "gone"), r.flushall):
        reader.get("cached")
        change()
        wait_until("the invalidation", lambda: reader.get("cached") == r.get("cached"))
    reader.close()


def cache_over_a_second_connection(r):
    """The messages go to a subscriber; whoever reads, tells the server where (REDIRECT)."""
    listener, kept, fetches = another(r, protocol=2), {}, []
    messages = listener.pubsub()
    messages.subscribe("__redis__:invalidate")
    assert messages.get_message(timeout=10)["type"] == "subscribe"
    clients = [line for line in r.client_list() if line["sub"] == "1"]
    assert len(clients) == 1, clients
    connection = another(r, protocol=2, single_connection_client=True)
    assert connection.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", clients[0]["id"]) in ("OK", b"OK", True)
    assert connection.client_getredir() == int(clients[0]["id"])

    def take_messages(timeout=0.0):
        message = messages.get_message(timeout=timeout)
        if message and message["type"] == "message":
            gone = message["data"]
            [kept.pop(key, None) for key in ([gone] if isinstance(gone, str) else gone or list(kept))]

    def get(key):
        take_messages()
        if key not in kept:
            fetches.append(key)
            kept[key] = connection.get(key)
        return kept[key]

    r.mset({f"c{i}": i for i in range(20)})
    assert [get(f"c{i % 20}") for i in range(100)] == [str(i % 20) for i in range(100)]
    assert len(fetches) == 20, fetches
    r.set("c7", "new")

    def invalidated(key):
        take_messages(0.01)
        return key not in kept

    wait_until("the message about c7", lambda: invalidated("c7"))
    assert get("c7") == "new" and len(fetches) == 21
    # Time ends a key without a command.
    r.set("c8", "short", px=50)
    wait_until("the message about c8", lambda: invalidated("c8"))
    assert get("c8") == "short" or get("c8") is None
    wait_until("the end of c8", lambda: get("c8") is None)
    connection.close()
    messages.close()
    listener.close()


APPS = [limiter, cache]
