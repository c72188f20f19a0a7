// A cache in the client that the server invalidates (CLIENT TRACKING with a connection for the messages, RESP2).

import assert from "node:assert/strict";
import { Redis } from "ioredis";

export default async function run(port) {
  const [messages, reader, writer] = [0, 1, 2].map(() => new Redis({ port }));
  const cache = new Map();
  let fetches = 0;
  try {
    await messages.subscribe("__redis__:invalidate");
    messages.on("message", (_, keys) => {
      for (const key of [].concat(keys)) cache.delete(String(key));
    });
    const id = await messages.client("ID").catch(() => null);
    const list = await writer.client("LIST");
    const line = list.split("\n").find((each) => / sub=1 /.test(each));
    const redirect = id ?? /id=(\d+)/.exec(line)[1];
    assert.equal(await reader.client("TRACKING", "ON", "REDIRECT", redirect), "OK");
    const get = async (key) => {
      if (!cache.has(key)) {
        fetches += 1;
        cache.set(key, await reader.get(key));
      }
      return cache.get(key);
    };
    await writer.set("cached", "one");
    assert.equal(await get("cached"), "one");
    assert.equal(await get("cached"), "one");
    assert.equal(fetches, 1);
    await writer.set("cached", "two");
    for (let i = 0; i < 100 && cache.has("cached"); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(await get("cached"), "two");
  } finally {
    [messages, reader, writer].forEach((client) => client.disconnect());
  }
}
