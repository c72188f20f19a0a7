// ioredis and BullMQ against Basalt: node run.mjs [ioredis] [bullmq] [limiter] [cache]
//
// Starts $BASALT on a free port in a folder of its own, prints a line for each scenario, exits with 1 at the first
// mismatch. Its packages are those of package.json (`npm install` here, or as .ci/run does it in a copy).

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCENARIOS = ["ioredis", "limiter", "cache", "bullmq"];

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}

async function start() {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "basalt-node-"));
  const child = spawn(process.env.BASALT, ["--port", port, "--dir", dir, "--save", "", "--logfile", join(dir, "log")], {
    stdio: "ignore",
  });
  child.on("error", (error) => {
    console.error(`${process.env.BASALT}: ${error.message}`);
    process.exit(1);
  });
  for (let i = 0; i < 400; i += 1) {
    if (await accepts(port)) return { port, dir, child };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the server does not accept connections");
}

const wanted = process.argv.slice(2);
const server = await start();
let failed = false;
try {
  for (const name of wanted.length > 0 ? wanted : SCENARIOS) {
    const from = Date.now();
    const { default: run } = await import(`./${name}.mjs`);
    await run(server.port);
    console.log(`ok ${name} (${Date.now() - from} ms)`);
  }
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  server.child.kill("SIGTERM");
  await new Promise((resolve) => server.child.on("exit", resolve));
  rmSync(server.dir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
