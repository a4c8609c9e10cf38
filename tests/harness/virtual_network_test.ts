import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { type BytePipe, writeAll } from "./byte_pipe.ts";
import { Random } from "./random.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { type NetworkOptions, VirtualNetwork } from "./virtual_network.ts";

/** Sends back whatever comes, until the other end is done. */
async function echo(pipe: BytePipe): Promise<void> {
  const buffer = new Uint8Array(64);
  for (let count; (count = await pipe.read(buffer)) !== null;) {
    await writeAll(pipe, buffer.slice(0, count));
  }
  pipe.close();
}

async function readBytes(pipe: BytePipe, count: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let missing = count; missing > 0;) {
    const buffer = new Uint8Array(missing);
    const length = await pipe.read(buffer);
    if (length === null) break;
    pieces.push(buffer.subarray(0, length));
    missing -= length;
  }
  return concat(pieces);
}

function network(options: Partial<NetworkOptions> = {}) {
  const clock = new VirtualClock();
  const servers: BytePipe[] = [];
  const made = new VirtualNetwork({
    seed: 1,
    clock,
    accept: (end) => servers.push(end),
    ...options,
  });
  return { clock, network: made, servers };
}

/** Connects and lets the server accept. */
async function connected(options: Partial<NetworkOptions> = {}) {
  const made = network(options);
  const client = made.network.connect();
  await made.clock.advance(100);
  return { ...made, client, server: made.servers[0]! };
}

/** Has three connections echo 1,000 bytes each; tells how the run went. */
async function echoRun(seed: number): Promise<{ fingerprint: number; endMs: number }> {
  const made = network({ seed, windowBytes: 100, accept: (end) => void echo(end) });
  const runs = Array.from({ length: 3 }, async () => {
    const bytes = made.network.random.bytes(1_000);
    const client = made.network.connect();
    const [, answer] = await Promise.all([writeAll(client, bytes), readBytes(client, 1_000)]);
    assertEquals(answer, bytes);
    client.close();
  });
  let isDone = false;
  Promise.all(runs).then(() => isDone = true);
  assert(await made.clock.advanceUntil(() => isDone, 100_000));
  const endMs = made.clock.now();
  await made.clock.advance(100);
  assertEquals(made.network.connections.size, 0);
  return { fingerprint: made.network.fingerprint, endMs };
}

Deno.test("VirtualNetwork carries bytes unchanged, and a seed repeats the run", async () => {
  const first = await echoRun(7);
  assertEquals(await echoRun(7), first);
  assertNotEquals((await echoRun(8)).fingerprint, first.fingerprint);
});

Deno.test("VirtualNetwork splits what is written in many ways", async () => {
  const { clock, client, server } = await connected();
  const lengths = new Set<number>();
  const buffer = new Uint8Array(10);
  for (let round = 0; round < 200; round++) {
    await writeAll(client, new Uint8Array(10));
    await clock.advance(50);
    for (let read = 0; read < 10;) {
      const count = await server.read(buffer) ?? 0;
      lengths.add(count);
      read += count;
    }
  }
  assertEquals([...lengths].sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

Deno.test("VirtualNetwork lets a write wait until the reader has made room", async () => {
  const { clock, client, server } = await connected({ windowBytes: 16 });
  let isWritten = false;
  const writing = writeAll(client, new Uint8Array(17)).then(() => isWritten = true);
  await clock.advance(1_000);
  assertEquals(isWritten, false);
  assertEquals(await server.read(new Uint8Array(1)), 1);
  await clock.advance(1_000);
  await writing;
});

Deno.test("VirtualNetwork delivers what was written before a close, then the end", async () => {
  const { clock, client, server } = await connected();
  await writeAll(client, Uint8Array.of(1, 2, 3));
  client.close();
  await clock.advance(100);
  assertEquals(await readBytes(server, 4), Uint8Array.of(1, 2, 3));
  await assertRejects(() => server.write(Uint8Array.of(4)), Deno.errors.BrokenPipe);
  await assertRejects(() => client.read(new Uint8Array(1)), Deno.errors.BadResource);
  assertThrows(() => client.close(), Deno.errors.BadResource);
});

Deno.test("VirtualNetwork interrupts a read whose own end is closed", async () => {
  const { client } = await connected();
  const reading = assertRejects(() => client.read(new Uint8Array(1)), Deno.errors.Interrupted);
  client.close();
  await reading;
});

Deno.test("VirtualNetwork resets both ends of a connection that is cut", async () => {
  const { clock, network, client, server } = await connected();
  const reading = assertRejects(() => server.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  await writeAll(client, Uint8Array.of(1));
  network.cutOne();
  await clock.advance(100);
  await reading;
  await assertRejects(() => client.write(Uint8Array.of(2)), Deno.errors.ConnectionReset);
  assertEquals(network.connections.size, 0);
});

Deno.test("VirtualNetwork cuts by chance, the sooner the stormier", async () => {
  const { clock, client, network } = await connected({ cutChance: 0.1 });
  const storm = assertRejects(async () => {
    for (;;) await client.write(Uint8Array.of(0));
  }, Deno.errors.ConnectionReset);
  await clock.advanceUntil(() => network.connections.size === 0, 100_000);
  await storm;
});

Deno.test("Random draws every number of a range, evenly", () => {
  const random = new Random(42);
  const drawn = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw++) drawn[random.integer(0, 9)]!++;
  for (const count of drawn) assert(count > 850 && count < 1_150, `drawn: ${drawn}`);
});
