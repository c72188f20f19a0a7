// A rate limiter as applications write it: a sliding window in a sorted set, in one script, from many connections.

import assert from "node:assert/strict";
import { Redis } from "ioredis";

const LIMIT = 50;
const WINDOW_MS = 60_000;
const CLIENTS = 8;
const TRIES = 25;

const LUA = `
  local now = redis.call('TIME')
  local ms = now[1] * 1000 + math.floor(now[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
  redis.call('ZADD', KEYS[1], ms, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
`;

export default async function run(port) {
  const clients = Array.from({ length: CLIENTS }, () => new Redis({ port }));
  try {
    clients.forEach((client) => client.defineCommand("pass", { numberOfKeys: 1, lua: LUA }));
    await clients[0].del("limit");
    const passes = await Promise.all(
      clients.flatMap((client, who) =>
        Array.from({ length: TRIES }, (_, n) => client.pass("limit", LIMIT, WINDOW_MS, `${who}:${n}`)),
      ),
    );
    assert.equal(passes.reduce((sum, pass) => sum + pass, 0), LIMIT);
    assert.equal(await clients[0].zcard("limit"), LIMIT);
  } finally {
    clients.forEach((client) => client.disconnect());
  }
}
