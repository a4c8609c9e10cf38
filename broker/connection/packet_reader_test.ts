import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { encodePacket, type Packet, ProtocolError, ReasonCode } from "../../codec/mod.ts";
import { InboundWindow } from "../../flow/inbound_window.ts";
import { BufferPool } from "../../log/buffer_pool.ts";
import { Receipt } from "../../log/receipt.ts";
import { Router } from "../../router/router.ts";
import { Random } from "../../tests/harness/random.ts";
import type { Message } from "../base/message.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { harmlessBytes, PacketLimitError } from "../limits/packet_limits.ts";
import { textOf } from "../testdata/messages.ts";
import { TestConnection, type TestConnectionOptions } from "../testdata/test_connection.ts";
import { ConnectionReader } from "./packet_reader.ts";

/** A session as the handlers see it. */
class TestSession {
  readonly clientId = "a";
  readonly inbound = new InboundWindow();
  readonly acknowledged: number[] = [];
  readonly inflightMessages = { puback: (packetId: number) => this.acknowledged.push(packetId) };
  readonly queue = { markChanged: () => {} };
  readonly access = null;
  readonly hasEnded = false;

  durableAfter(): null {
    return null;
  }
}

/** A reader, and what came of what it has read. */
class World {
  readonly session = new TestSession();
  readonly published: string[] = [];
  /** Called before a message is published, as a hook of the program. */
  onPublished: () => void = () => {};
  /** What the next packet has to wait for. */
  room: Receipt | null = null;
  /** How many turns it takes to prepare the next message. */
  turnsToPrepare = 0;
  readonly memory = { inputBytes: 0, mayGrow: () => true, admitsId: () => true };
  readonly connection: TestConnection;
  readonly reader: ConnectionReader;

  constructor(options: Omit<TestConnectionOptions, "host"> = {}) {
    const publish = (_route: unknown, message: Message) => {
      this.onPublished();
      this.published.push(textOf(message));
      return { outcome: Outcome.delivered, room: this.room, commit: null };
    };
    const publishBatch = (batch: PublishBatch) => {
      this.onPublished();
      this.published.push(...batch.messages().map(textOf));
      return this.room;
    };
    const prepare = () => this.turnsToPrepare === 0 || this.turnsToPrepare-- < 0;
    const limiters = { harmlessBytes: 0 };
    const host = {
      pool: new BufferPool(),
      router: new Router<Receiver>(),
      publisher: { publish, publishBatch, prepare },
      memory: this.memory,
      limiters,
    };
    this.connection = new TestConnection({ session: this.session, ...options, host });
    limiters.harmlessBytes = harmlessBytes(this.connection.context.limits);
    this.reader = new ConnectionReader(this.connection.asClient);
  }

  /** Reads bytes as they come, without handling them; returns how many had room. */
  fill(bytes: Uint8Array): number {
    const target = this.reader.target(null);
    const taken = Math.min(target.length, bytes.length);
    target.set(bytes.subarray(0, taken));
    this.reader.onFilled(taken);
    return taken;
  }

  /** Reads bytes and handles the packets in them, however many reads that takes. */
  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.fill(bytes.subarray(at));
      assertEquals(this.reader.consume(), null);
    }
  }
}

function publish(payload: string, qos: 0 | 1 | 2 = 0): Uint8Array {
  return encodePacket({
    type: "publish",
    topic: "t",
    payload: new TextEncoder().encode(payload),
    qos,
    packetId: qos === 0 ? 0 : 7,
    retain: false,
    dup: false,
    properties: {},
  }, 5);
}

const PING = encodePacket({ type: "pingreq" }, 5);

function puback(packetId: number): Uint8Array {
  return encodePacket({ type: "puback", packetId, reasonCode: 0, properties: {} }, 5);
}

function types(packets: Packet[]): string[] {
  return packets.map(({ type }) => type);
}

Deno.test("ConnectionReader finds the same packets however the bytes are cut", () => {
  const bytes = concat([
    publish("1"),
    publish("2"),
    publish("x".repeat(3_000), 1),
    PING,
    publish("3"),
    puback(9),
    publish("4", 2),
    PING,
  ]);
  for (let seed = 0; seed < 50; seed++) {
    const world = new World();
    const random = new Random(seed);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + random.integer(1, seed < 10 ? 4 : 900));
      world.feed(bytes.subarray(at, end));
      at = end;
    }
    assertEquals(world.published, ["1", "2", "x".repeat(3_000), "3", "4"]);
    assertEquals(types(world.connection.sent()), ["puback", "pingresp", "pubrec", "pingresp"]);
    assertEquals(world.session.acknowledged, [9]);
  }
});

