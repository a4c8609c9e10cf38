/**
 * Measures what it costs to send messages to another worker of the same process and back: by a ring
 * in shared memory, by `postMessage`, and by a Unix socket. CPU of all threads, in µs a message.
 *
 * - `ping`: one message of 64 bytes there and one back, one at a time;
 * - `pause`: the same, with 1 ms between two pings, so that both threads sleep in between; beside it
 *   what these timers cost without a message;
 * - `flood`: batches of 1000 messages of 80 bytes, in one direction.
 *
 *     deno run --allow-all bench/ring.ts [ping] [pause] [flood] [--messages N]
 *
 * @module
 */
// deno-lint-ignore-file no-console
import process from "node:process";
import { readCommandLine, refuse } from "../tests/harness/command_line.ts";
import { makeRing } from "../transport/ring/ring_buffers.ts";
import { ringTransport } from "../transport/ring/ring_transport.ts";
import type { Transport } from "../transport/transport.ts";
import { END, type Order, type Task } from "./ring/order.ts";
import { BenchReceiver } from "./ring/receiver.ts";

const PING_BYTES = 64;
const FRAME_BYTES = 80;
const BATCH = 1000;

type Way = "ring" | "postMessage" | "unix socket" | "nothing";
const WAYS: readonly Way[] = ["ring", "postMessage", "unix socket"];

/** A link to the other thread. */
interface Link {
  send(bytes: Uint8Array): Promise<void> | null;
  /** Resolves with what comes next; in pieces. */
  onBytes: (bytes: Uint8Array) => void;
  close(): void;
}

async function open(way: Way, task: Task): Promise<Link> {
  if (way === "nothing") {
    const link: Link = {
      send: (bytes) => (link.onBytes(bytes), null),
      onBytes: () => {},
      close: () => {},
    };
    return link;
  }
  const worker = new Worker(new URL("./ring/peer.ts", import.meta.url), { type: "module" });
  const ready = new Promise<void>((resolve) => worker.onmessage = () => resolve());
  const order = (more: Omit<Order, "task"> = {}) => worker.postMessage({ task, ...more });
  if (way === "postMessage") {
    order();
    await ready;
    const link: Link = {
      send: (bytes) => (worker.postMessage(bytes), null),
      onBytes: () => {},
      close: () => worker.terminate(),
    };
    worker.onmessage = ({ data }) => link.onBytes(data);
    return link;
  }
  let transport: Transport;
  if (way === "ring") {
    const ring = makeRing();
    order({ ring });
    await ready;
    transport = ringTransport(ring, 0);
  } else {
    const path = await Deno.makeTempDir() + "/socket";
    using listener = Deno.listen({ transport: "unix", path });
    order({ path });
    transport = await listener.accept();
    await ready;
    await Deno.remove(path);
  }
  const receiver = new BenchReceiver(transport, (bytes) => link.onBytes(bytes));
  const link: Link = {
    send: (bytes) => receiver.write(bytes),
    onBytes: () => {},
    close: () => {
      receiver.close();
      worker.terminate();
    },
  };
  return link;
}

/** Sends a message there and back, again and again. */
async function ping(link: Link, count: number, pauseMs: number): Promise<void> {
  const message = new Uint8Array(PING_BYTES);
  const done = Promise.withResolvers<void>();
  let left = count;
  let bytes = 0;
  link.onBytes = (piece) => {
    bytes += piece.length;
    if (bytes < PING_BYTES) return;
    bytes = 0;
    if (--left === 0) done.resolve();
    else if (pauseMs === 0) link.send(message);
    else setTimeout(() => link.send(message), pauseMs);
  };
  link.send(message);
  await done.promise;
}

/** Sends batches as fast as the link takes them. */
async function flood(link: Link, count: number): Promise<void> {
  const batch = new Uint8Array(BATCH * FRAME_BYTES);
  const done = new Promise<void>((resolve) => link.onBytes = () => resolve());
  for (let sent = 0; sent < count; sent += BATCH) {
    const isLast = sent + BATCH >= count;
    await link.send(isLast ? batch.slice().fill(END, -1) : batch);
    // A broker handles something else between two batches.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
}

const CASES = {
  ping: {
    task: "echo",
    share: 1,
    ways: WAYS,
    messages: 2,
    run: (link: Link, n: number) => ping(link, n, 0),
  },
  pause: {
    task: "echo",
    share: 0.05,
    ways: ["nothing", ...WAYS],
    messages: 2,
    run: (link: Link, n: number) => ping(link, n, 1),
  },
  flood: { task: "count", share: 200, ways: WAYS, messages: 1, run: flood },
} as const;

if (import.meta.main) {
  const known = Object.keys(CASES) as (keyof typeof CASES)[];
  const flags = readCommandLine(Deno.args, { whole: ["messages"], wordsMax: known.length });
  const unknown = flags._.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) refuse(`Unknown case: ${unknown} (known are ${known.join(", ")})`);
  const chosen = known.filter((name) => flags._.length === 0 || flags._.includes(name));
  const count = Number(flags.messages ?? 20_000);
  for (const name of chosen) {
    const { task, share, ways, messages, run } = CASES[name];
    for (const way of ways) {
      const link = await open(way, task);
      const times = Math.ceil(count * share);
      await run(link, Math.ceil(times / 4));
      const cpu = process.cpuUsage();
      const startMs = performance.now();
      await run(link, times);
      const ms = performance.now() - startMs;
      const { user, system } = process.cpuUsage(cpu);
      const perMessage = (us: number) => (us / times / messages).toFixed(3);
      console.log(
        `${name}, ${way}: ${perMessage(user + system)} µs CPU, ${perMessage(ms * 1000)} µs ` +
          `a message (${times * messages} messages)`,
      );
      link.close();
    }
  }
}
