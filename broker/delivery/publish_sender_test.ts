import { assertEquals } from "@std/assert";
import {
  type Packet,
  PacketReader,
  type Properties,
  type ProtocolVersion,
} from "../../codec/mod.ts";
import { ByteLog } from "../../log/byte_log.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { message, variant } from "../testdata/messages.ts";
import { OutboxWorld } from "../testdata/outbox_world.ts";
import { OutboundAliases } from "./outbound_aliases.ts";
import { PublishSender, sendToLog } from "./publish_sender.ts";

type Publish = Packet & { type: "publish" };

interface WorldOptions {
  version?: ProtocolVersion;
  packetBytesMax?: number;
  /** How many topic aliases the client takes. */
  aliases?: number;
  topicSkip?: number;
}

/** A sender, and what comes out at the client. */
class World {
  readonly all = new OutboxWorld();
  readonly aliases: OutboundAliases | null;
  readonly sender: PublishSender;
  readonly #reader: PacketReader;

  constructor(options: WorldOptions = {}) {
    const { version = 5, packetBytesMax = 10_000_000, aliases = 0, topicSkip = 0 } = options;
    const memory = { aliasBytes: 0, mayGrow: () => true };
    const limits = { topicAliasBytesMax: 10_000 };
    this.aliases = aliases === 0 ? null : new OutboundAliases(aliases, limits, memory);
    const { outbox, clock } = this.all;
    this.sender = new PublishSender(
      outbox,
      clock,
      version,
      packetBytesMax,
      this.aliases,
      topicSkip,
    );
    this.#reader = new PacketReader({ version });
  }

  /** The packets that the client has received since the last time. */
  async received(): Promise<Publish[]> {
    await this.all.turn();
    while (this.all.transport.inFlight > 0) {
      this.#reader.push(this.all.transport.take());
      await this.all.turn();
      await this.all.turn();
    }
    const packets: Publish[] = [];
    for (let next = this.#reader.read(); next !== null; next = this.#reader.read()) {
      packets.push(next as Publish);
    }
    return packets;
  }

  /** The topics and aliases that the client has received since the last time. */
  async topics(): Promise<[string, number | undefined][]> {
    return (await this.received()).map(({ topic, properties }) => [topic, properties.topicAlias]);
  }
}

/** A message with properties, as a program publishes it. */
function withProperties(properties: Properties, nowMs = 0): Message {
  const route = { topic: "a/b", bytes: new TextEncoder().encode("a/b") };
  const payload = new TextEncoder().encode("x");
  return Message.of({
    ...{ route, payload, properties, nowMs, qos: 1, retain: false },
    origin: Origin.program,
  });
}

const VERSIONS = [3, 4, 5] as const;

Deno.test("PublishSender sends the flags of a delivery, in each version", async () => {
  for (const version of VERSIONS) {
    const world = new World({ version });
    world.sender.send(message("a/b", "0"), variant(), 0, 7, true);
    world.sender.send(message("a/b", "1"), variant(), 1, 7, false);
    world.sender.send(message("a/b", "2"), variant(), 2, 8, true);
    const packets = await world.received();
    // QoS 0 has neither DUP nor a packet identifier [MQTT-3.3.1-2] [MQTT-2.2.1-2].
    assertEquals(packets.map(({ qos, dup, packetId }) => [qos, dup, packetId ?? 0]), [
      [0, false, 0],
      [1, false, 7],
      [2, true, 8],
    ]);
    const payloads = packets.map(({ payload }) => new TextDecoder().decode(payload));
    assertEquals([packets[0]!.topic, payloads], ["a/b", ["0", "1", "2"]]);
  }
});

Deno.test("PublishSender sets RETAIN for a retained message, or as published [MQTT-3.3.1-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13]", async () => {
  for (const version of VERSIONS) {
    const world = new World({ version });
    for (const retain of [false, true]) {
      const sent = message("a", "x", { retain });
      world.sender.send(sent, variant(), 0, 0, false);
      world.sender.send(sent, variant({ retainAsPublished: true }), 0, 0, false);
      world.sender.send(sent, variant({ retained: true }), 0, 0, false);
    }
    const flags = (await world.received()).map(({ retain }) => retain);
    assertEquals(flags, [false, false, true, false, true, true]);
  }
});

