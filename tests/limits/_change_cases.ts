import { concat } from "@std/bytes";
import type { BrokerLimits } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { ManualStore } from "../harness/manual_store.ts";
import * as packets from "../harness/packets.ts";
import {
  type ChangeCase,
  HERE,
  later,
  meanwhile,
  settled,
  stalled,
  told,
  V5,
  waiting,
} from "./_change_case.ts";
import type { Stage, Visitor } from "./_stage.ts";

const LONG = 60_000;
const picky = {
  authenticate: ({ username }: { username: string | null }) => ({
    reasonCode: username === "no" ? 0x86 : 0,
  }),
};
const WRONG = { username: "no", password: "" };
const TWIN = { clientId: "twin" };

/** Connects from one address so many times; tells whether each was closed. */
async function crowd(stage: Stage, count: number, isIn = true): Promise<boolean[]> {
  const visitors: Visitor[] = [];
  for (let i = 0; i < count; i++) {
    const visitor = stage.visit(HERE);
    if (isIn) await visitor.connect();
    visitors.push(visitor);
  }
  await stage.clock.settle();
  return visitors.map((visitor) => visitor.isEnded);
}

/** Fails to log in so many times; tells the last answer there is after so many milliseconds. */
async function guess(stage: Stage, count: number, betweenMs = 0, afterMs = 0): Promise<string> {
  let last = stage.visit(HERE);
  let answer = await last.connect(WRONG);
  for (let i = 1; i < count; i++) {
    await stage.clock.advance(betweenMs);
    last = stage.visit(HERE);
    answer = await last.connect(WRONG);
  }
  await stage.clock.advance(afterMs);
  return answer + await last.receive();
}

/** Takes a session over, twice; tells the second answer after so many milliseconds. */
async function takeOver(stage: Stage, betweenMs = 0, afterMs = 0): Promise<string> {
  await stage.join(TWIN);
  await stage.join(TWIN);
  await stage.clock.advance(betweenMs);
  const third = stage.visit();
  const answer = await third.connect(TWIN);
  await stage.clock.advance(afterMs);
  return answer + await third.receive();
}

/** Dials a listener twice, and tells whether both were accepted. */
async function dialTwice(stage: Stage, reason: "handshakes" | "connect-rate"): Promise<boolean> {
  const { stats } = stage.broker;
  const { port } = await stage.broker.listen({ port: 0 });
  using _first = await Deno.connect({ hostname: "127.0.0.1", port });
  // One of several nodes reads the CONNECT before it counts a connection.
  const accepted = () => stats.connections + stats.pendingHandshakes;
  await eventually("the first is accepted", () => accepted() === 1);
  using _second = await Deno.connect({ hostname: "127.0.0.1", port });
  await eventually(
    "the second is accepted, or waits",
    () => accepted() === 2 || stats.limited[reason] > 0,
  );
  return accepted() === 2;
}

/** Publishes so many messages of so many bytes at once; tells how many were taken. */
async function publish(stage: Stage, client: Visitor, count: number, bytes: number) {
  const before = stage.broker.stats.messagesReceived;
  await client.send(
    concat(Array.from({ length: count }, () => packets.publish("a", "x".repeat(bytes), V5))),
  );
  return stage.broker.stats.messagesReceived - before;
}

/** Publishes something twice, the second time after the change. */
function again(to: number, topic: string): ChangeCase {
  return {
    to,
    isOneWay: true,
    probe: async (stage, change) => {
      const early = await stage.join({ clientId: "early" });
      const other = await stage.join({ clientId: "other" });
      const message = packets.publish(topic, "", V5);
      const aliased = packets.publish(topic, "", { ...V5, properties: "23 0001" });
      await early.send(message, aliased);
      change();
      const byAlias = packets.publish("", "", { ...V5, properties: "23 0001" });
      await early.send(byAlias);
      return [early.isEnded, await other.send(message)];
    },
  };
}

/** A WebSocket begins with it. */
const UPGRADE = new TextEncoder().encode(
  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
);

const userProperty = (count: number) =>
  packets.publish("a", "", { ...V5, properties: "26 0001 61 0001 62".repeat(count) });
const retainTwo = async (client: Visitor) =>
  await client.send(
    packets.publish("a", "x", { ...V5, qos: 1, retain: true }),
    packets.publish("b", "x", { ...V5, qos: 1, retain: true, packetId: 2 }),
  );
const delayTwo = async (client: Visitor) =>
  await client.send(
    packets.publish("$delayed/9/a", "x", { ...V5, qos: 1 }),
    packets.publish("$delayed/9/b", "x", { ...V5, qos: 1, packetId: 2 }),
  );
