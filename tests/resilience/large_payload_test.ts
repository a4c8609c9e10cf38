/**
 * A large payload is held once and written as it is, however many clients are sent it: their copies
 * would be a long turn, and much memory.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  encodePacket,
  type Packet,
  PacketReader,
  type ProtocolVersion,
  type PublishPacket,
  type QoS,
} from "../../codec/mod.ts";
import type { Broker } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

const MB = 1024 * 1024;

/** A client, with what it has got, and the memory that came from. */
class Client {
  readonly received: PublishPacket[] = [];
  /** What large pieces were written from. */
  readonly buffers = new Set<ArrayBufferLike>();
  readonly #pipe: InstantPipe;
  readonly #version: ProtocolVersion;

  constructor(broker: Broker, clientId: string, version: ProtocolVersion) {
    const reader = new PacketReader({ version });
    this.#version = version;
    this.#pipe = new InstantPipe(Infinity, (bytes) => {
      if (bytes.length > 10_000) this.buffers.add(bytes.buffer);
      reader.push(bytes.slice());
      for (let packet; (packet = reader.read()) !== null;) {
        if (packet.type === "publish") this.received.push(packet);
      }
    });
    broker.accept(this.#pipe);
    this.send({
      type: "connect",
      protocolVersion: version,
      cleanStart: true,
      keepAlive: 0,
      clientId,
      properties: {},
      will: null,
      username: null,
      password: null,
    });
  }

  send(packet: Packet): void {
    this.#pipe.feed(encodePacket(packet, this.#version));
  }

  subscribe(qos: QoS, identifier: number): void {
    const one = { filter: "large", qos, noLocal: false, retainAsPublished: false };
    const subscriptions = [{ ...one, retainHandling: 0 as const }];
    const properties = identifier > 0 ? { subscriptionIdentifiers: [identifier] } : {};
    this.send({ type: "subscribe", packetId: 1, properties, subscriptions });
  }

  publish(payload: Uint8Array, qos: QoS): void {
    const flags = { qos, retain: false, dup: false, packetId: qos };
    this.send({ type: "publish", topic: "large", payload, ...flags, properties: {} });
  }
}

/** Publishes to clients of all kinds; returns what they were sent, and from how much memory. */
async function publish(count: number, payload: Uint8Array, qos: QoS) {
  const clock = new VirtualClock();
  const broker = brokers.make({ clock });
  const clients: Client[] = [];
  for (let i = 0; i < count; i++) {
    const version = ([3, 4, 5, 5] as const)[i % 4]!;
    const client = new Client(broker, `c${i}`, version);
    client.subscribe(([0, 1, 2] as const)[i % 3]!, i % 4 === 3 ? i : 0);
    clients.push(client);
  }
  const publisher = new Client(broker, "publisher", 4);
  await clock.advance(100);
  publisher.publish(payload, qos);
  await clock.advance(5000);
  const closed = broker.close();
  await clock.advance(5000);
  await closed;
  return { clients, buffers: new Set(clients.flatMap(({ buffers }) => [...buffers])) };
}

for (const [count, bytes] of [[2, 2 * MB], [7, 2 * MB], [40, 2 * MB], [1200, 18_000]] as const) {
  for (const qos of [0, 1] as const) {
    // What is acknowledged is encoded for a few clients in a turn: it need not be shared.
    if (bytes < MB && qos > 0) continue;
    Deno.test(`A payload of ${bytes} bytes with QoS ${qos} is not copied for each of ${count} clients`, async () => {
      const payload = new Uint8Array(bytes).map((_, i) => i * 7);
      const { clients, buffers } = await publish(count, payload, qos);
      for (const { received } of clients) {
        assertEquals(received.length, 1);
        assert(received[0]!.payload.every((byte, i) => byte === payload[i]));
      }
      assertEquals(buffers.size, 1);
    });
  }
}

Deno.test("A payload of 100 KiB is copied for a few clients, since a second write costs more", async () => {
  const { clients, buffers } = await publish(3, new Uint8Array(100 * 1024), 0);
  assertEquals(clients.map(({ received }) => received.length), [1, 1, 1]);
  assertEquals(buffers.size, 3);
});