Deno.test("PublishSender forwards properties, and adds the identifiers of the subscriptions [MQTT-3.3.4-3]", async () => {
  const world = new World();
  const properties: Properties = { contentType: "text", userProperties: [["k", "v"]] };
  world.sender.send(withProperties(properties), variant({ identifiers: [3, 200] }), 1, 1, false);
  world.sender.send(withProperties(properties), variant(), 1, 2, false);
  assertEquals((await world.received()).map((packet) => packet.properties), [
    { ...properties, subscriptionIdentifiers: [3, 200] },
    properties,
  ]);
});

Deno.test("PublishSender leaves properties out where the protocol has none", async () => {
  for (const version of [3, 4] as const) {
    const world = new World({ version });
    const sent = withProperties({ contentType: "text", messageExpiryInterval: 9 });
    world.sender.send(sent, variant({ identifiers: [3] }), 1, 1, false);
    const [packet] = await world.received();
    assertEquals([packet!.topic, packet!.properties, packet!.payload.length], ["a/b", {}, 1]);
  }
});

Deno.test("PublishSender sends what is left of the Message Expiry Interval [MQTT-3.3.2-6]", async () => {
  const world = new World();
  const sent = withProperties({ messageExpiryInterval: 10 });
  await world.all.clock.advance(2500);
  world.sender.send(sent, variant(), 1, 1, false);
  const [packet] = await world.received();
  assertEquals(packet!.properties, { messageExpiryInterval: 8 });
});

Deno.test("PublishSender sends no packet that is larger than the client takes [MQTT-3.1.2-24]", async () => {
  for (const version of VERSIONS) {
    // Fixed header, topic, packet identifier, and the length of the properties in 5.0.
    const size = 2 + 3 + 2 + (version === 5 ? 1 : 0) + 10;
    for (const packetBytesMax of [size, size - 1]) {
      const world = new World({ version, packetBytesMax });
      const isSent = world.sender.send(message("t", "x".repeat(10)), variant(), 1, 1, false);
      assertEquals(
        [isSent, (await world.received()).length],
        packetBytesMax === size ? [true, 1] : [
          false,
          0,
        ],
      );
      assertEquals(world.sender.whyUnsent, "too-large");
    }
  }
});

Deno.test("PublishSender counts properties and identifiers towards the size of a packet", async () => {
  const world = new World({ packetBytesMax: 20 });
  const sent = withProperties({ contentType: "x".repeat(20) });
  assertEquals(world.sender.send(sent, variant(), 1, 1, false), false);
  const many = variant({ identifiers: [1, 2, 3, 4, 5, 6] });
  assertEquals(world.sender.send(message("a/b", "x"), many, 1, 1, false), false);
  assertEquals(await world.received(), []);
});

Deno.test("PublishSender gives a topic an alias the first time, and sends that alone from then on", async () => {
  const world = new World({ aliases: 2 });
  for (const topic of ["topic/1", "topic/1", "topic/2", "topic/3", "topic/1"]) {
    world.sender.send(message(topic, "x"), variant(), 1, 1, false);
  }
  assertEquals(await world.topics(), [
    ["topic/1", 1],
    ["", 1],
    ["topic/2", 2],
    // The client takes no third one [MQTT-3.1.2-26].
    ["topic/3", undefined],
    ["", 1],
  ]);
});

Deno.test("PublishSender gives no alias with QoS 0, which may be skipped, nor to a short topic", async () => {
  const world = new World({ aliases: 10 });
  world.sender.send(message("topic/1", "x"), variant(), 0, 0, false);
  world.sender.send(message("short", "x"), variant(), 1, 1, false);
  world.sender.send(message("topic/1", "x"), variant(), 1, 2, false);
  world.sender.send(message("topic/1", "x"), variant(), 0, 0, false);
  assertEquals(await world.topics(), [
    ["topic/1", undefined],
    ["short", undefined],
    ["topic/1", 1],
    ["topic/1", undefined],
  ]);
});

