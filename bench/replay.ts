/**
 * What streams cost, in processor time of the whole process, with a store on the disk:
 *
 * - `publish`: QoS 0 and QoS 1 messages into a stream, beside the same with no stream, and beside
 *   QoS 1 messages that are stored for a session, or for both;
 * - `find`: how long it takes to find a sequence and a time among ten million messages;
 * - `replay`: 1,000,000 messages of 100 bytes to one subscriber: QoS 0 in 3.1.1 and 5.0, QoS 1 and
 *   2, also to a session that lasts; and to the members of a group.
 *
 *     deno run --allow-all bench/replay.ts [publish] [find] [replay] [--messages N]
 *
 * The broker is in this process, and talks to a pipe in memory: no socket is part of the figures.
 *
 * @module
 */
import process from "node:process";
import { encodePacket, type ProtocolVersion, type QoS } from "../codec/mod.ts";
import { Broker } from "../mod.ts";
import { SqliteStore } from "../store/mod.ts";
import { Streams } from "../stream/mod.ts";
import { refuse } from "../tests/harness/command_line.ts";
import { InstantPipe } from "../tests/harness/instant_pipe.ts";

const PAYLOAD = new Uint8Array(100);
/** A session that is away keeps everything. */
const LIMITS = { backlogMessagesMax: 1_000_000_000, backlogBytesMax: 2 ** 40 };
const DAY = { name: "day", filters: ["t/#"], maxMessages: 1_000_000_000 };

/** Where a message goes that is published. */
const AUDIENCES = {
  "no stream": { topic: "other", end: null },
  "into a stream": { topic: "t/1", end: "t/end" },
  "to a durable session that is away": { topic: "away/1", end: null },
  "to a durable session that is connected": { topic: "here/1", end: null },
  "into a stream and to a durable session that is away": { topic: "t/away/1", end: "t/end" },
};

async function publish(count: number): Promise<void> {
  for (const qos of [0, 1] as const) {
    for (const [what, { topic, end }] of Object.entries(AUDIENCES)) {
      // A message with QoS 0 is not stored for a session.
      if (qos === 0 && what.includes("durable")) continue;
      await withBroker(async (broker) => {
        for (const filter of ["away/#", "t/away/#", "here/#"]) {
          const reader = new BenchClient(broker, 4, filter, false);
          reader.subscribe(filter, 1);
          await reader.subscribed;
          if (filter !== "here/#") reader.pipe.cut();
        }
        const client = new BenchClient(broker, 4, "publisher");
        const batch = encodeMany(topic, qos);
        // At first the code is not compiled.
        for (const part of ["first", "next"]) {
          const used = cpu();
          for (let sent = 0; sent < count / 10; sent += batch.count) {
            client.pipe.feed(batch.bytes.slice());
            await client.settled(qos === 0 ? 0 : batch.count);
          }
          await broker.publish("end", "", { qos: 1 });
          if (end !== null) await broker.stream("day")!.append(end, "");
          const cost = perMessage(used, count / 10);
          say(`publish QoS ${qos}, ${what}, the ${part} ${count / 10}: ${cost}`);
        }
      });
    }
  }
}