const delays = { options: { delayed: true } };
const logins = { options: { authenticator: picky } };
const flaps = { base: { takeOversMax: 1, takeOverForgetMs: LONG, takeOverDelayMs: LONG } };

/** How each limit is seen from outside: a limit that has no case here fails the test. */
export const CHANGE_CASES: Record<keyof BrokerLimits, ChangeCase> = {
  connectionsMax: meanwhile(1, (_, stage) => stage.visit().connect({ clientId: "other" })),
  handshakesMax: later(1, (stage) => dialTwice(stage, "handshakes")),
  addressConnectionsMax: later(1, (stage) => crowd(stage, 2)),
  addressHandshakesMax: later(1, (stage) => crowd(stage, 2, false)),
  addressConnectsPerSecondMax: later(1, async (stage) => {
    await crowd(stage, 1);
    await stage.clock.advance(100);
    return await crowd(stage, 1);
  }, { base: { addressConnectsBurst: 1 } }),
  addressConnectsBurst: later(1, (stage) => crowd(stage, 2)),
  connectsPerSecondMax: later(1, (stage) => dialTwice(stage, "connect-rate")),
  addressesMax: later(2, async (stage) => {
    await crowd(stage, 1);
    for (const last of [1, 2, 3]) await stage.visit(`203.0.113.${last}:1`).connect();
    return await crowd(stage, 1);
  }, { base: { addressConnectsPerSecondMax: 1, addressConnectsBurst: 1 } }),
  loginFailuresMax: later(1, (stage) => guess(stage, 2), logins),
  loginForgetMs: later(10, (stage) => guess(stage, 2, 100), {
    ...logins,
    base: { loginFailuresMax: 1, loginForgetMs: LONG },
  }),
  loginDelayMs: later(10, (stage) => guess(stage, 2, 0, 10), {
    ...logins,
    base: { loginFailuresMax: 1 },
  }),
  loginsDelayedMax: later(1, (stage) => guess(stage, 3), {
    ...logins,
    base: { loginFailuresMax: 1 },
  }),
  takeOversMax: later(1, (stage) => takeOver(stage)),
  takeOverForgetMs: later(10, (stage) => takeOver(stage, 100), flaps),
  takeOverDelayMs: later(10, (stage) => takeOver(stage, 0, 10), flaps),
  flappingClientsMax: later(2, async (stage) => {
    for (const clientId of ["twin", "twin", "b", "b", "c", "c"]) await stage.join({ clientId });
    return await stage.visit().connect(TWIN);
  }, flaps),
  loopLagMs: meanwhile(100, async (_, stage) => {
    stage.lateMs = 500;
    stage.visit();
    await stage.clock.advance(3000);
    return await stage.visit().connect({ clientId: "other" });
  }),
  pendingHandshakesMax: later(1, async (stage) => {
    const { stats } = stage.broker;
    const { port } = await stage.broker.listen({ port: 0, webSocket: true });
    using first = await Deno.connect({ hostname: "127.0.0.1", port });
    await eventually("the first is in its handshake", () => stats.pendingHandshakes === 1);
    using second = await Deno.connect({ hostname: "127.0.0.1", port });
    await second.write(UPGRADE);
    await eventually("the first is accepted", () => stats.connections === 1);
    await first.write(UPGRADE).catch(() => {});
    await eventually("all handshakes are over", () => stats.pendingHandshakes === 0);
    return stats.handshakesFailed;
  }),
  handshakeTimeoutMs: later(100, async (stage) => {
    const { stats } = stage.broker;
    const { port } = await stage.broker.listen({ port: 0, webSocket: true });
    using _first = await Deno.connect({ hostname: "127.0.0.1", port });
    await eventually("the first is in its handshake", () => stats.pendingHandshakes === 1);
    let waitedMs = 0;
    while (stats.handshakesFailed === 0) {
      await stage.clock.advance(100);
      waitedMs += 100;
      if (waitedMs === 100 || waitedMs === 10_000) {
        await settled(() => stats.pendingHandshakes === 0);
      }
    }
    return waitedMs < 10_000;
  }),
  idleFramesPerSecondMax: {
    to: 1,
    probe: async (stage, change) => {
      const { stats } = stage.broker;
      const { port } = await stage.broker.listen({ port: 0, webSocket: true });
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await conn.write(UPGRADE);
      await conn.read(new Uint8Array(1024));
      change();
      const answer = new Uint8Array(100);
      for (let i = 0; i < 3 && answer[0] !== 0x88; i++) {
        // A ping with nothing in it; a pong, or a close frame, answers.
        await conn.write(new Uint8Array([0x89, 0x80, 0, 0, 0, 0]));
        await conn.read(answer);
      }
      return stats.limited["websocket-frames"];
    },
  },
  connectTimeoutMs: later(100, async (stage) => {
    const silent = stage.visit();
    await stage.clock.advance(100);
    return silent.isEnded;
  }),
  connectBytesMax: later(50, (stage) => stage.visit().connect({ clientId: "x".repeat(200) })),
  packetBytesMax: later(100, async (stage) => {
    const client = stage.visit();
    const connack = await client.connect({ clientId: "client" });
    return connack + await client.send(packets.publish("a", "x".repeat(500), V5));
  }),
  requestBytesMax: meanwhile(
    20,
    (client) => client.send(packets.subscribe({ ["x".repeat(30)]: 0 }, V5)),
  ),
  publishesPerSecondMax: meanwhile(1, (client, stage) => publish(stage, client, 3, 1)),
  publishBytesPerSecondMax: meanwhile(1, (client, stage) => publish(stage, client, 3, 1)),
  userPropertiesMax: meanwhile(1, (client) => client.send(userProperty(2))),
  userPropertyBytesMax: meanwhile(1, (client) => client.send(userProperty(1))),
  filtersPerPacketMax: meanwhile(1, (client) => client.send(packets.subscribe({ a: 0, b: 0 }, V5))),
  keepAliveSecondsMax: told(10, { keepAliveSeconds: 100 }),
  sessionExpirySecondsMax: told(10, { properties: "11 00000e10" }),
  sessionsMax: meanwhile(1, (_, stage) => stage.visit().connect({ clientId: "other" })),
  subscriptionsMax: meanwhile(1, (client) => client.send(packets.subscribe({ a: 0, b: 0 }, V5))),
  receiveMaximum: told(7),
  inflightMax: later(1, async (stage) => {
    const client = await stage.join();
    await client.send(packets.subscribe({ a: 1 }, V5));
    return await client.send(
      packets.publish("a", "", { ...V5, qos: 1 }),
      packets.publish("a", "", { ...V5, qos: 1, packetId: 2 }),
    );
  }),
  topicAliasMax: told(7),
  topicAliasBytesMax: meanwhile(
    1,
    (client) => client.send(packets.publish("a", "", { ...V5, properties: "23 0001" })),
  ),
  topicBytesMax: again(3, "abcd"),
  topicLevelsMax: again(2, "a/b/c"),
  backlogMessagesMax: waiting(1),
  backlogBytesMax: waiting(500),
  lagBytesMax: stalled(10_000, async (publisher, stage) => {
    for (let i = 0; i < 20; i++) await publish(stage, publisher, 1, 10_000);
    return stage.broker.stats.dropped.lag > 0;
  }),
  highWaterBytes: stalled(1000, async (publisher, stage) => {
    for (let i = 0; i < 20; i++) await publish(stage, publisher, 1, 1000);
    return stage.broker.stats.messagesReceived;
  }),
  stallMs: stalled(10, async (publisher, stage) => {
    for (let i = 0; i < 20; i++) await publish(stage, publisher, 1, 1000);
    await stage.clock.advance(100);
    return stage.broker.stats.messagesReceived;
  }, { base: { highWaterBytes: 1000 } }),
  // More than a CONNACK has.
  controlBytesMax: meanwhile(100, async (client, stage) => {
    client.pipe.stall(true);
    await client.send(packets.pingreq());
    await client.send(concat(Array.from({ length: 1000 }, () => packets.pingreq())));
    return stage.broker.stats.limited["control-bytes"];
  }),
  drainMs: {
    to: 1000,
    probe: async (stage, change) => {
      const client = await stage.join();
      await client.send(packets.subscribe({ a: 0 }, V5));
      client.pipe.stall(true);
      await publish(stage, await stage.join(), 1, 10);
      change();
      await stage.clock.advance(5000);
      return client.isEnded;
    },
  },
  lingerMs: meanwhile(10, async (client, stage) => {
    client.pipe.stall(true);
    await client.send("f0 00");
    await stage.clock.advance(100);
    return stage.broker.stats.connections;
  }),
  retainedMessagesMax: meanwhile(1, retainTwo),
  retainedBytesMax: meanwhile(1, retainTwo),
  willsAskedMax: {
    to: 0,
    options: {
      authorizer: {
        mayPublish: () => Promise.resolve(true),
        maySubscribe: () => true,
      },
    },
    probe: async (stage, change) => {
      const client = await stage.join({ will: { topic: "a", payload: "" } });
      change();
      await client.leave();
      return stage.broker.stats.dropped["not-authorized"];
    },
  },
  delayedMessagesMax: meanwhile(1, delayTwo, delays),
  delayedBytesMax: meanwhile(1, delayTwo, delays),
  delaySecondsMax: meanwhile(1, delayTwo, delays),
  journalBytesMax: journalCase(),
  storedBytesMax: waiting(10, { store: () => new ManualStore() }),
  storeCacheBytesMax: meanwhile(1000, async (publisher, stage) => {
    const session = { clientId: "away", clean: false, properties: "11 00000e10" };
    const subscriber = await stage.join(session);
    await subscriber.send(packets.subscribe({ "a": 1 }, V5));
    await subscriber.leave();
    for (let packetId = 1; packetId <= 200; packetId++) {
      const fields = { ...V5, qos: 1, packetId } as const;
      await publisher.send(packets.publish("a", "x".repeat(50_000), fields));
    }
    return stage.broker.stats.memory.pages;
  }, { store: () => new ManualStore() }),
  streamsMax: later(1, async (stage) => {
    const declared = ["one", "two"].map((name) =>
      stage.broker.declareStream({ name, filters: ["a"], maxMessages: 1 })
    );
    return (await Promise.allSettled(declared)).map(({ status }) => status);
  }),
  streamCacheBytesMax: later(1000, async (stage) => {
    const stream = await declare(stage, 200);
    for await (const _ of stream.read({ after: 0, isFinite: true })) { /* all are read */ }
    return stage.broker.stats.memory.pages;
  }),
  streamTopicsMax: later(1, async (stage) => {
    const options = { name: "day", filters: ["#"], maxMessages: 10, maxPerTopic: 1 };
    const stream = await stage.broker.declareStream(options);
    for (const topic of ["a", "b"]) await stream.append(topic, "x");
    return stream.messages;
  }),
  replaysMax: later(1, async (stage) => {
    await declare(stage, 1);
    const client = await stage.join();
    const filters = { "$replay/day/latest/a": 0, "$replay/day/latest/b": 0 };
    return await client.send(packets.subscribe(filters, V5));
  }),
  replaysTotalMax: later(1, async (stage) => {
    await declare(stage, 1);
    const one = await stage.join({ clientId: "one" });
    await one.send(packets.subscribe({ "$replay/day/latest/a": 0 }, V5));
    const other = await stage.join({ clientId: "other" });
    return await other.send(packets.subscribe({ "$replay/day/latest/a": 0 }, V5));
  }),
  replaySubscribesPerSecondMax: later(1, async (stage) => {
    await declare(stage, 1);
    const client = await stage.join({ level: 4 });
    const subscribe = packets.subscribe({ "$replay/day/latest/a": 0 });
    await client.send(subscribe);
    await stage.clock.advance(500);
    return await client.send(subscribe);
  }, { base: { replaySubscribesBurst: 1 } }),
  replaySubscribesBurst: later(1, async (stage) => {
    await declare(stage, 1);
    const client = await stage.join({ level: 4 });
    const subscribe = packets.subscribe({ "$replay/day/latest/a": 0 });
    return [await client.send(subscribe), await client.send(subscribe)];
  }),
  replayTurnPercent: later(0, async (stage) => {
    await declare(stage, 100);
    const client = await stage.join({ level: 4 });
    await client.send(packets.subscribe({ "$replay/day/earliest/#": 0 }));
    await stage.clock.advance(10);
    // With no time in a turn, each message is in a turn of its own.
    return stage.broker.stats.limited["replay-turn"] >= 99;
  }),
  replayAheadBytesMax: later(1, async (stage) => {
    const stream = await declare(stage, 200);
    // Nothing is left in memory by now of what was written.
    stage.broker.changeLimits({ streamCacheBytesMax: 0 });
    for (let i = 0; i < 10; i++) stage.broker.publish("a", "x".repeat(10_000));
    await stage.clock.settle();
    stage.broker.changeLimits({ streamCacheBytesMax: 2 ** 24 });
    // Seven of them are a chunk. The first one is read alone.
    for await (const { seq } of stream.read({ after: 0 })) if (seq === 10) break;
    return stage.broker.stats.memory.pages;
  }),
  replayTopicsMax: later(1, async (stage) => {
    await declare(stage, 3);
    const client = await stage.join({ level: 4 });
    const answer = await client.send(packets.subscribe({ "$replay/day/last-per-topic=2/#": 0 }));
    return answer.slice(0, 10);
  }),
  groupsMax: later(1, async (stage) => {
    await declare(stage, 1);
    const client = await stage.join();
    const filters = { "$share/a/$replay/day/latest/a": 0, "$share/b/$replay/day/latest/a": 0 };
    return await client.send(packets.subscribe(filters, V5));
  }),
  groupMembersMax: later(1, async (stage) => {
    await declare(stage, 1);
    const client = await stage.join();
    const filters = { "$share/a/$replay/day/latest/a": 0, "$share/a/$replay/day/earliest/a": 0 };
    return await client.send(packets.subscribe(filters, V5));
  }),
  groupPendingMax: later(1, (stage) => readTogether(stage, 1)),
  groupMemberPendingMax: later(1, (stage) => readTogether(stage, 1)),
  groupAckSecondsMax: later(1, async (stage) => {
    await declare(stage, 1);
    const client = await stage.join({ level: 4 });
    await client.send(packets.subscribe({ "$share/g/$replay/day/earliest/a": 1 }));
    await stage.clock.advance(1000);
    return stage.broker.stats.limited["group-ack"];
  }),
  groupIdleSecondsMax: later(1, async (stage) => {
    const stream = await declare(stage, 1);
    const client = await stage.join({ level: 4 });
    await client.send(packets.subscribe({ "$share/g/$replay/day/earliest/a": 1 }));
    await client.send(packets.unsubscribe(["$share/g/$replay/day/earliest/a"]));
    await stage.clock.advance(1001);
    return stream.groups().length;
  }),
  deadLettersPerSecondMax: later(1, async (stage) => {
    const lost = await stage.broker.declareStream({ name: "lost", filters: [], maxMessages: 9 });
    const dead = { dead: "lost", deadReasons: ["too-large"] } as const;
    await stage.broker.declareStream({ name: "day", filters: ["a"], maxMessages: 9, ...dead });
    const client = await stage.join({ properties: "27 00000040" });
    await client.send(packets.subscribe({ "a": 0 }, V5));
    for (let i = 0; i < 3; i++) stage.broker.publish("a", "x".repeat(100));
    await stage.clock.settle();
    return lost.messages;
  }),
  turnMsMax: meanwhile(0, async (client, stage) => {
    // The turn in which the client has connected ends.
    await stage.clock.advance(0);
    const pings = concat(Array.from({ length: 100 }, () => packets.pingreq()));
    // With turns of no time only one of them is answered before others have their turn.
    return (await client.send(pings)).length === 400;
  }),
  matchStepsMax: meanwhile(
    2,
    (client) => client.send(packets.subscribe({ "+/+/+/a": 0, "+/+/+/b": 0 }, V5)),
  ),
  routesMax: meanwhile(1, publishToMany),
  routesBytesMax: meanwhile(1, publishToMany),
  memoryBytesMax: later(1, (stage) => stage.visit().connect({ clientId: "client" }), {
    options: { heap: null },
  }),
};

