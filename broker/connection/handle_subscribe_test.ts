import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Authorizer } from "../../auth/authorizer.ts";
import {
  MalformedPacketError,
  type Packet,
  ProtocolError,
  ReasonCode,
  type SubackPacket,
  type SubscriptionRequest,
} from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import { RetainedStore } from "../delivery/retained_store.ts";
import type { RetainedDeliveryQueue } from "../delivery/retained_delivery_queue.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { ClientAccess } from "../session/client_access.ts";
import { SubscriptionTable } from "../session/subscription_table.ts";
import { message } from "../testdata/messages.ts";
import { TestConnection, type TestConnectionOptions } from "../testdata/test_connection.ts";
import { subscribe } from "./handle_subscribe.ts";
import { unsubscribe } from "./handle_unsubscribe.ts";

const CLIENT = {
  clientId: "a",
  username: null,
  address: "192.0.2.1:5",
  protocolVersion: 5,
} as const;
const {
  NoSubscriptionExisted,
  NotAuthorized,
  QuotaExceeded,
  SharedSubscriptionsNotSupported,
  TopicFilterInvalid,
  WildcardSubscriptionsNotSupported,
} = ReasonCode;

/** A session as these handlers see it; it tells which subscriptions it was told of. */
class TestSession {
  readonly clientId = "a";
  readonly subscriptions = new SubscriptionTable();
  readonly changed: string[] = [];
  readonly queue = {
    markSubscriptionChanged: (filter: string) => void this.changed.push(filter),
    markChanged: () => {},
  };
  readonly replays = null;
  feeds: RetainedDeliveryQueue | null = null;
  hasEnded = false;
  access: ClientAccess | null = null;

  durableAfter(): null {
    return null;
  }
}

/** A connection with a session, a router and retained messages, and no broker around them. */
function world(options: Omit<TestConnectionOptions, "session" | "host"> = {}) {
  const session = new TestSession();
  const router = new Router<Receiver>();
  const memory = { admits: () => true };
  const host = { router, memory, retained: null as unknown, remoteStreams: { home: null } };
  const connection = new TestConnection({ ...options, session, host });
  const { limits, clock, scheduler } = connection.context;
  const retained = new RetainedStore(limits, clock, scheduler);
  host.retained = retained;
  return { session, router, host, retained, connection };
}

type World = ReturnType<typeof world>;

function request(filter: string, options: Partial<SubscriptionRequest> = {}): SubscriptionRequest {
  const plain = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { filter, ...plain, ...options };
}

/** Handles a SUBSCRIBE whose answer needs no wait; returns the codes of the SUBACK. */
function codesFor({ connection }: World, ...requests: (string | SubscriptionRequest)[]): number[] {
  const subscriptions = requests.map((one) => typeof one === "string" ? request(one) : one);
  const packet = { type: "subscribe", packetId: 9, subscriptions, properties: {} } as const;
  assertEquals(subscribe(connection.asClient, { ...packet, subscriptions }), null);
  return reasonCodes(connection.sent(), "suback");
}

function reasonCodes(sent: Packet[], type: "suback" | "unsuback"): number[] {
  assertEquals(sent.map((packet) => packet.type), [type]);
  const { packetId, reasonCodes } = sent[0] as SubackPacket;
  assertEquals(packetId, 9);
  return [...reasonCodes];
}

function unsubscribeCodes({ connection }: World, ...filters: string[]): number[] {
  const packet = { type: "unsubscribe", packetId: 9, filters, properties: {} } as const;
  assertEquals(unsubscribe(connection.asClient, { ...packet, filters }), null);
  return reasonCodes(connection.sent(), "unsuback");
}

Deno.test("subscribe() adds each filter, and answers with one SUBACK in their order [MQTT-3.8.4-6] [MQTT-3.9.3-1]", () => {
  const { session, router, ...rest } = world();
  const codes = codesFor(
    { session, router, ...rest },
    request("a", { qos: 2 }),
    request("$share/g/b/+", { qos: 0 }),
    request("a", { qos: 1 }),
  );
  assertEquals(codes, [2, 0, 1]);
  assertEquals([...session.subscriptions.filters()], ["a", "$share/g/b/+"]);
  assertEquals([router.subscriptions, router.sharedSubscriptions], [2, 1]);
  assertEquals(session.changed, ["a", "$share/g/b/+", "a"]);
});

