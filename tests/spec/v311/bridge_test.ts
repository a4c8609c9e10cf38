/**
 * A bridge of this broker as a client of another one.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Bridges } from "../../../bridge/mod.ts";
import { memoryPipe } from "../../../bridge/memory_pipe.ts";
import { encodePacket, type Packet, PacketReader } from "../../../codec/mod.ts";
import { Broker } from "../../../mod.ts";
import type { Transport } from "../../../transport/transport.ts";
import { VirtualClock } from "../../harness/virtual_clock.ts";

/** The other broker, played by the test. */
class Remote {
  readonly packets: Packet[] = [];
  readonly #reader = new PacketReader({ version: 4 });
  readonly #pipe: Transport;

  constructor(pipe: Transport) {
    this.#pipe = pipe;
    void this.#read();
  }

  send(packet: Packet): void {
    void this.#pipe.write(encodePacket(packet, 4));
  }

  close(): void {
    this.#pipe.close();
  }

  /** What has come, as `type` or `type identifier`, and is forgotten. */
  taken(): string[] {
    return this.packets.splice(0).map((packet) => {
      if (packet.type === "publish") {
        return `publish ${packet.packetId}${packet.dup ? " dup" : ""}`;
      }
      return "packetId" in packet ? `${packet.type} ${packet.packetId}` : packet.type;
    });
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const count = await this.#pipe.read(bytes).catch(() => null);
      if (count === null) return;
      this.#reader.push(bytes.subarray(0, count));
      for (let next = this.#reader.read(); next !== null; next = this.#reader.read()) {
        this.packets.push(structuredClone(next));
      }
    }
  }
}

Deno.test("a bridge meets what binds clients: CONNECT first, DUP and order when it sends again, acknowledgements in order [MQTT-7.0.0-1]", async () => {
  const clock = new VirtualClock();
  const broker = new Broker({ clock });
  const remotes: Remote[] = [];
  const bridges = new Bridges(broker, {
    random: () => 0,
    dial: () => {
      const [near, far] = memoryPipe();
      remotes.push(new Remote(far));
      return Promise.resolve(near);
    },
  });
  bridges.add({
    name: "b",
    addresses: ["far"],
    remoteClientId: "b",
    notifications: false,
    restart: { baseSeconds: 1, capSeconds: 1 },
    topics: [{ pattern: "out/#", direction: "out", qos: 2 }, {
      pattern: "in/#",
      direction: "in",
      qos: 2,
    }],
  });
  await clock.settle();
  const first = remotes[0]!;
  assertEquals(first.taken(), ["connect"]);
  first.send({ type: "connack", sessionPresent: false, reasonCode: 0, properties: {} });
  await clock.settle();
  assertEquals(first.taken(), ["subscribe 65535"]);
  first.send({ type: "suback", packetId: 65_535, reasonCodes: [2], properties: {} });
  await clock.settle();
  for (const payload of ["1", "2", "3"]) void broker.publish("out/a", payload, { qos: 2 });
  await clock.settle();
  assertEquals(first.taken(), ["publish 1", "publish 2", "publish 3"]);
  const ack = { reasonCode: 0, properties: {} };
  first.send({ type: "pubrec", packetId: 1, ...ack });
  await clock.settle();
  assertEquals(first.taken(), ["pubrel 1"]);
  const message = { topic: "in/a", payload: new Uint8Array(), retain: false, dup: false };
  for (const [packetId, qos] of [[7, 1], [8, 2], [9, 1]] as const) {
    first.send({ type: "publish", ...message, packetId, qos, properties: {} });
  }
  await clock.settle();
  assertEquals(first.taken(), ["puback 7", "pubrec 8", "puback 9"]);
  first.close();
  await clock.advance(1000);
  const second = remotes[1]!;
  assertEquals(second.taken(), ["connect"]);
  second.send({ type: "connack", sessionPresent: true, reasonCode: 0, properties: {} });
  await clock.settle();
  // What was unsubscribed may have been subscribed to by an earlier configuration.
  const [request, ...nothing] = second.taken();
  assertEquals([request, ...nothing], ["unsubscribe 65535"]);
  second.send({ type: "unsuback", packetId: 65_535, reasonCodes: [], properties: {} });
  await clock.settle();
  assertEquals(second.taken(), ["pubrel 1", "publish 2 dup", "publish 3 dup"]);
  second.send({ type: "pubrel", packetId: 8, ...ack });
  await clock.settle();
  assertEquals(second.taken(), ["pubcomp 8"]);
  const closing = bridges.close();
  await clock.advance(5000);
  await closing;
  await broker.close({ graceMs: 0 });
});

Deno.test("a bridge that is refused for its protocol version leaves the bridge bit out the next time", async () => {
  const clock = new VirtualClock();
  const broker = new Broker({ clock });
  const remotes: Remote[] = [];
  const bridges = new Bridges(broker, {
    random: () => 0,
    dial: () => {
      const [near, far] = memoryPipe();
      remotes.push(new Remote(far));
      return Promise.resolve(near);
    },
  });
  const restart = { baseSeconds: 1, capSeconds: 1 };
  const topics = [{ pattern: "a" }];
  bridges.add({ name: "b", addresses: ["far"], remoteClientId: "b", restart, topics });
  await clock.settle();
  const [first] = remotes[0]!.packets;
  assertEquals([first?.type, first?.type === "connect" && first.isBridge], ["connect", true]);
  remotes[0]!.send({ type: "connack", sessionPresent: false, reasonCode: 1, properties: {} });
  await clock.advance(1000);
  const [second] = remotes[1]!.packets;
  assertEquals([second?.type, second?.type === "connect" && !second.isBridge], ["connect", true]);
  const closing = bridges.close();
  await clock.advance(5000);
  await closing;
  await broker.close({ graceMs: 0 });
});
