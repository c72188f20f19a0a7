// BullMQ: a thousand jobs with delays, priorities and retries through two workers, each done once.

import assert from "node:assert/strict";
import { Queue, QueueEvents, Worker } from "bullmq";

const JOBS = 1000;
const TIME_MAX_MS = 30_000;

export default async function run(port) {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue("work", { connection });
  const events = new QueueEvents("work", { connection });
  const done = new Map();
  let failures = 0;
  const work = async (job) => {
    // Every tenth job fails at its first try.
    if (job.data.n % 10 === 0 && job.attemptsMade === 0) {
      failures += 1;
      throw new Error("not yet");
    }
    done.set(job.data.n, (done.get(job.data.n) ?? 0) + 1);
    return job.data.n * 2;
  };
  const workers = [1, 2].map(() => new Worker("work", work, { connection, concurrency: 20 }));
  try {
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), ...workers.map((worker) => worker.waitUntilReady())]);
    const finished = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${done.size} of ${JOBS} jobs in ${TIME_MAX_MS} ms`)), TIME_MAX_MS);
      let completed = 0;
      events.on("completed", () => {
        completed += 1;
        if (completed === JOBS) {
          clearTimeout(late);
          resolve();
        }
      });
    });
    const jobs = Array.from({ length: JOBS }, (_, n) => ({
      name: "job",
      data: { n },
      opts: {
        attempts: 3,
        backoff: { type: "fixed", delay: 50 },
        ...(n % 7 === 0 ? { delay: 200 } : {}),
        ...(n % 5 === 0 ? { priority: 1 + (n % 3) } : {}),
      },
    }));
    for (let i = 0; i < JOBS; i += 100) await queue.addBulk(jobs.slice(i, i + 100));
    await finished;
    assert.equal(done.size, JOBS);
    assert.ok([...done.values()].every((times) => times === 1), "a job was done twice");
    assert.equal(failures, JOBS / 10);
    const counts = await queue.getJobCounts("completed", "failed", "delayed", "waiting", "active");
    assert.equal(counts.completed, JOBS);
    assert.equal(counts.failed + counts.delayed + counts.waiting + counts.active, 0);
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
    await events.close();
    await queue.close();
  }
}