Deno.test("PublishSender leaves out a new alias where the packet fits only without it", async () => {
  // Fixed header, topic, packet identifier, length of the properties, payload.
  const size = 2 + 2 + 7 + 2 + 1 + 10;
  const world = new World({ aliases: 10, packetBytesMax: size });
  const send = (payload: string) =>
    world.sender.send(message("topic/1", payload), variant(), 1, 1, false);
  assertEquals(send("x".repeat(10)), true);
  assertEquals(world.aliases!.bytes, 0);
  assertEquals(send("x"), true);
  // The alias makes room for a larger payload.
  assertEquals([send("x".repeat(14)), send("x".repeat(15))], [true, false]);
  assertEquals(await world.topics(), [["topic/1", undefined], ["topic/1", 1], ["", 1]]);
});

Deno.test("PublishSender.release() gives back the memory of its aliases", () => {
  const world = new World({ aliases: 10 });
  world.sender.send(message("topic/1", "x"), variant(), 1, 1, false);
  assertEquals(world.aliases!.bytes > 0, true);
  world.sender.release();
  assertEquals(world.aliases!.bytes, 0);
  new World().sender.release();
});

Deno.test("PublishSender takes the mount point of the client off a topic, in each version", async () => {
  for (const version of VERSIONS) {
    const world = new World({ version, topicSkip: "mount/".length });
    world.sender.send(message("mount/a", "x"), variant(), 1, 1, false);
    world.sender.send(message("mount/a", "x"), variant({ identifiers: [1] }), 1, 1, false);
    assertEquals((await world.received()).map(({ topic }) => topic), ["a", "a"]);
  }
});

Deno.test("PublishSender.isPlain() says whether frames may be written to the client as they are", () => {
  const plain = (options: WorldOptions) => {
    const { sender } = new World(options);
    return [0, 1].map((qos) => sender.isPlain(qos as 0 | 1));
  };
  assertEquals(plain({}), [true, true]);
  // With an alias the topic is not in every frame.
  assertEquals(plain({ aliases: 1 }), [true, false]);
  assertEquals(plain({ topicSkip: 1 }), [false, false]);
});

Deno.test("PublishSender does not copy a large payload, with or without properties", async () => {
  for (const identifiers of [null, [1]]) {
    for (const aliases of [0, 1]) {
      const world = new World({ aliases });
      const payload = "x".repeat(1024 * 1024);
      const sent = message("topic/1", payload);
      const { outbox } = world.all;
      const appended: ArrayBufferLike[] = [];
      const commitSplit = outbox.commitSplit.bind(outbox);
      outbox.commitSplit = (bytes, rest) => {
        appended.push(rest.buffer);
        commitSplit(bytes, rest);
      };
      world.sender.send(sent, variant({ identifiers }), 1, 1, false);
      const [packet] = await world.received();
      assertEquals([packet!.payload.length, packet!.topic], [payload.length, "topic/1"]);
      assertEquals(appended.map((buffer) => buffer === sent.buffer.buffer), [true]);
    }
  }
});

Deno.test("sendToLog() appends one frame for all who read the log, unless it is too large for them", () => {
  const read = (log: ByteLog, version: ProtocolVersion): Publish[] => {
    const reader = new PacketReader({ version });
    const cursor = whole.get(log)!;
    while (cursor.position < log.end) reader.push(cursor.take(log.end, log.frames));
    const packets: Publish[] = [];
    for (let next = reader.read(); next !== null; next = reader.read()) {
      packets.push(next as Publish);
    }
    return packets;
  };
  const whole = new Map<ByteLog, ReturnType<ByteLog["cursor"]>>();
  for (const version of VERSIONS) {
    const log = new ByteLog();
    whole.set(log, log.cursor());
    const how = variant({ identifiers: version === 5 ? [9] : null, retainAsPublished: true });
    const sent = withProperties({ messageExpiryInterval: 10 });
    assertEquals(sendToLog(log, sent, how, version, 100), true);
    assertEquals(sendToLog(log, message("t", "x".repeat(100)), how, version, 100), false);
    const large = message("t", "x".repeat(1024 * 1024), { retain: true });
    assertEquals(sendToLog(log, large, how, version, 10_000_000), true);
    assertEquals(log.frames, 2);
    const packets = read(log, version);
    assertEquals(packets.map(({ qos, retain }) => [qos, retain]), [[0, false], [0, true]]);
    assertEquals(packets.map(({ payload }) => payload.length), [1, 1024 * 1024]);
    const expected = { messageExpiryInterval: 10, subscriptionIdentifiers: [9] };
    assertEquals(packets[0]!.properties, version === 5 ? expected : {});
  }
});
