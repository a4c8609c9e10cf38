import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";
import type { ClientInfo } from "../../auth/authenticator.ts";
import { encodePacket, type Packet, PacketReader, ReasonCode } from "../../codec/mod.ts";
import { BufferPool } from "../../log/buffer_pool.ts";
import { Receipt } from "../../log/receipt.ts";
import { Router } from "../../router/router.ts";
import type { Pipe, PipeReceiver } from "../../transport/pipe.ts";
import type { Transport } from "../../transport/transport.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import type { Message } from "../base/message.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { MessageSender } from "../delivery/publish_sender.ts";
import type { HostedOutbox, OutboxHost } from "../delivery/outbox_host.ts";
import type { PublishBatch } from "../delivery/publish_batch.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { Session } from "../session/session.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import { testContext } from "../testdata/test_context.ts";
import type { ConnectionHost } from "./client_connection.ts";
import { Connection } from "./connection.ts";

/** A pipe into which a test pushes bytes. */
class PushedPipe implements Pipe {
  readonly events: string[] = [];
  readonly #reader = new PacketReader({ version: 5 });

  constructor(readonly receiver: PipeReceiver) {}

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const target = this.receiver.target(null);
      const count = Math.min(target.length, bytes.length - at);
      target.set(bytes.subarray(at, at + count));
      at += count;
      this.receiver.onReceived(count);
    }
  }

  start(): void {}

  pause(): void {
    this.events.push("pause");
  }

  resume(): void {
    this.events.push("resume");
  }

  write(source: Uint8Array): number {
    this.#reader.push(source);
    return source.length;
  }

  closeWrite(): void {
    this.events.push("write closed");
  }

  close(): void {
    this.events.push("closed");
  }

  /** The packets that were written since the last time. */
  written(): Packet[] {
    const packets: Packet[] = [];
    for (let next = this.#reader.read(); next !== null; next = this.#reader.read()) {
      packets.push(next);
    }
    return packets;
  }
}

/** A connection whose client is accepted, without the rest of a broker. */
class World {
  readonly context;
  readonly clock;
  readonly connection: Connection;
  readonly published: string[] = [];
  readonly told: string[] = [];
  pipe!: PushedPipe;
  /** What a publisher has to wait for. */
  room: Receipt | null = null;
  /** Called before a message is published. */
  onPublish: () => void = () => {};

  constructor(limits: Partial<BrokerLimits> = {}, rules: ListenerRules = {}) {
    const { context, clock } = testContext(limits, {
      failed: (error) => void this.told.push((error as Error).message),
      connected: ({ clientId }) => void this.told.push(`${clientId} connected`),
    });
    this.context = context;
    this.clock = clock;
    const publish = (one: Message) => {
      this.onPublish();
      this.published.push(textOf(one));
    };
    const host: Partial<Record<keyof ConnectionHost, unknown>> = {
      context,
      pool: new BufferPool(),
      router: new Router<Receiver>(),
      memory: { inputBytes: 0, aliasBytes: 0, mayGrow: () => true, admitsId: () => true },
      outboxHost: this.#outboxHost(),
      publisher: {
        prepare: () => true,
        publishBatch: (batch: PublishBatch) => {
          batch.messages().forEach(publish);
          return this.room;
        },
        publish: (_route: unknown, one: Message) => {
          publish(one);
          return { outcome: Outcome.delivered, room: this.room, commit: null };
        },
      },
      sessions: { suspend: () => void this.told.push("suspended") },
      limiters: { harmlessBytes: 1000 },
      journal: null,
      connections: new Set(),
    };
    const transport = {
      pipe: (receiver: PipeReceiver) => this.pipe = new PushedPipe(receiver),
    } as unknown as Transport;
    const policy = new ListenerPolicy(context.settings, context.stats, rules);
    const peer = { address: "192.0.2.1:1" };
    this.connection = new Connection(host as ConnectionHost, transport, peer, policy);
    const wire = { v5: true, packetBytesMax: 1000, isOwn: false, isNode: false };
    this.connection.speak({ version: 5, isBridge: false, wantsReasons: true, wire });
    const session = {
      clientId: "a",
      access: null,
      hasEnded: false,
      link: this.connection,
      pump: () => {},
      durableAfter: () => null,
    };
    const sender = {
      whyUnsent: "too-large",
      isPlain: () => true,
      release: () => {},
      send: (one: Message) => this.told.push(`sent ${textOf(one)}`) > 0,
    };
    this.connection.bind(session as unknown as Session, sender as unknown as MessageSender);
    this.connection.onAccepted({ clientId: "a" } as ClientInfo);
    this.connection.run();
    this.told.length = 0;
  }

  #outboxHost(): OutboxHost {
    const { limits, scheduler, clock } = this.context;
    return {
      ...{ limits, scheduler, clock, pool: new BufferPool() },
      flushLater: (outbox: HostedOutbox) =>
        queueMicrotask(() => {
          outbox.listed = false;
          outbox.flush();
        }),
      lagMax: () => limits.lagBytesMax,
      needRoom: () => {},
      countSent: () => {},
      onWriteStart: () => {},
      countLagged: () => {},
      reportError: (error) => void this.told.push(`${error}`),
    };
  }

  /** The types of the packets that were written since the last time. */
  async written(): Promise<string[]> {
    await this.clock.settle();
    return this.pipe.written().map(({ type }) => type);
  }
}