Deno.test("ConnectionReader handles a PUBLISH again until its delivery is prepared, and nothing behind it before", () => {
  for (const qos of [0, 1, 2] as const) {
    const world = new World();
    world.fill(concat([publish("1", 1), PING]));
    assertEquals(world.reader.consume(), null);
    world.turnsToPrepare = 3;
    world.fill(concat([publish("2", qos), PING, publish("3", 0)]));
    let turns = 0;
    do {
      assertEquals(world.reader.consume(), null);
      turns++;
      if (world.turnsToPrepare > 0) assertEquals(world.published, ["1"]);
    } while (world.reader.isCut);
    assert(turns > 1, "it was handled again");
    assertEquals(world.published, ["1", "2", "3"]);
    const acks = qos === 0 ? [] : [qos === 1 ? "puback" : "pubrec"];
    assertEquals(types(world.connection.sent()), ["puback", "pingresp", ...acks, "pingresp"]);
    assertEquals(world.connection.context.stats.messagesReceived, 3, "each is counted once");
  }
});

Deno.test("ConnectionReader stops after a packet that something has to be waited for, and goes on behind it", () => {
  for (const qos of [0, 1] as const) {
    const world = new World();
    world.room = new Receipt();
    const bytes = concat([publish("1", qos), publish("2", 1), publish("3", 1)]);
    assertEquals(world.fill(bytes), bytes.length);
    assertEquals([world.reader.consume(), world.published], [world.room, ["1"]]);
    assertEquals([world.reader.consume(), world.published], [world.room, ["1", "2"]]);
    world.room = null;
    assertEquals([world.reader.consume(), world.published], [null, ["1", "2", "3"]]);
  }
});

Deno.test("ConnectionReader refuses a packet beyond the Maximum Packet Size, before it is there [MQTT-3.2.2-15]", () => {
  const world = new World({ broker: { limits: { packetBytesMax: 100 } } });
  world.feed(publish("x".repeat(90)));
  // The header says how large it will be.
  const large = publish("x".repeat(100)).subarray(0, 2);
  const error = assertThrows(() => world.feed(large), ProtocolError, "Packet of 106 bytes");
  assertEquals(error.reasonCode, ReasonCode.PacketTooLarge);
  assertEquals([world.published.length, world.connection.events], [1, ["limit packet-bytes"]]);
});

Deno.test("ConnectionReader refuses a larger CONNECT than connectBytesMax", () => {
  const limits = { connectBytesMax: 50, packetBytesMax: 1_000 };
  const world = new World({ session: null, broker: { limits } });
  assertThrows(() => world.feed(Uint8Array.of(0x10, 60)), ProtocolError, "Packet of 62 bytes");
});

Deno.test("ConnectionReader takes no other packet than CONNECT first, and does not wait for all of it [MQTT-3.1.0-1]", () => {
  for (const first of [publish("x").subarray(0, 3), PING, new TextEncoder().encode("GET")]) {
    const world = new World({ session: null });
    assertThrows(() => world.feed(first), ProtocolError, "no CONNECT");
  }
});

Deno.test("ConnectionReader takes no packet before CONNACK but AUTH and DISCONNECT [MQTT-3.1.2-30]", () => {
  const world = new World({ session: null });
  const asked: string[] = [];
  world.connection.flow = { auth: ({ type }: Packet) => (asked.push(type), null) } as never;
  world.connection.auth = { method: "test", exchange: null };
  const properties = { authenticationMethod: "test" };
  world.feed(encodePacket({ type: "auth", reasonCode: 0x18, properties }, 5));
  assertEquals(asked, ["auth"]);
  assertThrows(() => world.feed(PING), ProtocolError, "pingreq before CONNACK");
  const other = new World({ session: null });
  other.connection.flow = {} as never;
  other.feed(encodePacket({ type: "disconnect", reasonCode: 0, properties: {} }, 5));
  assertEquals(other.connection.events, ["onDisconnect 0"]);
});

Deno.test("ConnectionReader checks the contents of a large packet before it is decoded", () => {
  const world = new World({ broker: { limits: { filtersPerPacketMax: 2 } } });
  const filters = ["a", "b", "c"];
  const bytes = encodePacket({ type: "unsubscribe", packetId: 1, filters, properties: {} }, 5);
  const error = assertThrows(() => world.feed(bytes), PacketLimitError);
  assertEquals(error.limit, "filters");
});