async function find(count: number): Promise<void> {
  const directory = await Deno.makeTempDir();
  let now = 0;
  const total = count * 10;
  {
    await using streams = await Streams.open(await SqliteStore.open(directory), { now: () => now });
    const day = await streams.declare("day", { maxMessages: 1e12 });
    let last: Promise<number> = Promise.resolve(0);
    for (let i = 0; i < total; i++) {
      now += 10;
      last = day.append("t/1", PAYLOAD.subarray(0, 20));
      last.catch(() => {});
      if (i % 10_000 === 0) await last;
    }
    await last;
  }
  const began = performance.now();
  await using streams = await Streams.open(await SqliteStore.open(directory), { now: () => now });
  const day = await streams.declare("day", { maxMessages: 1e12 });
  say(`find: opened ${day.messages} messages in ${(performance.now() - began).toFixed(1)} ms`);
  for (const what of ["after", "since"] as const) {
    const times: number[] = [];
    for (let i = 1; i < 100; i++) {
      const at = Math.floor(total / 100 * i);
      const start = performance.now();
      const options = what === "after" ? { after: at } : { since: at * 10 };
      for await (const _ of day.read(options)) break;
      times.push(performance.now() - start);
    }
    // The first time the code is not compiled.
    const [first, ...rest] = times as [number, ...number[]];
    rest.sort((a, b) => a - b);
    const [median, longest] = [rest[48]!, rest.at(-1)!];
    say(
      `find ${what}: the first ${first.toFixed(2)} ms, then median ${median.toFixed(2)} ms, ` +
        `longest ${longest.toFixed(2)} ms`,
    );
  }
  await Deno.remove(directory, { recursive: true });
}

async function replay(count: number): Promise<void> {
  await withBroker(async (broker) => {
    const stream = broker.stream("day")!;
    let last: Promise<number> = Promise.resolve(0);
    for (let i = 0; i < count; i++) {
      last = stream.append(`t/${i % 100}`, PAYLOAD);
      if (i % 10_000 === 0) await last;
    }
    await last;
    say(`replay: ${count} messages are stored`);
    // What filling has left behind for other threads is no part of the figures.
    await quiet();
    const readers = [[4, 0], [5, 0], [4, 1], [5, 1], [5, 2], [4, 1, "stored"], [4, 2, "stored"]];
    for (const [version, qos, kind = ""] of readers as [4 | 5, QoS, string?][]) {
      const client = new BenchClient(broker, version, `reader${version}${qos}${kind}`, kind === "");
      const used = cpu();
      client.subscribe("$replay/day/earliest/t/#", qos);
      await client.settled(count);
      const what = `${version === 4 ? "3.1.1" : "5.0"} QoS ${qos}${
        kind && ", a session that lasts"
      }`;
      say(`replay ${what}: ${perMessage(used, count)}`);
      client.pipe.cut();
    }
    for (const members of [1, 4]) {
      const clients = Array.from(
        { length: members },
        (_, i) => new BenchClient(broker, 5, `member${members}${i}`),
      );
      const used = cpu();
      for (const client of clients) {
        client.subscribe(`$share/of${members}/$replay/day/earliest/t/#`, 1);
      }
      while (clients.reduce((sum, { frames }) => sum + frames, 0) < count) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      say(`replay 5.0 QoS 1 to a group of ${members}: ${perMessage(used, count)}`);
      for (const client of clients) client.pipe.cut();
    }
  });
}

/** A client that counts what it gets, and acknowledges it. */
class BenchClient {
  readonly pipe: InstantPipe;
  #frames = 0;
  #wanted = 0;
  #done = Promise.withResolvers<void>();
  readonly #suback = Promise.withResolvers<void>();
  #rest = new Uint8Array(0);

