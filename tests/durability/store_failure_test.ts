/**
 * What clients are told, and what they get in the end, while the store takes nothing, and after it
 * was damaged.
 *
 * @module
 */
import { concat } from "@std/bytes";
import { assert, assertEquals } from "@std/assert";
import { Broker, type BrokerLimits, type BrokerOptions } from "../../mod.ts";
import type { Row, StoreSnapshot } from "../../store/mod.ts";
import { type Bytes, toBytes, toHex } from "../harness/hex.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import { ManualStore } from "../harness/manual_store.ts";
import * as packets from "../harness/packets.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";

const V5 = { level: 5 } as const;
/** Session Expiry Interval: an hour. */
const KEPT = "11 00000e10";
const REFUSED = "97";
/** How long a connection that is taken over has, in milliseconds. */
const LINGER_MS = 2000;

/** A broker on virtual time with a store that does as it is told. */
class Scene implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly store: ManualStore;
  readonly broker: Broker;
  readonly failures: unknown[];

  private constructor(
    clock: VirtualClock,
    store: ManualStore,
    broker: Broker,
    failures: unknown[],
  ) {
    this.clock = clock;
    this.store = store;
    this.broker = broker;
    this.failures = failures;
  }

  static async open(
    limits: Partial<BrokerLimits> = {},
    options: BrokerOptions = {},
    snapshot?: StoreSnapshot,
    clock: VirtualClock = new VirtualClock(),
  ): Promise<Scene> {
    const store = new ManualStore(snapshot);
    const failures: unknown[] = [];
    const broker = await Broker.open(store, {
      clock,
      wallClock: () => 1_700_000_000_000 + clock.now(),
      ...options,
      limits,
      hooks: { ...options.hooks, failed: (error) => void failures.push(error) },
    });
    return new Scene(clock, store, broker, failures);
  }

  /** Connects, and gives the client with what CONNECT was answered. */
  async connect(fields: packets.ConnectFields = {}): Promise<Peer> {
    const peer = new Peer(this);
    await peer.send(packets.connect({ level: 5, properties: KEPT, clean: false, ...fields }));
    return peer;
  }

  /** The store takes nothing from now on, and the broker has noticed. */
  async fail(): Promise<void> {
    this.store.mode = "fail";
    this.broker.publish("noticed", "x", { qos: 1, retain: true });
    await this.clock.settle();
  }

  /** The store takes everything again, and the broker has tried. */
  async recover(): Promise<void> {
    this.store.mode = "succeed";
    await this.clock.advance(1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.mode = "succeed";
    if (this.store.isWaiting) this.store.settle(true);
    const closing = this.broker.close({ graceMs: 0 });
    await this.clock.advance(10_000);
    await closing;
    assertEquals(this.failures, []);
  }
}

/** A client: what it sends is there at once. */
class Peer {
  readonly #scene: Scene;
  readonly pipe: InstantPipe;
  /** What the last {@linkcode send} was answered, as hex digits. */
  answer = "";
  #received = "";