Deno.test("subscribe() grants no more than the Maximum QoS of the listener [MQTT-3.8.4-7]", () => {
  const { session, ...rest } = world({ rules: { maximumQoS: 1 } });
  const all = { session, ...rest };
  assertEquals(codesFor(all, request("a", { qos: 2 }), request("b", { qos: 0 })), [1, 0]);
  assertEquals(session.subscriptions.get("a")!.options.qos, 1);
});

Deno.test("subscribe() refuses an ill-formed filter alone in 5.0, and the packet in 3.x [MQTT-4.7.1-1]", () => {
  const all = world();
  assertEquals(codesFor(all, "a", "a#", "b"), [1, TopicFilterInvalid, 1]);
  assertEquals(all.router.subscriptions, 2);
  const old = world({ version: 4 });
  assertThrows(() => codesFor(old, "a", "a#"), ProtocolError, "invalid: a#");
  assertEquals([old.router.subscriptions, old.connection.sent()], [0, []]);
});

Deno.test("subscribe() takes an empty filter for malformed [MQTT-4.7.3-1]", () => {
  for (const version of [4, 5] as const) {
    assertThrows(() => codesFor(world({ version }), ""), MalformedPacketError, "empty");
  }
});

Deno.test("subscribe() refuses what the listener does not offer [MQTT-3.9.3-2]", () => {
  const rules = { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false };
  assertEquals(codesFor(world({ rules }), "a/+", "$share/g/a", "a"), [
    WildcardSubscriptionsNotSupported,
    SharedSubscriptionsNotSupported,
    1,
  ]);
  assertEquals(codesFor(world({ rules, version: 4 }), "a/+", "$share/g/a", "a"), [0x80, 0x80, 1]);
});

Deno.test("subscribe() refuses a Subscription Identifier that the listener does not offer (§3.2.2.3.12)", () => {
  const { connection } = world({ rules: { subscriptionIdentifiersAvailable: false } });
  const properties = { subscriptionIdentifiers: [1] };
  const subscriptions = [request("a")];
  const packet = { type: "subscribe", packetId: 9, subscriptions, properties } as const;
  const error = assertThrows(
    () => subscribe(connection.asClient, { ...packet, subscriptions }),
    ProtocolError,
  );
  assertEquals(error.reasonCode, ReasonCode.SubscriptionIdentifiersNotSupported);
});

Deno.test("subscribe() counts the subscriptions of a session, and not the same filter twice (subscriptionsMax)", () => {
  const all = world({ broker: { limits: { subscriptionsMax: 2 } } });
  assertEquals(codesFor(all, "a", "b", "c", "b"), [1, 1, QuotaExceeded, 1]);
  assertEquals(all.connection.events, ["limit subscriptions"]);
});

Deno.test("subscribe() refuses a new filter where memory is short", () => {
  const all = world();
  assertEquals(codesFor(all, "a"), [1]);
  all.host.memory.admits = () => false;
  assertEquals(codesFor(all, "a", "b"), [1, QuotaExceeded]);
});

Deno.test("subscribe() refuses filters that make matching too costly, and says so (matchStepsMax)", () => {
  const all = world({ broker: { limits: { matchStepsMax: 20 } } });
  const { connection } = all;
  const filters = Array.from({ length: 8 }, (_, n) => `+/+/+/+/+/${n}`.replace("+", `${n}`));
  const subscriptions = ["+/+/+/+/a", ...filters].map((filter) => request(filter));
  const packet = { type: "subscribe", packetId: 9, subscriptions, properties: {} } as const;
  subscribe(connection.asClient, { ...packet, subscriptions });
  const [suback] = connection.sent() as SubackPacket[];
  assert(suback!.reasonCodes.includes(QuotaExceeded), `${suback!.reasonCodes}`);
  assert(suback!.properties.reasonString!.includes("steps"));
  assert(connection.events.includes("limit match-steps"));
  assert(all.router.matchCost <= 20);
});