/** Declares a stream that has so many messages of 10,000 bytes. */
async function declare(stage: Stage, count: number) {
  const day = { name: "day", filters: ["a"], maxMessages: 1000 };
  const stream = await stage.broker.declareStream(day);
  for (let i = 0; i < count; i++) stage.broker.publish("a", "x".repeat(10_000));
  await stage.clock.settle();
  return stream;
}

/** A member of a group that acknowledges nothing; tells how many bytes it was sent. */
async function readTogether(stage: Stage, qos: number): Promise<number> {
  await declare(stage, 3);
  const client = await stage.join({ level: 4 });
  return (await client.send(packets.subscribe({ "$share/g/$replay/day/earliest/a": qos }))).length;
}

async function publishToMany(client: Visitor, stage: Stage): Promise<number> {
  for (let i = 0; i < 10; i++) await client.send(packets.publish(`topic/${i}`, "", V5));
  return stage.broker.stats.memory.routes;
}

/** While a commit waits, messages gather for the next one: past the limit no more are read. */
function journalCase(): ChangeCase {
  /** That of each node. */
  const stores: ManualStore[] = [];
  const newStore = () => {
    const store = new ManualStore();
    stores.push(store);
    return store;
  };
  return {
    to: 100,
    store: newStore,
    probe: async (stage, change) => {
      const client = await stage.join();
      change();
      for (const store of stores) store.mode = "wait";
      for (let packetId = 1; packetId <= 20; packetId++) {
        const fields = { ...V5, qos: 1, packetId, retain: true } as const;
        await client.send(packets.publish(`${packetId}`, "x".repeat(1000), fields));
      }
      const { messagesReceived } = stage.broker.stats;
      for (const store of stores.splice(0)) {
        store.mode = "succeed";
        store.settle(true);
      }
      await stage.clock.settle();
      return messagesReceived;
    },
  };
}