const PING = encodePacket({ type: "pingreq" }, 5);

function publish(payload: string): Uint8Array {
  return encodePacket({
    type: "publish",
    topic: "t",
    payload: new TextEncoder().encode(payload),
    qos: 0,
    packetId: 0,
    retain: false,
    dup: false,
    properties: {},
  }, 5);
}

Deno.test("Connection handles what the pipe pushes, and counts its bytes", async () => {
  const world = new World();
  world.pipe.push(concat([publish("1"), PING, publish("2")]));
  assertEquals([world.published, await world.written()], [["1", "2"], ["pingresp"]]);
  const { bytesReceived, bytesSent } = world.connection.traffic;
  assertEquals([bytesReceived, bytesSent], [16, 2]);
  assertEquals([world.context.stats.bytesReceived, world.context.stats.bytesSent], [16, 2]);
});

Deno.test("Connection reads nothing while a publisher waits, and its Keep Alive is paused", async () => {
  const world = new World();
  world.connection.keepAlive(10);
  world.room = new Receipt();
  world.pipe.push(publish("1"));
  world.pipe.push(PING);
  await world.clock.advance(60_000);
  assertEquals([world.pipe.events, world.connection.isOpen], [["pause"], true]);
  assertEquals([world.context.stats.backpressureWaits, await world.written()], [1, ["pingresp"]]);
  world.room.close();
  await world.clock.settle();
  assertEquals(world.pipe.events, ["pause", "resume"]);
  await world.clock.advance(16_000);
  assertEquals(world.connection.isOpen, false, "the Keep Alive runs again");
});

Deno.test("Connection goes on in later turns, in order, with what a turn has no time for (turnMsMax)", async () => {
  const world = new World({ turnMsMax: 0 });
  world.pipe.push(concat([publish("1"), PING, PING, publish("2")]));
  assertEquals(world.pipe.events, ["pause"]);
  await world.clock.advance(100);
  assertEquals([world.published, world.pipe.events], [["1", "2"], ["pause", "resume"]]);
  assertEquals(await world.written(), ["pingresp", "pingresp"]);
});

Deno.test("Connection ends with a reason code if its client violates the protocol [MQTT-4.13.1-1]", async () => {
  const world = new World();
  world.pipe.push(concat([Uint8Array.of(0x36, 3, 0, 1, 0x74), PING]));
  await world.clock.settle();
  const [last, ...more] = world.pipe.written();
  assertEquals([last!.type, more], ["disconnect", []]);
  assertEquals(last!.type === "disconnect" && last.reasonCode, ReasonCode.MalformedPacket);
  assertEquals([world.context.stats.protocolErrors, world.told], [1, ["suspended"]]);
  world.pipe.push(publish("late"));
  assertEquals(world.published, []);
});

Deno.test("Connection ends with 0x80 if the broker fails, and reports the error", async () => {
  const world = new World();
  world.onPublish = () => {
    throw new TypeError("A fault");
  };
  world.pipe.push(publish("1"));
  await world.clock.settle();
  const [last] = world.pipe.written();
  assertEquals(last!.type === "disconnect" && last.reasonCode, ReasonCode.UnspecifiedError);
  assertEquals([world.context.stats.internalErrors, world.told], [1, ["A fault", "suspended"]]);
});

Deno.test("Connection counts its client, and tells the program", () => {
  const world = new World();
  const { stats } = world.context;
  assertEquals([stats.clients, stats.clientsMost, stats.connectsAccepted], [1, 1, 1]);
  world.connection.onAccepted({ clientId: "b" } as ClientInfo);
  assertEquals([world.told, stats.clientsMost], [["b connected"], 2]);
});

Deno.test("Connection sends what lies below its mount point, and nothing else", () => {
  const world = new World({}, { mountPoint: "hall/" });
  const [inside, outside] = [message("hall/t", "in"), message("t", "out")];
  const { connection } = world;
  assertEquals(connection.send(inside, variant(), 0, 0, false), true);
  assertEquals(connection.send(outside, variant(), 0, 0, false), false);
  assertEquals(world.told, ["sent in"]);
  const reasons = [inside, outside].map((one) => connection.whyUnsent(one));
  assertEquals(reasons, ["too-large", "outside-mount"]);
});

Deno.test("Connection releases its session when the transport is gone, in a turn of its own", async () => {
  const world = new World();
  world.connection.host.connections.add(world.connection);
  world.pipe.receiver.onEnded(new Error("Reset"));
  await world.clock.advance(100);
  assertEquals([world.told, world.connection.host.connections.size], [["suspended"], 0]);
  assertEquals((world.connection.end.error as Error).message, "Reset");
  assertEquals([world.connection.isOpen, world.connection.end.isGone], [false, true]);
});
