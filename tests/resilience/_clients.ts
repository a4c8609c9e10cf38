import { assertEquals } from "@std/assert";
import type { Broker, BrokerOptions } from "../../mod.ts";
import type { TcpListener } from "../../transport/mod.ts";
import { brokers } from "../harness/brokers.ts";
import { type BytePipe, writeAll } from "../harness/byte_pipe.ts";
import { eventually } from "../harness/eventually.ts";
import { toHex } from "../harness/hex.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

/** Lets a client in over a pipe that is there already. */
export async function greet(
  client: RawClient,
  fields: packets.ConnectFields = {},
): Promise<RawClient> {
  await client.send(packets.connect(fields));
  const connack = await client.readFrame();
  assertEquals([connack[0], connack[3]], [0x20, 0], `CONNACK: ${toHex(connack)}`);
  return client;
}

/** Waits until a publisher waits for its subscribers; only a counter tells. */
export async function publisherWaits({ stats }: Broker): Promise<void> {
  await eventually("a publisher waits", () => stats.backpressureWaits > 0);
}

/** Connects a client and waits until it is let in. */
export async function join(
  port: number,
  fields: packets.ConnectFields = {},
  deadlineMs?: number,
): Promise<RawClient> {
  return await greet(await RawClient.dial(port, deadlineMs), fields);
}

/** Connects a client and waits until it is subscribed. */
export async function joinSubscribed(
  port: number,
  filters: Record<string, number>,
  fields: packets.ConnectFields = {},
  deadlineMs?: number,
): Promise<RawClient> {
  const client = await join(port, fields, deadlineMs);
  const { level = 4 } = fields;
  await client.send(packets.subscribe(filters, { level }));
  const suback = await client.readFrame();
  assertEquals(suback[0], 0x90, `SUBACK: ${toHex(suback)}`);
  return client;
}

/** What every version but 5.0 hears of its end is nothing: this is what 5.0 hears first. */
export async function expectDisconnect(client: RawClient, reasonCode: number): Promise<void> {
  const frame = await client.readFrame();
  assertEquals(toHex(frame.subarray(0, 1)), "e0", `DISCONNECT: ${toHex(frame)}`);
  assertEquals(toHex(frame.subarray(2, 3)), toHex(Uint8Array.of(reasonCode)));
  await client.expectClose();
}

/** Two clients that have nothing to do with the rest of a test, and must not notice it. */
export class Bystanders implements AsyncDisposable {
  readonly #publisher: RawClient;
  readonly #subscriber: RawClient;
  #sent = 0;

  private constructor(publisher: RawClient, subscriber: RawClient) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
  }

  /** Connects them. */
  static async join(port: number, deadlineMs?: number): Promise<Bystanders> {
    const subscriber = await joinSubscribed(port, { "aside/#": 1 }, {}, deadlineMs);
    return new Bystanders(await join(port, { level: 5 }, deadlineMs), subscriber);
  }

  /** Both are answered, and a message goes from one to the other. */
  async check(): Promise<void> {
    await this.#publisher.expectSilence();
    const payload = `${this.#sent++}`;
    await this.#publisher.send(packets.publish("aside/0", payload, { level: 5 }));
    await this.#subscriber.expect(packets.publish("aside/0", payload));
    await this.#subscriber.expectSilence();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#publisher[Symbol.asyncDispose]();
    await this.#subscriber[Symbol.asyncDispose]();
  }
}

/**
 * Runs a test against a broker in this process. Nothing may fail inside of it, and nothing of it
 * may be left when it is closed: the sanitizers see to that.
 */
export async function withHost(
  options: BrokerOptions,
  fn: (port: number, broker: Broker, listener: TcpListener) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const hooks = { ...options.hooks, failed: (error: unknown) => void failures.push(error) };
  await using broker = brokers.make({ ...options, hooks });
  const listener = await broker.listen({ port: 0 });
  await fn(listener.port, broker, listener);
  assertEquals(failures, []);
  assertEquals(broker.stats.internalErrors, 0);
}

/** Whole frames, as many as come near `bytes`, of which the last is as the first. */
export function flood(topic: string, payloadBytes: number, bytes: number): Uint8Array {
  const frame = packets.publish(topic, new Uint8Array(payloadBytes));
  const whole = new Uint8Array(frame.length * Math.ceil(bytes / frame.length));
  for (let at = 0; at < whole.length; at += frame.length) whole.set(frame, at);
  return whole;
}

/** Sends `bytes` `times` over. */
export async function repeat(pipe: BytePipe, bytes: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await writeAll(pipe, bytes);
}