Deno.test("subscribe() asks the authorizer about each filter that has no fault, in order", async () => {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    mayPublish: () => true,
    maySubscribe(_client, { filter, group, qos }) {
      asked.push(`${group} ${filter} ${qos}`);
      const may = filter !== "secret";
      return asked.length % 2 === 0 ? may : Promise.resolve(may);
    },
  };
  const { session, connection, router } = world();
  session.access = new ClientAccess(connection.context, authorizer, CLIENT);
  const subscriptions = ["a", "secret", "b#", "$share/g/c"].map((filter) => request(filter));
  const packet = { type: "subscribe", packetId: 9, subscriptions, properties: {} } as const;
  await subscribe(connection.asClient, { ...packet, subscriptions });
  assertEquals(reasonCodes(connection.sent(), "suback"), [1, NotAuthorized, TopicFilterInvalid, 1]);
  assertEquals(asked, ["null a 1", "null secret 1", "g c 1"]);
  assertEquals(router.subscriptions, 2);
});

Deno.test("subscribe() subscribes a client to nothing that is gone when the authorizer answers", async () => {
  const answer = Promise.withResolvers<boolean>();
  const authorizer = { mayPublish: () => true, maySubscribe: () => answer.promise };
  const { session, connection, router } = world();
  session.access = new ClientAccess(connection.context, authorizer, CLIENT);
  const packet = { type: "subscribe", packetId: 9, properties: {} } as const;
  const done = subscribe(connection.asClient, { ...packet, subscriptions: [request("a")] });
  connection.isOpen = false;
  answer.resolve(true);
  await done;
  assertEquals([router.subscriptions, connection.sent()], [0, []]);
});

Deno.test("subscribe() has retained messages sent as Retain Handling says [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]", () => {
  const cases: [retainHandling: 0 | 1 | 2, times: number, walks: number][] = [
    [0, 1, 1],
    [0, 2, 2],
    [1, 1, 1],
    [1, 2, 1],
    [2, 1, 0],
  ];
  for (const [retainHandling, times, walks] of cases) {
    const all = world();
    all.retained.set(message("a/b", "kept", { retain: true }));
    for (let n = 0; n < times; n++) codesFor(all, request("a/+", { retainHandling }));
    // The outbox is asked to write once for each SUBSCRIBE that has retained messages sent.
    assertEquals([retainHandling, times, all.connection.outbox.hurried], [
      retainHandling,
      times,
      walks,
    ]);
    assertEquals(all.session.feeds !== null, walks > 0);
  }
});

Deno.test("subscribe() sends no retained messages for a shared subscription (§3.8.4)", () => {
  const all = world();
  all.retained.set(message("a", "kept", { retain: true }));
  codesFor(all, "$share/g/a");
  assertEquals([all.session.feeds, all.connection.outbox.hurried], [null, 0]);
});

Deno.test("subscribe() puts the mount point before each filter, the group of a shared one in front", () => {
  const all = world({ rules: { mountPoint: "site/" } });
  assertEquals(codesFor(all, "a", "$share/g/b", "c#"), [1, 1, TopicFilterInvalid]);
  const filters = [...all.session.subscriptions.filters()].sort();
  assertEquals(filters, ["$share/g/site/b", "site/a"]);
  assertEquals(unsubscribeCodes(all, "a", "$share/g/b", "site/a"), [0, 0, NoSubscriptionExisted]);
  assertEquals(all.router.subscriptions, 0);
});

Deno.test("unsubscribe() answers for each filter whether there was a subscription [MQTT-3.11.3-2]", () => {
  const all = world();
  codesFor(all, "a", "b", "c");
  assertEquals(unsubscribeCodes(all, "a", "x", "c#", "b", "b"), [
    0,
    NoSubscriptionExisted,
    TopicFilterInvalid,
    0,
    NoSubscriptionExisted,
  ]);
  assertEquals([...all.session.subscriptions.filters()], ["c"]);
  assertEquals(all.router.subscriptions, 1);
});

Deno.test("unsubscribe() changes and answers nothing for a client that is gone", () => {
  const all = world();
  codesFor(all, "a", "b");
  all.session.hasEnded = true;
  all.connection.isOpen = false;
  const packet = { type: "unsubscribe", packetId: 9, filters: ["a", "b"], properties: {} } as const;
  unsubscribe(all.connection.asClient, { ...packet, filters: ["a", "b"] });
  assertEquals([all.router.subscriptions, all.connection.sent()], [2, []]);
});