  constructor(
    broker: Broker,
    readonly version: ProtocolVersion,
    clientId: string,
    cleanStart = true,
  ) {
    this.pipe = new InstantPipe(Infinity, (bytes) => this.#count(bytes));
    broker.accept(this.pipe, { address: "192.0.2.1" });
    this.pipe.feed(encodePacket({
      type: "connect",
      protocolVersion: version,
      clientId,
      cleanStart,
      keepAlive: 0,
      properties: {},
      will: null,
      username: null,
      password: null,
    }, version));
  }

  /** How many PUBLISH and PUBACK packets have come. */
  get frames(): number {
    return this.#frames;
  }

  /** Resolves when a SUBACK has come. */
  get subscribed(): Promise<void> {
    return this.#suback.promise;
  }

  subscribe(filter: string, qos: QoS): void {
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscriptions = [{ filter, ...options }];
    const packet = { type: "subscribe", packetId: 1, properties: {}, subscriptions } as const;
    this.pipe.feed(encodePacket({ ...packet, subscriptions }, this.version));
  }

  /** Waits for so many PUBLISH or PUBACK packets; with 0, until others have had their turn. */
  async settled(frames: number): Promise<void> {
    this.#wanted += frames;
    if (frames === 0) return await new Promise((resolve) => setTimeout(resolve, 0));
    if (this.#frames >= this.#wanted) return;
    this.#done = Promise.withResolvers();
    await this.#done.promise;
  }

  #count(bytes: Uint8Array): void {
    let all = bytes;
    if (this.#rest.length > 0) {
      all = new Uint8Array(this.#rest.length + bytes.length);
      all.set(this.#rest);
      all.set(bytes, this.#rest.length);
    }
    let at = 0;
    const acks: number[] = [];
    while (at + 2 <= all.length) {
      let body = at + 1;
      let length = 0;
      for (let shift = 0; body < all.length; shift += 7) {
        const byte = all[body++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      if (body + length > all.length) break;
      const first = all[at]!;
      if (first >> 4 === 3 || first >> 4 === 4) this.#frames++;
      if (first >> 4 === 9) this.#suback.resolve();
      if (first >> 4 === 3 && (first & 6) === 2) {
        const id = body + 2 + (all[body]! << 8 | all[body + 1]!);
        acks.push(0x40, 2, all[id]!, all[id + 1]!);
      } else if (first >> 4 === 3 && (first & 6) === 4) {
        const id = body + 2 + (all[body]! << 8 | all[body + 1]!);
        acks.push(0x50, 2, all[id]!, all[id + 1]!);
      } else if (first === 0x62) acks.push(0x70, 2, all[body]!, all[body + 1]!);
      at = body + length;
    }
    this.#rest = all.slice(at);
    if (acks.length > 0) queueMicrotask(() => this.pipe.feed(Uint8Array.from(acks)));
    if (this.#frames >= this.#wanted) this.#done.resolve();
  }
}

function encodeMany(topic: string, qos: QoS): { bytes: Uint8Array; count: number } {
  const count = 500;
  const parts = Array.from({ length: count }, (_, i) =>
    encodePacket(
      {
        ...{ type: "publish", topic, payload: PAYLOAD, qos, retain: false, dup: false },
        ...{ packetId: qos === 0 ? 0 : i + 1, properties: {} },
      } as Parameters<typeof encodePacket>[0],
      4,
    ));
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, count };
}

async function withBroker(act: (broker: Broker) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  {
    await using broker = await Broker.open(await SqliteStore.open(directory), { limits: LIMITS });
    await broker.declareStream(DAY);
    await act(broker);
  }
  await Deno.remove(directory, { recursive: true });
}

/** Waits until the process has nothing to do. */
async function quiet(): Promise<void> {
  for (let used = Infinity; used > 10_000;) {
    const before = cpu();
    await new Promise((resolve) => setTimeout(resolve, 200));
    used = cpu() - before;
  }
}

/** Processor time of this process, all threads, in microseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function perMessage(before: number, count: number): string {
  return `${((cpu() - before) / count).toFixed(2)} µs of processor time a message`;
}

function say(text: string): void {
  // deno-lint-ignore no-console
  console.log(text);
}

if (import.meta.main) {
  const parts = { publish, find, replay };
  const given = [...Deno.args];
  const at = given.indexOf("--messages");
  const count = at < 0 ? 1_000_000 : Number(given.splice(at, 2)[1]);
  if (!(Number.isSafeInteger(count) && count >= 1000)) {
    refuse("--messages needs a whole number from 1000 on");
  }
  const unknown = given.find((part) => !Object.hasOwn(parts, part));
  if (unknown !== undefined) refuse(`Unknown part: ${unknown} (publish, find or replay)`);
  for (const part of given.length > 0 ? given : Object.keys(parts)) {
    await parts[part as keyof typeof parts](count);
  }
}
