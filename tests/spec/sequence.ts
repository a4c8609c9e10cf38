/**
 * Many messages one after the other, in whatever version a test speaks.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { publish, type QoS, subscribe } from "../harness/packets.ts";
import type { SpecClient } from "./client.ts";
import type { Conversation } from "./harness.ts";
import { parsePublish } from "./parse.ts";

/** What they say: "0", "1" and so on. */
export const NUMBERS: string[] = Array.from({ length: 200 }, (_, n) => `${n}`);

/** Takes and acknowledges so many messages; returns what they say. */
export async function take(client: SpecClient, count: number = NUMBERS.length): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) {
    const packet = await client.readFrame();
    const type = packet[0]! >> 4;
    if (type === 6) await client.send(Uint8Array.of(0x70, 2, packet[2]!, packet[3]!));
    if (type !== 3) continue;
    const { qos, packetId, payload } = parsePublish(packet, client.level);
    const answer = Uint8Array.of(qos === 1 ? 0x40 : 0x50, 2, packetId >> 8, packetId & 0xff);
    if (qos > 0) await client.send(answer);
    got.push(payload);
  }
  return got;
}

/** Has a client of its own publish the numbers to the topic "a", until the broker has them all. */
export async function publishNumbers(t: Conversation, qos: QoS): Promise<void> {
  const publisher = await t.connect();
  const { level } = publisher;
  await publisher.send(
    ...NUMBERS.map((n, at) => publish("a", n, { level, qos, packetId: at + 1 })),
    Uint8Array.of(0xc0, 0),
  );
  // Its acknowledgements come before or after the answer to the ping, as they like.
  for (let left = qos === 0 ? 1 : NUMBERS.length + 1; left > 0; left--) await publisher.readFrame();
}

/** A client subscribes again and again while another publishes; every message must arrive, once. */
export async function resubscribeInTraffic(
  t: Conversation,
  qos: QoS,
  others: number,
): Promise<void> {
  const client = await t.connect();
  const { level } = client;
  await client.subscribe(subscribe({ "a/+": qos }, { level }));
  for (let n = 0; n < others; n++) {
    await (await t.connect()).subscribe(subscribe({ "a/+": qos }, { level }));
  }
  const publisher = await t.connect();
  const numbers = NUMBERS.slice(0, 50);
  const sending = numbers.map((n) => publish("a/b", n, { level, qos, packetId: 1 }));
  const again = numbers.map((_, n) => subscribe({ "a/+": qos }, { level, packetId: n + 1 }));
  await Promise.all([publisher.send(...sending), client.send(...again)]);
  const got: string[] = [];
  for (let acks = 0; acks < again.length || got.length < numbers.length;) {
    const packet = await client.readFrame();
    if (packet[0] === 0x90) acks++;
    else got.push(parsePublish(packet, level).payload);
  }
  assertEquals(got, numbers);
  await client.expectSilence();
}