Deno.test("ConnectionReader asks for memory before it grows for a large packet that is incomplete", () => {
  const world = new World();
  world.memory.mayGrow = () => false;
  world.feed(publish("x".repeat(1_000)));
  const error = assertThrows(() => world.feed(publish("x".repeat(200_000))), PacketLimitError);
  assertEquals([error.limit, world.published.length], ["memory", 1]);
});

Deno.test("ConnectionReader counts its buffer in the memory of the broker, and gives it back", () => {
  const world = new World();
  world.feed(publish("x".repeat(50_000)));
  assert(world.memory.inputBytes >= 50_000, `${world.memory.inputBytes}`);
  world.reader.close();
  assertEquals(world.memory.inputBytes, 0);
});

Deno.test("ConnectionReader handles no more than its turn has time for (turnMsMax)", () => {
  const world = new World({ broker: { limits: { turnMsMax: 0 } } });
  world.connection.context.turns.begin();
  world.fill(concat([PING, PING, PING]));
  assertEquals(world.reader.consume(), null);
  const answered = types(world.connection.sent()).length;
  assert(answered < 3, `${answered}`);
  assertEquals(world.reader.isCut, true);
});

Deno.test("ConnectionReader reads nothing more while the client does not take its responses (controlBytesMax)", async () => {
  const world = new World({ broker: { limits: { controlBytesMax: 3 } } });
  world.fill(concat([PING, PING, PING, PING]));
  assertEquals(world.reader.consume(), null);
  assertEquals(world.connection.outbox.control.bytes, 4, "one response is beyond the limit");
  const taken = world.reader.held();
  assertEquals(world.connection.events, ["limit control-bytes"]);
  world.connection.sent();
  await taken;
  assertEquals([world.reader.consume(), world.reader.held()?.constructor], [null, Promise]);
  assertEquals(types(world.connection.sent()), ["pingresp", "pingresp"]);
});

Deno.test("ConnectionReader slows a client down that publishes too fast, or disconnects it (publishesPerSecondMax)", async () => {
  const limits = { publishesPerSecondMax: 2 };
  const bytes = concat(["1", "2", "3"].map((payload) => publish(payload, 1)));
  const slow = new World({ broker: { limits } });
  slow.fill(bytes);
  slow.reader.consume();
  assertEquals(slow.published, ["1", "2"]);
  const wait = slow.reader.held();
  assertEquals(slow.connection.events, ["limit publish-rate"]);
  await slow.connection.clock.advance(1_000);
  await wait;
  slow.reader.consume();
  assertEquals(slow.published, ["1", "2", "3"]);

  const strict = new World({ broker: { limits, publishRateExceeded: "disconnect" } });
  strict.fill(bytes);
  strict.reader.consume();
  assertEquals(strict.reader.held(), null);
  const { MessageRateTooHigh } = ReasonCode;
  assertEquals(strict.connection.events, [
    "limit publish-rate",
    `disconnect ${MessageRateTooHigh} Publishes too fast`,
  ]);
});

Deno.test("ConnectionReader handles no packets within the handler of another connection", () => {
  const outer = new World();
  const inner = new World();
  outer.onPublished = () => {
    inner.fill(publish("inner"));
    assertEquals([inner.reader.consume(), inner.reader.isCut], [null, true]);
  };
  outer.feed(concat([publish("1"), publish("2"), publish("3", 1)]));
  assertEquals([outer.published, inner.published], [["1", "2", "3"], []]);
  assertEquals(inner.reader.consume(), null);
  assertEquals([inner.published, inner.reader.isCut], [["inner", "inner"], false]);
});

Deno.test("ConnectionReader handles packets again after a handler has thrown", () => {
  const world = new World();
  world.onPublished = () => {
    throw new TypeError("A fault");
  };
  world.fill(publish("1"));
  assertThrows(() => world.reader.consume(), TypeError);
  const next = new World();
  next.feed(publish("2"));
  assertEquals(next.published, ["2"]);
});

Deno.test("ConnectionReader handles nothing more once the connection is over", () => {
  const world = new World();
  const goodbye = encodePacket({ type: "disconnect", reasonCode: 0, properties: {} }, 5);
  world.feed(concat([publish("1", 1), goodbye, publish("2", 1), PING]));
  assertEquals([world.published, types(world.connection.sent())], [["1"], ["puback"]]);
});
