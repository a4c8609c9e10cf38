/**
 * Fills one table of a broker after the other, with what is usual and with what is hostile, and
 * prints as JSON by how much the process has grown, after a full collection, and by how much the
 * broker says that it has. Run with `--v8-flags=--expose-gc`; `counted_bytes_test.ts` compares.
 *
 * @module
 */
import { BrokerParts } from "../../broker/broker_parts.ts";
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import { Message } from "../../broker/base/message.ts";
import { settingsOf } from "../../broker/base/options.ts";
import { OutboundAliases } from "../../broker/delivery/outbound_aliases.ts";
import { RetainedDelivery } from "../../broker/delivery/retained_delivery.ts";
import { RetainedDeliveryQueue } from "../../broker/delivery/retained_delivery_queue.ts";
import type { Receiver } from "../../broker/delivery/subscriber.ts";
import { Origin } from "../../broker/base/origin.ts";
import type { Session } from "../../broker/session/session.ts";
import { Subscription } from "../../router/subscription.ts";

const collect = (globalThis as unknown as { gc(): void }).gc;
const OPTIONS = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

/** Fills a table with the thing of a number. */
type Fill = (parts: BrokerParts, number: number) => void;

function makeParts(): BrokerParts {
  const limits = { ...DEFAULT_LIMITS, routesBytesMax: 2 ** 32, memoryBytesMax: 2 ** 33 };
  return new BrokerParts(settingsOf({ limits, heap: null }));
}

async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function retain(parts: BrokerParts, topic: string, payload: number): void {
  const { topic: name, bytes } = parts.router.routeOf(topic)!;
  // The route is counted elsewhere: here it must not be what holds the topic.
  const copy = bytes.slice();
  const body = new Uint8Array(payload);
  const own = `${name} `.trimEnd();
  parts.retained.set(
    new Message(own, copy, body, 0, 0, 0, payload, 1, true, -1, 0, Origin.program),
  );
}

function subscribe(parts: BrokerParts, session: Session, filter: string): void {
  const subscription = new Subscription<Receiver>(session, filter, { ...OPTIONS, identifier: 0 });
  parts.router.subscribe(subscription);
  session.subscriptions.set(subscription);
}

function sessionOf(parts: BrokerParts, clientId: string): Session {
  const known = parts.sessions.get(clientId);
  if (known !== undefined) return known;
  const session = parts.sessions.create(clientId, true);
  session.expirySeconds = 3600;
  return session;
}

const aliases = new WeakMap<BrokerParts, OutboundAliases>();

/** The aliases of one client of a broker. */
function aliasesOf(parts: BrokerParts): OutboundAliases {
  let known = aliases.get(parts);
  if (known === undefined) {
    known = new OutboundAliases(65_535, { topicAliasBytesMax: 2 ** 31 }, parts.memory);
    aliases.set(parts, known);
  }
  return known;
}

/** Has a session begin to be sent the retained messages that match a filter. */
function feed(parts: BrokerParts, filter: string): void {
  const session = sessionOf(parts, "one");
  session.feeds ??= new RetainedDeliveryQueue();
  // The subscription, which holds the filter itself, is counted elsewhere.
  const own = `${filter} `.trimEnd();
  session.feeds.push(new RetainedDelivery(own, parts.retained.match(own), VARIANT, false));
}

const VARIANT = {
  qos: 1,
  identifiers: null,
  retainAsPublished: false,
  retained: false,
  shared: null,
} as const;

function queue(parts: BrokerParts, topic: string, payload: number): void {
  const route = parts.router.routeOf(topic)!;
  const body = new Uint8Array(payload);
  const message = new Message(
    route.topic,
    route.bytes,
    body,
    0,
    0,
    0,
    payload,
    1,
    false,
    -1,
    0,
    Origin.program,
  );
  sessionOf(parts, "away").receive(message, VARIANT);
}