  constructor(scene: Scene) {
    this.#scene = scene;
    this.pipe = new InstantPipe(Infinity, (bytes) => this.#received += toHex(bytes));
    scene.broker.accept(this.pipe, { address: "192.0.2.1:1" });
  }

  async send(...bytes: Bytes[]): Promise<string> {
    this.pipe.feed(concat(bytes.map(toBytes)));
    return await this.receive();
  }

  async receive(): Promise<string> {
    await this.#scene.clock.settle();
    this.answer = this.#received.replaceAll(" ", "");
    this.#received = "";
    return this.answer;
  }

  async leave(): Promise<void> {
    this.pipe.cut();
    await this.#scene.clock.settle();
  }
}

/** The reason code of a CONNACK. */
function connackCode(answer: string): string {
  return answer.startsWith("20") ? answer.slice(6, 8) : answer;
}

Deno.test("answers that wait for the disk are bounded: past the limit a client is not read", async () => {
  await using scene = await Scene.open({ controlBytesMax: 4096 });
  const client = await scene.connect({ clientId: "flood" });
  scene.store.mode = "wait";
  const count = 20_000;
  const flood = Array.from({ length: count }, () => packets.subscribe({ a: 0 }, V5));
  for (let at = 0; at < count; at += 100) {
    await client.send(concat(flood.slice(at, at + 100)));
  }
  const { controlPacketsReceived, limited } = scene.broker.stats;
  assert(controlPacketsReceived < 1000, `${controlPacketsReceived} were taken`);
  assertEquals(limited["control-bytes"], 1);
  // With the disk back, all of them are answered.
  scene.store.mode = "succeed";
  scene.store.settle(true);
  await scene.clock.advanceUntil(() => scene.broker.stats.controlPacketsReceived > count, 1000);
  await client.receive();
  assert(scene.broker.stats.controlPacketsReceived > count);
});

Deno.test("an answer that needs no disk does not wait for it behind one that was refused", async () => {
  await using scene = await Scene.open();
  const away = await scene.connect({ clientId: "away" });
  await away.send(packets.subscribe({ kept: 1 }, V5));
  await away.leave();
  const client = await scene.connect({ clientId: "client" });
  scene.store.mode = "wait";
  await client.send(
    packets.publish("kept", "x", { ...V5, qos: 1, packetId: 1 }),
    packets.publish("unmatched", "x", { ...V5, qos: 1, packetId: 2 }),
  );
  assertEquals(client.answer, "");
  scene.store.mode = "fail";
  scene.store.settle(false);
  assertEquals(await client.receive(), "4003000197" + "4003000210");
});

Deno.test("while the disk is full, clients that come leave nothing behind", async () => {
  await using scene = await Scene.open();
  const old = await scene.connect({ clientId: "old" });
  await old.leave();
  await scene.fail();
  for (let i = 0; i < 200; i++) {
    const will = i % 2 === 0 ? { topic: "will", payload: "x" } : undefined;
    const fields = will === undefined ? {} : { will, properties: "" };
    const client = await scene.connect({ clientId: `new ${i}`, ...fields });
    assertEquals(connackCode(client.answer), REFUSED);
    await client.leave();
  }
  // Whose session is on the disk goes on with it, and who needs no disk is served.
  assertEquals(connackCode((await scene.connect({ clientId: "old" })).answer), "00");
  const clean = await scene.connect({ clientId: "clean", clean: true, properties: "" });
  assertEquals(connackCode(clean.answer), "00");
  assertEquals(scene.broker.stats.sessions, 2);
  await scene.recover();
  const rows = scene.store.commits.at(-1)!;
  assert(rows < 10, `${rows} rows`);
});

Deno.test("a QoS 2 message whose publisher was told that it is not stored is not sent later", async () => {
  await using scene = await Scene.open();
  const subscriber = await scene.connect({ clientId: "subscriber" });
  await subscriber.send(packets.subscribe({ t: 2 }, V5));
  const publisher = await scene.connect({ clientId: "publisher" });
  scene.store.mode = "fail";
  await publisher.send(packets.publish("t", "refused", { ...V5, qos: 2, packetId: 1 }));
  assertEquals(publisher.answer, "5003000197");
  assertEquals(await subscriber.receive(), "");
  await scene.recover();
  assertEquals(await subscriber.receive(), "");
  await publisher.send(packets.publish("t", "stored", { ...V5, qos: 2, packetId: 2 }));
  assertEquals(publisher.answer, "50020002");
  const received = await subscriber.receive();
  assertEquals(
    received,
    toHex(packets.publish("t", "stored", { ...V5, qos: 2, packetId: 2 })).replaceAll(" ", ""),
  );
});

Deno.test("a session that was not stored is not promised to whoever takes it over", async () => {
  await using scene = await Scene.open();
  scene.store.mode = "wait";
  const first = await scene.connect({ clientId: "one" });
  assertEquals(first.answer, "");
  const second = await scene.connect({ clientId: "one" });
  // The first is not waited for for longer than this.
  await scene.clock.advance(LINGER_MS);
  assertEquals(second.answer, "");
  scene.store.mode = "fail";
  scene.store.settle(false);
  await scene.clock.advance(1000);
  assertEquals(connackCode(await second.receive()), REFUSED);
});

Deno.test("a commit that fails for one connection takes nothing from the next one", async () => {
  await using scene = await Scene.open();
  scene.store.mode = "wait";
  await scene.connect({ clientId: "one" });
  const second = await scene.connect({ clientId: "one", will: { topic: "will", payload: "x" } });
  await scene.clock.advance(LINGER_MS);
  scene.store.settle(false);
  await scene.recover();
  await scene.clock.advance(1000);
  assertEquals(connackCode(await second.receive()), "00");
  assertEquals(scene.store.snapshot().get("wills")!.length, 1);
  await second.leave();
  assertEquals(scene.broker.stats.sessions, 1);
});

Deno.test("on a full disk a message that goes to another member of its group leaves nobody first", async () => {
  const clock = new VirtualClock();
  let snapshot: StoreSnapshot;
  {
    await using scene = await Scene.open({}, {}, undefined, clock);
    // Its session ends after ten seconds.
    const first = await scene.connect({ clientId: "first", properties: "11 0000000a" });
    await first.send(packets.subscribe({ "$share/g/t": 1 }, V5));
    await first.leave();
    for (let i = 0; i < 200; i++) scene.broker.publish("t", `${i}`, { qos: 1 });
    const second = await scene.connect({ clientId: "second" });
    await second.send(packets.subscribe({ "$share/g/t": 1 }, V5));
    await second.leave();
    scene.store.mode = "remove";
    await clock.advance(15_000);
    assertEquals(scene.broker.stats.sessions, 1);
    snapshot = scene.store.snapshot();
  }
  await using scene = await Scene.open({}, {}, snapshot, clock);
  await clock.advance(15_000);
  const second = await scene.connect({ clientId: "second" });
  let received = second.answer;
  for (let id = 1; id <= 200; id++) received += await second.send(packets.puback(id));
  for (let i = 0; i < 200; i++) {
    const message = packets.publish("t", `${i}`, { ...V5, qos: 1, packetId: i + 1 });
    assert(received.includes(toHex(message).replaceAll(" ", "")), `${i} is missing`);
  }
});

Deno.test("Broker.publish() resolves when the disk holds the message, however often that is tried", async () => {
  await using scene = await Scene.open();
  scene.store.mode = "fail";
  let isStored = false;
  const stored = scene.broker.publish("t", "x", { qos: 1, retain: true });
  stored.then(() => isStored = true);
  await scene.clock.advance(3000);
  assertEquals(isStored, false);
  await scene.recover();
  await stored;
});

Deno.test("Broker.publish() is not waited for for ever when the broker closes without a disk", async () => {
  const scene = await Scene.open();
  scene.store.mode = "fail";
  const stored = scene.broker.publish("t", "x", { qos: 1, retain: true });
  const closing = scene.broker.close({ graceMs: 0 });
  await scene.clock.advance(1000);
  await closing;
  await stored;
});

Deno.test("Broker.publish() after the end is not waited for for ever", async () => {
  const scene = await Scene.open();
  const closing = scene.broker.close({ graceMs: 0 });
  await scene.clock.advance(1000);
  await closing;
  await scene.broker.publish("t", "x", { qos: 1, retain: true });
});

Deno.test("a broker that closes tries a last time to store what has failed", async () => {
  const scene = await Scene.open();
  await scene.fail();
  scene.store.mode = "succeed";
  const closing = scene.broker.close({ graceMs: 0 });
  await scene.clock.settle();
  await closing;
  assertEquals(scene.store.snapshot().get("retained")!.length, 1);
});

Deno.test("a will that is due while the disk is full is published when it is no longer", async () => {
  await using scene = await Scene.open();
  const away = await scene.connect({ clientId: "away" });
  await away.send(packets.subscribe({ will: 1 }, V5));
  await away.leave();
  const will = { topic: "will", payload: "gone", qos: 1 } as const;
  const lost = await scene.connect({ clientId: "lost", will });
  await scene.fail();
  await lost.leave();
  // Its client is back before, with no will: the old one was due all the same.
  const back = await scene.connect({ clientId: "lost" });
  assertEquals(connackCode(back.answer), "00");
  await scene.recover();
  await scene.clock.advance(1000);
  const returned = await scene.connect({ clientId: "away" });
  const message = packets.publish("will", "gone", { ...V5, qos: 1, packetId: 1 });
  assert(returned.answer.endsWith(toHex(message).replaceAll(" ", "")), returned.answer);
  assertEquals(scene.store.snapshot().get("wills")!.length, 0);
});

Deno.test("a QoS 2 message that expires unacknowledged is still released by both [MQTT-4.3.3-4]", async () => {
  const clock = new VirtualClock();
  let snapshot: StoreSnapshot;
  {
    await using scene = await Scene.open({}, {}, undefined, clock);
    const client = await scene.connect({ clientId: "client" });
    await client.send(packets.subscribe({ t: 2 }, V5));
    const properties = { messageExpiryInterval: 10 };
    scene.broker.publish("t", "expires", { qos: 2, properties });
    // A page that is not the last is looked at for what has expired.
    for (let i = 0; i < 200; i++) scene.broker.publish("t", `${i}`, { qos: 2, properties });
    assert((await client.receive()).startsWith("34"));
    await client.leave();
    await scene.clock.advance(20_000);
    snapshot = scene.store.snapshot();
  }
  await using scene = await Scene.open({}, {}, snapshot, clock);
  const client = await scene.connect({ clientId: "client" });
  assert(client.answer.includes("62020001"), client.answer);
});

Deno.test("who follows very many topics beside others is one small row", async () => {
  await using scene = await Scene.open();
  const watchers: Peer[] = [];
  for (let i = 0; i < 8; i++) {
    const watcher = await scene.connect({ clientId: `watcher ${i}` });
    await watcher.send(packets.subscribe({ "#": 1 }, V5));
    if (i > 0) await watcher.leave();
    else watchers.push(watcher);
  }
  const other = await scene.connect({ clientId: "other" });
  const count = 600;
  for (let i = 0; i < count; i++) {
    await other.send(packets.subscribe({ [`t/${i}`]: 1 }, V5));
    scene.broker.publish(`t/${i}`, `${i}`, { qos: 1 });
    await watchers[0]!.receive();
    await watchers[0]!.send(packets.puback(i + 1));
  }
  await scene.clock.settle();
  const sizes = scene.store.snapshot().get("sessions")!.map(({ value }) => value.length);
  assert(Math.max(...sizes) < 8192, `${Math.max(...sizes)} bytes`);
  // In the order in which they were published.
  const back = await scene.connect({ clientId: "watcher 1" });
  let received = back.answer;
  for (let id = 1; id <= count; id++) received += await back.send(packets.puback(id));
  let at = 0;
  for (let i = 0; i < count; i++) {
    const message = packets.publish(`t/${i}`, `${i}`, { ...V5, qos: 1, packetId: i + 1 });
    at = received.indexOf(toHex(message).replaceAll(" ", ""), at);
    assert(at >= 0, `${i} is missing, or out of order`);
  }
});

Deno.test("of a log that has lost a page in its middle, the rest is sent", async () => {
  const clock = new VirtualClock();
  let snapshot: Map<Parameters<StoreSnapshot["get"]>[0], readonly Row[]>;
  {
    await using scene = await Scene.open({}, {}, undefined, clock);
    const client = await scene.connect({ clientId: "client" });
    await client.send(packets.subscribe({ t: 1 }, V5));
    await client.leave();
    for (let i = 0; i < 384; i++) scene.broker.publish("t", `${i}`, { qos: 1 });
    await scene.clock.settle();
    snapshot = new Map(scene.store.snapshot());
  }
  const entries = snapshot.get("entries")!;
  assertEquals(entries.length, 3);
  snapshot.set("entries", [entries[0]!, entries[2]!]);
  await using scene = await Scene.open({}, {}, snapshot, clock);
  const client = await scene.connect({ clientId: "client" });
  let received = client.answer;
  for (let id = 1; id <= 256; id++) received += await client.send(packets.puback(id));
  for (const [i, payload] of [[128, "127"], [129, "256"], [256, "383"]] as const) {
    const message = packets.publish("t", payload, { ...V5, qos: 1, packetId: i });
    assert(received.includes(toHex(message).replaceAll(" ", "")), `${payload} is missing`);
  }
});

Deno.test("stats.commitsFailed counts each commit that fails, and the hook hears of the change", async () => {
  const told: boolean[] = [];
  const hooks = { storeFull: (isFull: boolean) => void told.push(isFull) };
  await using scene = await Scene.open({}, { hooks });
  await scene.fail();
  assertEquals(scene.broker.stats.commitsFailed, 1);
  await scene.clock.advance(1000);
  await scene.clock.advance(1000);
  assertEquals(scene.broker.stats.commitsFailed, 3);
  await scene.recover();
  assertEquals([scene.broker.stats.commitsFailed, ...told], [3, true, false]);
});
