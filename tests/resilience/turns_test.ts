/**
 * What one client does is done in turns: others are served in between, and nothing of it is lost or
 * comes in another order.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { encodePacket, type Packet, PacketReader } from "../../codec/mod.ts";
import type { Broker, BrokerOptions } from "../../mod.ts";
import type { Authorizer } from "../../auth/mod.ts";
import { brokers } from "../harness/brokers.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

/** A broker whose turns are over after the first piece of work, and its clients. */
class TurnWorld implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly broker: Broker;
  /** What the clients have got, in order: their names and the packets' types. */
  readonly log: string[] = [];

  constructor(options: BrokerOptions = {}) {
    const limits = { turnMsMax: 0, ...options.limits };
    this.broker = brokers.make({ ...options, limits, clock: this.clock, random: () => 0.5 });
  }

  async client(name: string, will: string | null = null): Promise<InstantPipe> {
    const reader = new PacketReader({ version: 4 });
    const pipe = new InstantPipe(Infinity, (bytes) => {
      reader.push(bytes.slice());
      for (let packet; (packet = reader.read()) !== null;) {
        const what = packet.type === "publish" ? ` ${packet.topic}` : "";
        this.log.push(`${name} ${packet.type}${what}`);
      }
    });
    this.broker.accept(pipe);
    const payload = new Uint8Array(1);
    this.send(pipe, {
      type: "connect",
      protocolVersion: 4,
      cleanStart: true,
      keepAlive: 0,
      clientId: name,
      properties: {},
      will: will === null ? null : { topic: will, payload, qos: 0, retain: false, properties: {} },
      username: null,
      password: null,
    });
    await this.clock.advance(0);
    this.log.length = 0;
    return pipe;
  }

  send(pipe: InstantPipe, ...packets: Packet[]): void {
    for (const packet of packets) pipe.feed(encodePacket(packet, 4));
  }

  /** Sends packets that arrive together. */
  sendAtOnce(pipe: InstantPipe, ...packets: Packet[]): void {
    const bytes = packets.flatMap((packet) => [...encodePacket(packet, 4)]);
    pipe.feed(Uint8Array.from(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.broker.close();
    await this.clock.advance(5000);
    await closed;
  }
}

function subscribe(count: number): Packet {
  const subscriptions = Array.from({ length: count }, (_, i) => ({
    filter: `f/${i}`,
    qos: 0 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  return { type: "subscribe", packetId: 7, properties: {}, subscriptions };
}

/** A PUBLISH with QoS 0, or with QoS 1 where it has a packet identifier. */
function publish(topic: string, packetId = 0): Packet {
  const payload = new Uint8Array(1);
  return {
    type: "publish",
    topic,
    payload,
    qos: packetId === 0 ? 0 : 1,
    retain: false,
    dup: false,
    packetId,
    properties: {},
  };
}

const PINGREQ: Packet = { type: "pingreq" };

Deno.test("A PINGREQ is answered between the filters of another client's SUBSCRIBE", async () => {
  await using world = new TurnWorld();
  const busy = await world.client("busy");
  const other = await world.client("other");
  world.send(busy, subscribe(50));
  world.send(other, PINGREQ);
  await world.clock.advance(0);
  assertEquals(world.log, ["other pingresp", "busy suback"]);
  assertEquals(world.broker.stats.subscriptions, 50);
});

Deno.test("What follows a SUBSCRIBE waits until it is answered", async () => {
  await using world = new TurnWorld();
  const busy = await world.client("busy");
  world.sendAtOnce(
    busy,
    subscribe(50),
    publish("f/49"),
    PINGREQ,
    {
      type: "unsubscribe",
      packetId: 8,
      filters: ["f/1", "f/2", "none"],
      properties: {},
    },
    publish("f/1"),
    publish("f/3"),
  );
  await world.clock.advance(0);
  const expected = ["busy suback", "busy publish f/49", "busy unsuback", "busy publish f/3"];
  // Answers may overtake messages, as ever.
  assertEquals(world.log.filter((one) => one !== "busy pingresp"), expected);
  assertEquals(world.broker.stats.subscriptions, 48);
});

Deno.test("An authorizer that answers at once is asked in turns, and others are served", async () => {
  let asked = 0;
  const authorizer: Authorizer = {
    mayPublish: () => true,
    maySubscribe: () => ++asked % 2 === 0,
  };
  await using world = new TurnWorld({ authorizer });
  const busy = await world.client("busy");
  const other = await world.client("other");
  world.send(busy, subscribe(50));
  world.send(other, PINGREQ);
  await world.clock.advance(0);
  assertEquals(world.log, ["other pingresp", "busy suback"]);
  assertEquals([asked, world.broker.stats.subscriptions], [50, 25]);
});

/** How many of these packets, which arrive together, are taken in one turn at most. */
async function mostInOneTurn(world: TurnWorld, packets: Packet[]): Promise<number> {
  const busy = await world.client("busy");
  world.sendAtOnce(busy, ...packets);
  const { stats } = world.broker;
  let before = stats.messagesReceived;
  let most = 0;
  world.clock.turned = () => {
    most = Math.max(most, stats.messagesReceived - before);
    before = stats.messagesReceived;
  };
  await world.clock.advance(0);
  assertEquals(stats.messagesReceived, packets.length);
  return most;
}

Deno.test("Messages that a client sends at once are taken in turns", async () => {
  for (const qos of [0, 1]) {
    await using world = new TurnWorld();
    const packets = Array.from({ length: 40 }, (_, i) => publish(`f/${i}`, qos * (1 + i)));
    const most = await mostInOneTurn(world, packets);
    assert(most < 5, `${most} messages with QoS ${qos} in one turn`);
  }
});

Deno.test("An authorizer whose promises settle at once makes no longer turn of a client's messages", async () => {
  const authorizer: Authorizer = {
    mayPublish: () => Promise.resolve(true),
    maySubscribe: () => true,
  };
  await using world = new TurnWorld({ authorizer });
  const packets = Array.from({ length: 40 }, (_, i) => publish("f/0", 1 + i));
  const most = await mostInOneTurn(world, packets);
  assert(most < 5, `${most} messages in one turn`);
});

Deno.test("A PINGREQ is answered among the packets that another client sends at once", async () => {
  await using world = new TurnWorld();
  const listener = await world.client("listener");
  world.send(listener, subscribe(1));
  await world.clock.advance(0);
  const busy = await world.client("busy");
  const other = await world.client("other");
  world.log.length = 0;
  // Each of another kind than the one before: they make no run.
  const packets = Array.from({ length: 40 }, (_, i) => publish(i % 2 ? "f/0" : `other/${i}`));
  world.sendAtOnce(busy, ...packets);
  world.send(other, PINGREQ);
  await world.clock.advance(0);
  assertEquals(world.log.length, 21);
  assert(world.log.indexOf("other pingresp") < 10, `${world.log}`);
});

Deno.test("What a client has sent counts when it is cut off before its turn", async () => {
  await using world = new TurnWorld();
  const listener = await world.client("listener");
  world.send(listener, subscribe(1));
  await world.clock.advance(0);
  const busy = await world.client("busy", "f/0");
  world.log.length = 0;
  const packets = Array.from({ length: 20 }, (_, i) => publish(i % 2 ? "f/0" : `other/${i}`));
  world.sendAtOnce(busy, ...packets);
  busy.end();
  await world.clock.advance(0);
  // Ten messages, and the will.
  assertEquals(world.log, Array(11).fill("listener publish f/0"));
  assertEquals(world.broker.stats.connections, 1);
});

Deno.test("A connection that is cut in the middle of its SUBSCRIBE leaves nothing behind", async () => {
  await using world = new TurnWorld();
  const busy = await world.client("busy");
  world.send(busy, subscribe(50));
  await world.clock.settle();
  busy.cut();
  await world.clock.advance(10_000);
  const { stats } = world.broker;
  const { sessions, subscriptions } = stats;
  assertEquals([stats.connections, sessions, subscriptions], [0, 0, 0]);
});

Deno.test("Many wills are published a part at a time, all of them", async () => {
  await using world = new TurnWorld();
  const listener = await world.client("listener");
  world.send(listener, subscribe(1));
  await world.clock.advance(0);
  const lost = [];
  for (let i = 0; i < 30; i++) lost.push(await world.client(`lost${i}`, "f/0"));
  const other = await world.client("other");
  for (const pipe of lost) pipe.cut();
  world.send(other, PINGREQ);
  await world.clock.advance(0);
  assertEquals(world.log.filter((one) => one === "listener publish f/0").length, 30);
  assert(world.log.includes("other pingresp"));
  assertEquals([world.broker.stats.connections, world.broker.stats.sessions], [2, 2]);
});
