import { assertEquals, assertStrictEquals } from "@std/assert";
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import type { QoS } from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import { WIRE_CLASS_OWN } from "../../router/subscription.ts";
import type { Variant } from "../../router/variant.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import { type EffectivePolicy, ListenerPolicy } from "../base/listener_policy.ts";
import type { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { PublishBatch } from "../delivery/publish_batch.ts";
import { Rank, type Receiver } from "../delivery/subscriber.ts";
import { message, type MessageOptions, textOf, variant } from "../testdata/messages.ts";
import { AMPLE_MEMORY, testContext } from "../testdata/test_context.ts";
import { ClientAccess } from "./client_access.ts";
import type { ClientLink } from "./client_link.ts";
import { MemoryQueue } from "./memory_queue.ts";
import { Session } from "./session.ts";
import type { SessionHost } from "./session_host.ts";

/** A connection that tells in words what was sent by it. */
class Link {
  readonly sent: string[] = [];
  readonly wire;
  /** What the outbox has room for. */
  readonly outbox = {
    isOpen: true,
    hasRoom: true,
    hurry: () => {},
    append: (source: Uint8Array, start: number, end: number, frames: number) => {
      this.sent.push(`${frames} frames, ${source.subarray(start, end).length} bytes`);
    },
  };

  constructor(readonly policy: EffectivePolicy, v5: boolean) {
    this.wire = { v5, packetBytesMax: 1000, isOwn: false, isNode: false };
  }

  get asLink(): ClientLink {
    return this as unknown as ClientLink;
  }

  send(one: Message, _variant: Variant, qos: QoS, packetId: number, dup: boolean): boolean {
    if (textOf(one) === "too large") return false;
    const words = qos === 0 ? `${textOf(one)} QoS 0` : `${textOf(one)} QoS ${qos} #${packetId}`;
    this.sent.push(dup ? `${words} DUP` : words);
    return true;
  }

  whyUnsent(): "too-large" {
    return "too-large";
  }

  /** What was sent since the last time. */
  taken(): string[] {
    return this.sent.splice(0);
  }
}

/** A session with a queue in memory, without the rest of a broker. */
class World {
  readonly context;
  readonly session: Session;
  readonly dropped: string[] = [];
  /** Payloads that went to another member of a group. */
  readonly handedOver: string[] = [];
  readonly touched: string[] = [];

  constructor(limits: Partial<BrokerLimits> = {}) {
    const { context } = testContext(limits, {
      dropped: ({ reason, topic }) => void this.dropped.push(`${topic} ${reason}`),
    });
    this.context = context;
    const host: Partial<SessionHost> = {
      context,
      router: {
        touch: (_session: unknown, filter: string) => void this.touched.push(filter),
      } as unknown as Router<Receiver>,
      memory: AMPLE_MEMORY as unknown as SessionHost["memory"],
      delivery: {
        handOver: (one: Message) => this.handedOver.push(textOf(one)) > 0,
      } as unknown as SessionHost["delivery"],
      publisher: { needRoom: () => {} } as unknown as SessionHost["publisher"],
      endSessionLater: () => {},
    };
    const queueHost = { context, memory: AMPLE_MEMORY };
    this.session = new Session(host as SessionHost, "a", (one) => new MemoryQueue(queueHost, one));
    this.session.expirySeconds = 100;
  }

  connect(receiveMaximum = 10, rules: ListenerRules = {}, v5 = true): Link {
    const { settings, stats } = this.context;
    const link = new Link(new ListenerPolicy(settings, stats, rules).effective, v5);
    this.session.attach(link.asLink, receiveMaximum);
    return link;
  }

  receive(payload: string, options: MessageOptions = {}, way: Partial<Variant> = {}): void {
    this.session.receive(message("t", payload, options), variant(way));
  }

  /** Lets the client receive what is published to these topics only. */
  permit(...topics: string[]): void {
    const authorizer = { mayReceive: (_: ClientInfo, topic: string) => topics.includes(topic) };
    const client = { clientId: "a" } as ClientInfo;
    const host = { accessVersion: 0, reportError: () => {} };
    const access = new ClientAccess(host, authorizer as unknown as Authorizer, client);
    this.session.permit(access);
  }
}

Deno.test("Session sends at once what the client takes, with the lower QoS [MQTT-3.8.4-8]", () => {
  const world = new World();
  const link = world.connect();
  world.receive("x", { qos: 0 });
  world.receive("y", { qos: 2 }, { qos: 1 });
  world.receive("z", { qos: 2 });
  assertEquals(link.taken(), ["x QoS 0", "y QoS 1 #1", "z QoS 2 #2"]);
  assertEquals([world.session.inflight, world.session.queue.messages], [2, 0]);
});

Deno.test("Session queues what the client's Receive Maximum or its outbox has no room for [MQTT-3.3.4-9]", () => {
  const world = new World();
  const link = world.connect(1);
  for (const payload of ["1", "2"]) world.receive(payload);
  assertEquals([link.taken(), world.session.queue.messages], [["1 QoS 1 #1"], 1]);
  world.session.inflightMessages!.puback(1, 0);
  link.outbox.hasRoom = false;
  world.session.pump();
  world.receive("3");
  assertEquals(link.taken(), []);
  link.outbox.hasRoom = true;
  world.session.pump();
  assertEquals([link.taken(), world.session.queue.messages], [["2 QoS 1 #2"], 1]);
});

Deno.test("Session keeps QoS 1 and 2 for a client that is away, and drops QoS 0", () => {
  const world = new World();
  world.receive("0", { qos: 0 });
  world.receive("1");
  world.receive("2", { qos: 2 });
  const link = world.connect();
  world.session.pump();
  assertEquals(link.taken(), ["1 QoS 1 #1", "2 QoS 2 #2"]);
});

Deno.test("Session keeps QoS 0 as well with queueQoS0, in the order of publication", () => {
  const world = new World();
  world.connect(10, { queueQoS0: true });
  world.session.detach();
  world.receive("0", { qos: 0 });
  world.receive("1");
  const link = world.connect(10, { queueQoS0: true });
  assertEquals(world.session.wireClass, WIRE_CLASS_OWN);
  world.session.pump();
  assertEquals(link.taken(), ["0 QoS 0", "1 QoS 1 #1"]);
});

Deno.test("Session sends what was in flight again with DUP, before what waits [MQTT-4.4.0-1]", () => {
  const world = new World();
  world.connect();
  world.receive("1");
  world.receive("2", { qos: 2 });
  world.session.detach();
  world.receive("3");
  const link = world.connect();
  world.session.pump();
  assertEquals(link.taken(), ["1 QoS 1 #1 DUP", "2 QoS 2 #2 DUP", "3 QoS 1 #3"]);
});

Deno.test("Session withholds topics that its client may not receive, and counts them", () => {
  const world = new World();
  const link = world.connect();
  world.permit("other");
  world.receive("x");
  assertEquals([link.taken(), world.context.stats.dropped["read-denied"]], [[], 1]);
  assertEquals([world.session.isRestricted, world.session.mayReceive("other")], [true, true]);
  world.session.permit(null);
  world.receive("y");
  assertEquals([link.taken(), world.session.isRestricted], [["y QoS 1 #1"], false]);
});

Deno.test("Session passes on what its client may no longer receive to its shared group", () => {
  const world = new World();
  world.receive("x", {}, { shared: "$share/g/t" });
  const link = world.connect();
  world.permit("other");
  world.session.pump();
  assertEquals([link.taken(), world.handedOver], [[], ["x"]]);
});

Deno.test("Session.rank() says how well it can take a message", () => {
  const world = new World({ backlogMessagesMax: 1 });
  const { session } = world;
  assertEquals([session.rank(0), session.rank(1)], [Rank.none, Rank.away]);
  const link = world.connect(1);
  assertEquals([session.rank(0), session.rank(1)], [Rank.ready, Rank.ready]);
  world.receive("in flight");
  assertEquals([session.rank(0), session.rank(1)], [Rank.ready, Rank.busy]);
  world.receive("waits");
  assertEquals([session.isFull(0), session.rank(1)], [true, Rank.none]);
  link.outbox.hasRoom = false;
  assertEquals(session.rank(0), Rank.busy);
  link.outbox.isOpen = false;
  assertEquals(session.rank(1), Rank.none);
});

Deno.test("Session.keepsMessages says whether an acknowledged message stays in memory", () => {
  const world = new World();
  const { session } = world;
  assertEquals(session.keepsMessages, true, "the client is away");
  const link = world.connect();
  assertEquals(session.keepsMessages, true, "it may have to be sent again");
  session.expirySeconds = 0;
  assertEquals(session.keepsMessages, false, "it is sent at once, and never again");
  link.outbox.hasRoom = false;
  assertEquals(session.keepsMessages, true, "it waits");
});

Deno.test("Session writes the bytes of a batch, in the format of its client", () => {
  const world = new World();
  const link = world.connect();
  const bytes = Uint8Array.of(0x30, 5, 0, 1, 0x74, 0, 0x78, 0x30, 5, 0, 1, 0x74, 0, 0x79);
  const route = new Router<Receiver>().routeOf("t")!;
  const batch = new PublishBatch();
  batch.begin(route, Origin.client("b"), true, bytes, 0);
  batch.add(7);
  batch.add(14);
  world.session.receiveRun(batch, variant());
  assertEquals(link.taken(), ["2 frames, 14 bytes"]);
  world.session.receiveRun(batch, variant({ identifiers: [7] }));
  assertEquals(link.taken(), ["x QoS 0", "y QoS 0"]);
  const older = world.connect(10, {}, false);
  world.session.receiveRun(batch, variant());
  assertEquals(older.taken(), ["2 frames, 12 bytes"], "without the property length");
  older.outbox.isOpen = false;
  world.session.receiveRun(batch, variant());
  assertEquals(older.taken(), [], "nothing comes behind a DISCONNECT [MQTT-3.14.4-1]");
});

Deno.test("Session has audiences check it again only if the client reads other bytes", () => {
  const world = new World();
  world.connect();
  const { session } = world;
  const filters = ["a", "b"];
  for (const filter of filters) {
    session.subscriptions.set({ filter } as Parameters<typeof session.subscriptions.set>[0]);
  }
  world.touched.length = 0;
  world.connect();
  assertEquals(world.touched, [], "the same format");
  world.connect(10, {}, false);
  assertEquals(world.touched, filters);
});

Deno.test("Session that has ended receives nothing, and leaves what waits of shared groups", () => {
  const world = new World();
  world.receive("own");
  world.receive("shared", {}, { shared: "$share/g/t" });
  const left = [...world.session.end()].map((one) => one === null ? null : textOf(one.message!));
  assertEquals([left, world.dropped], [[null, "shared"], ["t session-ended"]]);
  assertEquals([world.session.hasEnded, world.session.mayReceive("t")], [true, false]);
  world.receive("late");
  assertEquals(world.session.queue.messages, 0);
});

Deno.test("Session counts what cannot be sent to its client, and goes on", () => {
  const world = new World();
  const link = world.connect();
  world.receive("too large", { qos: 0 });
  world.receive("too large");
  world.receive("x");
  assertEquals(link.taken().map((words) => words.split(" ")[0]), ["x"]);
  assertEquals(world.dropped, ["t too-large", "t too-large"]);
  assertEquals(world.session.inflight, 1);
});

Deno.test("Session.follower is one object for all shared logs", () => {
  const { session } = new World();
  assertStrictEquals(session.follower, session.follower);
  assertEquals([session.isOrigin(Origin.client("a")), session.isOrigin(Origin.client("b"))], [
    true,
    false,
  ]);
});
