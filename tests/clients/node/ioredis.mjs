// ioredis: types, pipelines, transactions, scripts as commands, blocking, publish/subscribe, streams, scan streams.

import assert from "node:assert/strict";
import { Redis } from "ioredis";

export default async function run(port) {
  const redis = new Redis({ port });
  const other = new Redis({ port });
  try {
    await redis.flushall();
    await types(redis);
    await transactions(redis, other);
    await scripts(redis);
    await blocking(redis, other);
    await pubsub(redis, port);
    await streams(redis);
    await scans(redis);
  } finally {
    redis.disconnect();
    other.disconnect();
  }
}

async function types(redis) {
  assert.equal(await redis.set("k", "v", "EX", 100), "OK");
  assert.equal(await redis.get("k"), "v");
  assert.ok((await redis.ttl("k")) > 90);
  assert.deepEqual(await redis.getBuffer("k"), Buffer.from("v"));
  assert.equal(await redis.hset("h", { a: "1", b: "2" }), 2);
  assert.deepEqual(await redis.hgetall("h"), { a: "1", b: "2" });
  assert.equal(await redis.rpush("l", "a", "b", "c"), 3);
  assert.deepEqual(await redis.lrange("l", 0, -1), ["a", "b", "c"]);
  assert.equal(await redis.sadd("s", "x", "y"), 2);
  assert.equal(await redis.zadd("z", 1, "one", 2.5, "two"), 2);
  assert.deepEqual(await redis.zrange("z", 0, -1, "WITHSCORES"), ["one", "1", "two", "2.5"]);
  assert.equal(await redis.geoadd("g", 13.361389, 38.115556, "Palermo"), 1);
  assert.equal(await redis.pfadd("p", "a", "b"), 1);
  await assert.rejects(redis.lpush("k", "x"), /WRONGTYPE/);
}

async function transactions(redis, other) {
  const results = await redis.pipeline().set("n", 1).incr("n").get("n").exec();
  assert.deepEqual(results, [[null, "OK"], [null, 2], [null, "2"]]);
  assert.deepEqual(await redis.multi().incr("n").incr("n").exec(), [[null, 3], [null, 4]]);
  await redis.watch("n");
  await other.incr("n");
  assert.equal(await redis.multi().incr("n").exec(), null);
}

async function scripts(redis) {
  redis.defineCommand("addup", {
    numberOfKeys: 1,
    lua: "return redis.call('INCRBY', KEYS[1], ARGV[1]) + tonumber(ARGV[2])",
  });
  assert.equal(await redis.addup("sum", 5, 10), 15);
  assert.equal(await redis.addup("sum", 5, 10), 20);
  assert.deepEqual(await redis.eval("return {1, 'two', false, {3}}", 0), [1, "two", null, [3]]);
}

async function blocking(redis, other) {
  const popped = redis.blpop("queue", "later", 5);
  setTimeout(() => other.rpush("later", "x"), 50);
  assert.deepEqual(await popped, ["later", "x"]);
  assert.equal(await redis.blpop("queue", 0.1), null);
}

async function pubsub(redis, port) {
  const listener = new Redis({ port });
  try {
    const heard = [];
    listener.on("message", (channel, message) => heard.push([channel, message]));
    listener.on("pmessage", (pattern, channel, message) => heard.push([pattern, channel, message]));
    await listener.subscribe("news");
    await listener.psubscribe("n*");
    assert.equal(await redis.publish("news", "hi"), 2);
    for (let i = 0; i < 100 && heard.length < 2; i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(heard, [["news", "hi"], ["n*", "news", "hi"]]);
  } finally {
    listener.disconnect();
  }
}

async function streams(redis) {
  const id = await redis.xadd("st", "*", "f", "v");
  await redis.xgroup("CREATE", "st", "g", "0");
  const read = await redis.xreadgroup("GROUP", "g", "c", "COUNT", 10, "STREAMS", "st", ">");
  assert.deepEqual(read, [["st", [[id, ["f", "v"]]]]]);
  assert.equal(await redis.xack("st", "g", id), 1);
}

async function scans(redis) {
  for (let i = 0; i < 500; i += 1) redis.set(`scan:${i}`, i);
  const found = new Set();
  for await (const keys of redis.scanStream({ match: "scan:*", count: 50 })) keys.forEach((key) => found.add(key));
  assert.equal(found.size, 500);
}
