import { concat } from "@std/bytes";
import * as packets from "../../tests/harness/packets.ts";

/** The interval between publications, in milliseconds. */
const BEAT_MS = 5;

/** A raw connection with an accepted CONNECT. */
async function enter(port: number, clientId: string, clean: boolean): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  await conn.write(packets.connect({ clientId, clean }));
  await read(conn, 4);
  return conn;
}

async function read(conn: Deno.TcpConn, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes;) {
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) throw new Error("The connection has ended");
    filled += count;
  }
  return buffer;
}

/** QoS 1 messages at a constant rate from one client to another. */
export class Flow implements Disposable {
  /** The number of published messages. */
  published = 0;
  /** The number of messages acknowledged to the publisher. */
  acknowledged = 0;
  readonly #publisher: Deno.TcpConn;
  readonly #subscriber: Deno.TcpConn;
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor(
    publisher: Deno.TcpConn,
    subscriber: Deno.TcpConn,
    topic: string,
    perBeat: number,
  ) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    const frame = packets.publish(topic, "x".repeat(64), { qos: 1, packetId: 1 });
    const beat = concat(Array.from({ length: perBeat }, () => frame));
    this.#timer = setInterval(() => {
      this.published += perBeat;
      publisher.write(beat).catch(() => {});
    }, BEAT_MS);
    this.#count().catch(() => {});
    this.#acknowledge(frame.length).catch(() => {});
  }

  /** Starts to publish `perSecond` messages. The subscriber's session is durable unless `clean`. */
  static async start(
    port: number,
    name: string,
    perSecond: number,
    clean: boolean,
  ): Promise<Flow> {
    const subscriber = await enter(port, `${name}-s`, clean);
    await subscriber.write(packets.subscribe({ [name]: 1 }));
    await read(subscriber, 5);
    const publisher = await enter(port, `${name}-p`, true);
    return new Flow(publisher, subscriber, name, Math.round(perSecond * BEAT_MS / 1000));
  }

  /** Stops publishing. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#publisher.close();
    this.#subscriber.close();
  }

  async #count(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let bytes = 0;
    for (let n = 0; n !== null; n = (await this.#publisher.read(buffer)) as number) {
      bytes += n;
      this.acknowledged = Math.floor(bytes / 4);
    }
  }

  /** All messages have the same size, and their packet identifier is at the same offset. */
  async #acknowledge(frameBytes: number): Promise<void> {
    const buffer = new Uint8Array(frameBytes * 1000);
    let filled = 0;
    for (;;) {
      const count = await this.#subscriber.read(buffer.subarray(filled));
      if (count === null) return;
      filled += count;
      const frames = Math.floor(filled / frameBytes);
      const acks = new Uint8Array(frames * 4);
      for (let i = 0; i < frames; i++) {
        const at = i * frameBytes;
        const id = at + 4 + buffer[at + 3]!;
        acks.set([0x40, 2, buffer[id]!, buffer[id + 1]!], i * 4);
      }
      buffer.copyWithin(0, frames * frameBytes, filled);
      filled -= frames * frameBytes;
      if (frames > 0) await this.#subscriber.write(acks);
    }
  }
}

/** Round trips of a QoS 0 message to the sender itself, one after the other; in milliseconds. */
export async function roundTrips(port: number, forMs: number): Promise<number[]> {
  using conn = await enter(port, "ping", true);
  await conn.write(packets.subscribe({ ping: 0 }));
  await read(conn, 5);
  const frame = packets.publish("ping", "x".repeat(64));
  const times: number[] = [];
  for (const end = performance.now() + forMs; performance.now() < end;) {
    const from = performance.now();
    await conn.write(frame);
    await read(conn, frame.length);
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b);
}

/** Publishes QoS 1 messages, at most 100 of them unacknowledged. */
export async function publishAll(
  port: number,
  topic: string,
  count: number,
  payloadBytes: number,
): Promise<void> {
  using conn = await enter(port, "publisher", true);
  const frame = packets.publish(topic, "x".repeat(payloadBytes), { qos: 1, packetId: 1 });
  const batch = concat(Array.from({ length: 100 }, () => frame));
  for (let sent = 0; sent < count; sent += 100) {
    const writing = conn.write(batch);
    await read(conn, 400);
    if (await writing < batch.length) throw new Error("A batch was not taken whole");
  }
}

/** Publishes a QoS 1 message, and waits until it is acknowledged. */
export async function publishOne(
  port: number,
  topic: string,
  payloadBytes: number,
): Promise<void> {
  using conn = await enter(port, "publisher", true);
  await conn.write(packets.publish(topic, "x".repeat(payloadBytes), { qos: 1, packetId: 1 }));
  await read(conn, 4);
}