const TABLES: Record<string, [count: number, fill: Fill]> = {
  "routes, usual": [10_000, (parts, i) => parts.router.routeOf(`home/room-${i}/temperature`)],
  "routes of 60 KB": [300, (parts, i) => parts.router.routeOf(`${i}/`.padEnd(60_000, "x"))],
  "routes beyond ISO 8859-1": [
    2000,
    (parts, i) => parts.router.routeOf(`${i}/`.padEnd(2000, "水")),
  ],
  "retained, usual": [10_000, (parts, i) => retain(parts, `home/room-${i}/temperature`, 20)],
  "retained, 1 KB": [10_000, (parts, i) => retain(parts, `home/room-${i}/temperature`, 1000)],
  "retained, 64 levels": [1000, (parts, i) => retain(parts, `${i}${"/a".repeat(63)}`, 1)],
  "retained, topics of 60 KB": [200, (parts, i) => retain(parts, `${i}`.padEnd(60_000, "x"), 1)],
  "subscriptions, usual": [
    10_000,
    (parts, i) => subscribe(parts, sessionOf(parts, "one"), `home/room-${i}/temperature`),
  ],
  "subscriptions, +": [
    10_000,
    (parts, i) => subscribe(parts, sessionOf(parts, "one"), `home/room-${i}/+`),
  ],
  "subscriptions, 64 levels": [
    1000,
    (parts, i) => subscribe(parts, sessionOf(parts, "one"), `${i}${"/b".repeat(62)}/+`),
  ],
  "subscriptions of 60 KB": [
    200,
    (parts, i) => subscribe(parts, sessionOf(parts, "one"), `+/${i}`.padEnd(60_000, "x")),
  ],
  "shared groups": [
    5000,
    (parts, i) => subscribe(parts, sessionOf(parts, "one"), `$share/${i}/f/${i}/x`),
  ],
  "members of a group": [
    5000,
    (parts, i) => subscribe(parts, sessionOf(parts, `client-${i}`), "$share/g/f/x"),
  ],
  "sessions with a subscription": [
    5000,
    (parts, i) => subscribe(parts, sessionOf(parts, `client-${i}`), `to/client-${i}`),
  ],
  "sessions with a will": [2000, (parts, i) => {
    const session = sessionOf(parts, `client-${i}`);
    const payload = new Uint8Array(5000);
    const topic = `${i}`.padEnd(1000, "w");
    parts.sessions.wills.set(session, { topic, payload, qos: 1, retain: false, properties: {} });
  }],
  "a backlog, usual": [10_000, (parts, i) => queue(parts, `a/b/${i % 100}`, 200)],
  "a backlog of nothing": [10_000, (parts) => queue(parts, "a", 0)],
  "sessions with a long user name": [300, (parts, i) => {
    parts.sessions.setUser(sessionOf(parts, `client-${i}`), `${i}`.padEnd(60_000, "u"));
  }],
  "identifiers that are not released": [20_000, (parts, i) => {
    sessionOf(parts, `client-${i >> 10}`).inbound.accept(1 + (i & 1023));
  }],
  "retained messages to be sent, usual": [5000, (parts, i) => {
    if (i < 0) retain(parts, `home/room-${i}/temperature`, 20);
    feed(parts, `home/+/temperature/${i}`);
  }],
  "retained messages to be sent, long filters": [300, (parts, i) => {
    if (i < 0) retain(parts, `home/room-${i}/temperature`, 20);
    feed(parts, `home/+/temperature/${i}`.padEnd(60_000, "x"));
  }],
  "take-overs, usual": [
    4000,
    (parts, i) => parts.limiters.takeovers.takesOver(`client-${i}`, "198.51.100.7:1000"),
  ],
  "take-overs of names of 60 KB": [
    300,
    (parts, i) => parts.limiters.takeovers.takesOver(`c${i}`.padEnd(60_000, "x"), "198.51.100.7:1"),
  ],
  "addresses": [20_000, (parts, i) => {
    const address = `203.${i >> 16 & 0xff}.${i >> 8 & 0xff}.${i & 0xff}`;
    parts.limiters.addresses.mayConnect(`${address}:1000`);
    const login = { address, clientId: "c", username: "u", reasonCode: 0x86 };
    parts.limiters.logins.countFailure(login);
  }],
  "topic aliases to clients, usual": [10_000, (parts, i) => {
    aliasesOf(parts).add(`home/room-${i}/temperature`);
  }],
  "topic aliases to clients, 60 KB": [200, (parts, i) => {
    aliasesOf(parts).add(`${i}`.padEnd(60_000, "x"));
  }],
  "routes with audiences": [3000, (parts, i) => {
    if (i < 0) {
      for (let n = 0; n < 20; n++) subscribe(parts, sessionOf(parts, `s${n}`), `a/+/${n}/#`);
    }
    parts.router.audience(parts.router.routeOf(`a/${i}/${Math.abs(i) % 20}/c`)!);
  }],
};

async function measure(fill: Fill, count: number): Promise<{ held: number; counted: number }> {
  const parts = makeParts();
  // What is made once is not counted for each.
  for (let i = -10; i < 0; i++) fill(parts, i);
  parts.memory.settle();
  const before = [await heldBytes(), parts.memory.bytes] as const;
  for (let i = 0; i < count; i++) fill(parts, i);
  parts.memory.settle();
  const after = [await heldBytes(), parts.memory.bytes] as const;
  parts.stop();
  return { held: after[0] - before[0], counted: after[1] - before[1] };
}

if (import.meta.main) {
  const results: Record<string, unknown> = {};
  for (const [name, [count, fill]] of Object.entries(TABLES)) {
    results[name] = await measure(fill, count);
  }
  // deno-lint-ignore no-console
  console.log(JSON.stringify(results));
  Deno.exit(0);
}
