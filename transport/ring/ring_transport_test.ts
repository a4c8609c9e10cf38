import { assertEquals, assertRejects } from "@std/assert";
import { Child } from "../../tests/harness/child.ts";
import { eventually } from "../../tests/harness/eventually.ts";
import { closeRing, makeRing } from "./ring_buffers.ts";
import { RingBrokenError } from "./ring_pipe.ts";
import { ringTransport } from "./ring_transport.ts";
import type { Order } from "./testdata/ring_worker.ts";

const WORKER = new URL("./testdata/ring_worker.ts", import.meta.url);
const DEADLINE_MS = 30_000;

/** Starts a worker with an order. Its answers come in turn. */
function start(order: Order): { worker: Worker; answer(): Promise<unknown> } {
  const worker = new Worker(WORKER, { type: "module" });
  const answer = () =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  worker.postMessage(order);
  return { worker, answer };
}

/** The bytes of the test, and what the worker makes of them. */
function pattern(length: number): { bytes: Uint8Array<ArrayBuffer>; sum: number } {
  const bytes = new Uint8Array(length);
  let sum = 0;
  for (let i = 0; i < length; i++) {
    bytes[i] = i * 7 + (i >> 8);
    sum = Math.imul(sum, 31) + bytes[i]! | 0;
  }
  return { bytes, sum };
}

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("a ring passes bytes on to a worker and back, in order, through a small ring", async () => {
  const ring = makeRing({ capacityBytes: 1024 });
  const { worker, answer } = start({ ring, task: "echo" });
  const answered = answer();
  const transport = ringTransport(ring, 0);
  const { bytes, sum } = pattern(300_001);
  const reading = (async () => {
    const got: number[] = [];
    const target = new Uint8Array(777);
    for (let n = await transport.read(target); n !== null; n = await transport.read(target)) {
      for (const byte of target.subarray(0, n)) got.push(byte);
    }
    return got;
  })();
  for (let at = 0; at < bytes.length;) at += await transport.write(bytes.subarray(at, at + 1501));
  await transport.closeWrite!();
  assertEquals(Uint8Array.from(await reading), bytes);
  transport.close();
  assertEquals(await answered, { all: bytes.length, sum });
  worker.terminate();
});

Deno.test("a ring keeps the bytes of a side that has closed", async () => {
  const ring = makeRing();
  const transport = ringTransport(ring, 0);
  const { bytes, sum } = pattern(100_000);
  await transport.write(bytes);
  transport.close();
  await assertRejects(() => transport.read(new Uint8Array(1)), Error, "The ring is closed");
  await assertRejects(() => transport.write(new Uint8Array(1)), Error, "closed ring");
  // It is opened only now.
  const { worker, answer } = start({ ring, task: "count" });
  assertEquals(await answer(), { all: bytes.length, sum });
  worker.terminate();
});

Deno.test("a worker that has died leaves what it has written, and then an error", async () => {
  const ring = makeRing();
  const { worker, answer } = start({ ring, task: "die", bytes: 10_000 });
  const transport = ringTransport(ring, 0);
  assertEquals(await answer(), "written");
  worker.terminate();
  const target = new Uint8Array(20_000);
  assertEquals(await transport.read(target), 10_000);
  const reading = transport.read(target);
  closeRing(ring);
  await assertRejects(() => reading, RingBrokenError);
  await assertRejects(() => transport.write(target), RingBrokenError);
  transport.close();
});

Deno.test("a write that waits for a worker that has died fails", async () => {
  const ring = makeRing({ capacityBytes: 64 });
  const { worker, answer } = start({ ring, task: "die" });
  const transport = ringTransport(ring, 0);
  assertEquals(await answer(), "written");
  worker.terminate();
  const writing = transport.write(new Uint8Array(100));
  closeRing(ring);
  await assertRejects(() => writing, RingBrokenError);
  transport.close();
});

Deno.test("rings leave no descriptors, whether they are closed or their worker dies", async () => {
  const once = async (task: "echo" | "die") => {
    const ring = makeRing({ capacityBytes: 4096 });
    const { worker, answer } = start({ ring, task });
    const answered = answer();
    const transport = ringTransport(ring, 0);
    if (task === "echo") {
      await transport.write(new Uint8Array(10));
      await transport.read(new Uint8Array(10));
      await transport.closeWrite!();
    }
    await answered;
    worker.terminate();
    closeRing(ring);
    transport.close();
  };
  await once("echo");
  await once("die");
  const before = openFiles();
  for (let i = 0; i < 5; i++) {
    await once("echo");
    await once("die");
  }
  // The thread of a worker ends a little later than terminate().
  await eventually("there are as many descriptors as before", () => openFiles() <= before);
});

/** Runs a program that has the functions of this room, and returns its outcome. */
async function outcome(program: string): Promise<unknown> {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    import { makeRing } from ${at("./ring_buffers.ts")};
    import { ringTransport } from ${at("./ring_transport.ts")};
    const WORKER = ${JSON.stringify(WORKER.href)};
    ${program}`;
  await using child = new Child(Deno.execPath(), ["eval", "--no-check", "--no-lock", code], {
    env: { NO_COLOR: "1" },
  });
  return await child.outcome(DEADLINE_MS);
}

Deno.test("a process ends by itself when its rings are closed", async () => {
  const program = `
    const ring = makeRing();
    const worker = new Worker(WORKER, { type: "module" });
    worker.postMessage({ ring, task: "echo" });
    const transport = ringTransport(ring, 0);
    await transport.write(new Uint8Array(3));
    const count = await transport.read(new Uint8Array(9));
    await transport.closeWrite();
    const end = await transport.read(new Uint8Array(9));
    transport.close();
    console.log(count, end);`;
  assertEquals(await outcome(program), { code: 0, stdout: "3 null\n", stderr: "" });
});

Deno.test("an open ring keeps its process alive", async () => {
  const program = `
    const ring = makeRing();
    const [one, other] = [ringTransport(ring, 0), ringTransport(ring, 1)];
    Deno.unrefTimer(setTimeout(() => other.write(new Uint8Array(3)), 100));
    const count = await one.read(new Uint8Array(9));
    one.close();
    other.close();
    console.log(count);`;
  assertEquals(await outcome(program), { code: 0, stdout: "3\n", stderr: "" });
});
