import { Origin } from "../base/origin.ts";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Router } from "../../router/router.ts";
import { Subscription, type SubscriptionOptions } from "../../router/subscription.ts";
import { collectGarbage } from "../../tests/harness/garbage.ts";
import { FanOut, PREPARED_AT_ONCE, variantFor } from "./shared_fan_out.ts";
import type { Message } from "../base/message.ts";
import { Rank, type Receiver, type Wire } from "./subscriber.ts";
import type { PublishBatch } from "./publish_batch.ts";
import { batch } from "../testdata/batches.ts";
import { message, type MessageOptions, textOf } from "../testdata/messages.ts";
import { TestReceiver } from "../testdata/test_receiver.ts";

const TOPIC = "t";

/** A fan-out to whoever is subscribed to one topic. */
class FanOutWorld {
  readonly router = new Router<Receiver>();
  readonly fanOut: FanOut;

  constructor() {
    // Some stay subscribed, so that the filter and its audience do.
    this.alike(2);
    const audience = this.router.audience(this.router.routeOf(TOPIC)!);
    this.fanOut = new FanOut(audience, () => {
      throw new Error("nobody here is durable");
    });
    audience.observe(this.fanOut);
  }

  subscribe<R extends Receiver>(receiver: R, options: Partial<SubscriptionOptions> = {}): R {
    this.router.subscribe(
      new Subscription<Receiver>(receiver, TOPIC, {
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        identifier: 0,
        ...options,
      }),
    );
    return receiver;
  }

  /** So many receivers that are written to and subscribed alike. */
  alike(count: number, options: Partial<SubscriptionOptions> = {}, wire: Partial<Wire> = {}) {
    return Array.from({ length: count }, (_, i) => {
      return this.subscribe(new TestReceiver(`${count} ${i}`, wire), options);
    });
  }

  unsubscribe(receiver: TestReceiver): void {
    this.router.unsubscribe(receiver, TOPIC);
  }

  /** Tells the fan-out who has come and gone. */
  refresh(): void {
    this.router.audience(this.router.routeOf(TOPIC)!);
  }

  publish(text: string, options: MessageOptions = {}): void {
    this.refresh();
    const sent = message(TOPIC, text, { qos: 0, ...options });
    this.fanOut.message(this.router.routeOf(TOPIC)!, sent);
  }

  /** Publishes QoS 0 frames of one protocol version as they came in. */
  publishRun(texts: string[], v5: boolean): void {
    this.refresh();
    const route = this.router.routeOf(TOPIC)!;
    const run = batch(route, texts, Origin.client("publisher"), v5);
    this.fanOut.run(run);
    // The buffer is read to again.
    run.buffer.fill(0);
  }
}

Deno.test("FanOut encodes a message once for all that are written to alike", () => {
  const world = new FanOutWorld();
  const receivers = world.alike(20);
  for (const text of ["1", "2"]) world.publish(text);
  for (const receiver of receivers) {
    assertEquals([receiver.readBytes(), receiver.received], [["1", "2"], []]);
  }
  world.publish("3");
  for (const receiver of receivers) assertEquals(receiver.readBytes(), ["3"]);
});

Deno.test("FanOut encodes for each protocol version and identifier", () => {
  const world = new FanOutWorld();
  const plain = world.alike(3);
  const old = world.alike(3, {}, { v5: false });
  const seventh = world.alike(3, { identifier: 7 });
  const eighth = world.alike(3, { identifier: 8 });
  world.publish("x");
  assertEquals(plain.flatMap((receiver) => receiver.readBytes()), ["x", "x", "x"]);
  assertEquals(old.flatMap((receiver) => receiver.readBytes()), ["x", "x", "x"]);
  assertEquals(seventh.flatMap((receiver) => receiver.readBytes()), ["x 7", "x 7", "x 7"]);
  assertEquals(eighth.flatMap((receiver) => receiver.readBytes()), ["x 8", "x 8", "x 8"]);
});

Deno.test("FanOut is prepared although a member has room for one message, or for none", () => {
  for (const messages of [0, 1]) {
    const world = new FanOutWorld();
    const members = world.alike(2 * PREPARED_AT_ONCE, { qos: 1 });
    const narrow = world.subscribe(new TestReceiver("nearly full"), { qos: 1 });
    narrow.checkBacklog = () => ({ messages, bytes: 1e6, isAway: true });
    for (const text of ["1", "2"]) {
      let calls = 0;
      while (!world.fanOut.prepare(1)) assert(++calls < 20, "it comes to an end");
      world.publish(text, { qos: 1 });
    }
    for (const member of members) assertEquals(member.readMessages(), ["1", "2"]);
  }
});

Deno.test("FanOut checks the backlogs of new members once, when they begin to follow", () => {
  const world = new FanOutWorld();
  const members = world.alike(2 * PREPARED_AT_ONCE, { qos: 1 });
  world.refresh();
  while (!world.fanOut.prepare(1));
  world.publish("1", { qos: 1 });
  for (const member of members) {
    assertEquals([member.checks, member.readMessages()], [1, ["1"]]);
  }
});

Deno.test("FanOut checks the backlogs of all members if one has left before the first message", () => {
  const world = new FanOutWorld();
  const members = world.alike(2 * PREPARED_AT_ONCE, { qos: 1 });
  world.refresh();
  while (members.at(-1)!.checks === 0) assert(!world.fanOut.prepare(1));
  world.unsubscribe(members.pop()!);
  world.refresh();
  while (!world.fanOut.prepare(1));
  world.publish("1", { qos: 1 });
  for (const member of members) {
    assertEquals([member.checks > 0, member.readMessages()], [true, ["1"]]);
  }
});

for (const qos of [0, 1] as const) {
  Deno.test(`FanOut is prepared in parts for a message with QoS ${qos}, while members come and go`, () => {
    const world = new FanOutWorld();
    const members = world.alike(3 * PREPARED_AT_ONCE, { qos });
    const isPrepared = () => world.fanOut.prepare(qos);
    const parts = 2 * Math.ceil(members.length / PREPARED_AT_ONCE);
    const gone: TestReceiver[] = [];
    let calls = 0;
    for (; !isPrepared(); calls++) {
      if (calls >= parts) continue;
      // One that has its place, one that has none yet, and one that is new.
      gone.push(members.shift()!, members.pop()!);
      for (const one of gone.slice(-2)) world.unsubscribe(one);
      members.push(...world.alike(1, { qos }));
      world.refresh();
    }
    assert(calls >= parts, `${calls} parts of about ${parts}`);
    world.publish("1", { qos });
    world.publish("2", { qos });
    const read = (receiver: TestReceiver) =>
      qos === 0 ? receiver.readBytes() : receiver.readMessages();
    for (const member of members) assertEquals(read(member), ["1", "2"]);
    for (const one of gone) assertEquals(read(one), []);
  });

  Deno.test(`FanOut sends a message with QoS ${qos} that does not wait until it is prepared`, () => {
    const world = new FanOutWorld();
    const members = world.alike(2 * PREPARED_AT_ONCE + 5, { qos });
    for (let part = 0; part < 5; part++) {
      world.publish(`${part}`, { qos });
      members.push(...world.alike(PREPARED_AT_ONCE + 1, { qos }));
      world.refresh();
      assert(!world.fanOut.prepare(qos));
    }
    const texts = members.map((one) => qos === 0 ? one.readBytes() : one.readMessages());
    assertEquals(texts[0], ["0", "1", "2", "3", "4"]);
    assertEquals(texts[2 * PREPARED_AT_ONCE + 5], ["1", "2", "3", "4"]);
    assertEquals(texts.at(-1), []);
  });
}

Deno.test("FanOut hands a run of frames on, whatever its version", () => {
  for (const v5 of [true, false]) {
    const world = new FanOutWorld();
    const receivers = [
      ...world.alike(2),
      ...world.alike(2, {}, { v5: false }),
      ...world.alike(2, { identifier: 7 }),
    ];
    world.publishRun(["1", "2"], v5);
    world.publishRun(["3"], v5);
    const expected = ["1", "2", "3"];
    for (const receiver of receivers.slice(0, 4)) assertEquals(receiver.readBytes(), expected);
    for (const receiver of receivers.slice(4)) {
      assertEquals(receiver.readBytes(), ["1 7", "2 7", "3 7"]);
    }
  }
});

Deno.test("FanOut sends nobody a frame larger than it takes [MQTT-3.1.2-24]", () => {
  const world = new FanOutWorld();
  const [small] = world.alike(1, {}, { packetBytesMax: 20 });
  const [large] = world.alike(1);
  const long = "a text of more than twenty bytes";
  world.publish(long);
  world.publishRun([long, "short"], true);
  assertEquals(small!.readBytes(), ["short"]);
  assertEquals(large!.readBytes(), [long, long, "short"]);
});

Deno.test("FanOut keeps an acknowledged message once for all who want it", () => {
  const world = new FanOutWorld();
  const loose = world.alike(2);
  const sure = world.alike(2, { qos: 1 });
  world.publish("1", { qos: 1 });
  world.publish("2", { qos: 0 });
  world.publish("3", { qos: 2 });
  assertEquals(loose.map((receiver) => receiver.readBytes()), [["1", "2", "3"], ["1", "2", "3"]]);
  assertEquals(sure.map((receiver) => receiver.readMessages()), [["1", "3"], ["1", "3"]]);
  assertEquals(sure.map((receiver) => receiver.readBytes()), [["2"], ["2"]]);
});

Deno.test("FanOut takes up with one that has left at the next message", () => {
  const world = new FanOutWorld();
  const [one, other] = world.alike(2) as [TestReceiver, TestReceiver];
  world.publish("1");
  assertEquals(one.readBytes(), ["1"]);
  one.leave();
  world.publish("2");
  assertEquals([one.readBytes(), other.readBytes()], [["2"], ["1", "2"]]);
});

Deno.test("FanOut writes nothing while nobody follows", () => {
  const world = new FanOutWorld();
  const receivers = world.alike(3);
  for (const receiver of receivers) receiver.isConnected = false;
  world.publish("1");
  for (const receiver of receivers) {
    assertEquals([receiver.readBytes(), receiver.received], [[], []]);
  }
});

Deno.test("FanOut hands an acknowledged message to one that cannot follow", () => {
  const world = new FanOutWorld();
  const [full, other] = world.alike(2, { qos: 1 }) as [TestReceiver, TestReceiver];
  full.hasRoom = false;
  world.publish("1", { qos: 1 });
  full.hasRoom = true;
  world.publish("2", { qos: 1 });
  assertEquals([full.received, full.readMessages()], [["1"], ["2"]]);
  assertEquals([other.received, other.readMessages()], [[], ["1", "2"]]);
});

Deno.test("FanOut.isFull() says whether an acknowledged message has no room somewhere", () => {
  const world = new FanOutWorld();
  const [loose] = world.alike(1);
  const sure = world.alike(3, { qos: 1 });
  const small = message(TOPIC, "small", { qos: 1 });
  world.publish("1", { qos: 1 });
  assertEquals(world.fanOut.isFull(small), false);
  loose!.hasRoom = false;
  assertEquals(world.fanOut.isFull(small), false, "QoS 0 needs none");
  loose!.hasRoom = true;
  const late = world.subscribe(new TestReceiver("late"), { qos: 1 });
  late.hasRoom = false;
  world.publish("2", { qos: 1 });
  assertEquals(world.fanOut.isFull(small), true);
  assertEquals(sure[0]!.readMessages(), ["1", "2"]);
});

Deno.test("FanOut treats one with No Local alone, and sends it not its own [MQTT-3.8.3-3]", () => {
  const world = new FanOutWorld();
  const publisher = world.subscribe(new TestReceiver("publisher"), { noLocal: true });
  const [other] = world.alike(1);
  world.publish("mine", { origin: Origin.client("publisher") });
  world.publish("not mine", { origin: Origin.client("other") });
  world.publishRun(["mine"], true);
  assertEquals(publisher.received, ["not mine"]);
  assertEquals(other!.readBytes(), ["mine", "not mine", "mine"]);
});

/** A link to another node, which is no session: it has no log to share and no client identifier. */
class LinkReceiver implements Receiver {
  readonly wireClass = 5;
  readonly follower = null;
  readonly isRestricted = false;
  readonly isDurable = false;
  readonly keepsMessages = false;
  readonly #origin = Origin.link("north");
  readonly received: string[] = [];

  isOrigin(origin: Origin): boolean {
    return origin.equals(this.#origin);
  }

  mayReceive(): boolean {
    return true;
  }

  receiveRun(run: PublishBatch): void {
    for (const message of run.messages()) this.receive(message);
  }

  receive(message: Message): void {
    this.received.push(`${textOf(message)} of ${message.origin.kind} ${message.origin.name}`);
  }

  rank(): number {
    return Rank.ready;
  }

  isFull(): boolean {
    return false;
  }
}

Deno.test("FanOut hands all to a receiver that is no session, but what comes from there", () => {
  const world = new FanOutWorld();
  const link = new LinkReceiver();
  world.subscribe(link, { noLocal: true, qos: 1 });
  const [client] = world.alike(1, { qos: 1 });
  const origins = [
    Origin.client("north"),
    Origin.program,
    Origin.bridge("north"),
    Origin.link("south"),
    Origin.link("north"),
  ];
  for (const origin of origins) world.publish("x", { origin, qos: 1 });
  world.publishRun(["y"], true);
  assertEquals(link.received, [
    "x of client north",
    "x of program null",
    "x of bridge north",
    "x of link south",
    "y of client publisher",
  ]);
  assertEquals([client!.readMessages().length, client!.readBytes()], [5, ["y"]]);
});

Deno.test("FanOut follows who comes, changes and leaves", () => {
  const world = new FanOutWorld();
  const [stays, goes] = world.alike(2) as [TestReceiver, TestReceiver];
  world.publish("1");
  world.unsubscribe(goes);
  const [comes] = world.alike(1);
  world.subscribe(stays, { identifier: 7 });
  world.publish("2");
  assertEquals(goes.readBytes(), [], "it has left");
  assertEquals(comes!.readBytes(), ["2"]);
  assertEquals(stays.readBytes().at(-1), "2 7");
});

Deno.test("FanOut checks its members now and then, not at every message", () => {
  const world = new FanOutWorld();
  const [receiver] = world.alike(1, { qos: 1 }) as [TestReceiver];
  for (let i = 0; i < 10_000; i++) world.publish("x".repeat(93));
  const checks = receiver.checks;
  assert(checks >= 14 && checks <= 16, `${checks} checks in a million bytes`);
  for (let i = 0; i < 10_000; i++) world.publish("x", { qos: 1 });
  assert(receiver.checks - checks < 100, `${receiver.checks - checks} checks in 10,000 messages`);
});

/** Has subscribers come and go, each publication at one QoS; how many are held in the end. */
async function heldAfter(world: FanOutWorld, qos: 0 | 1): Promise<number> {
  const gone: WeakRef<TestReceiver>[] = [];
  for (let i = 0; i < 3000; i++) {
    const receiver = world.subscribe(new TestReceiver(`${i}`), { qos: 1 });
    world.publish("x", { qos });
    world.unsubscribe(receiver);
    gone.push(new WeakRef(receiver));
  }
  world.publish("x", { qos });
  await collectGarbage();
  return gone.filter((receiver) => receiver.deref() !== undefined).length;
}

Deno.test("FanOut holds few of those who left, whatever is published", async () => {
  for (const qos of [0, 1] as const) {
    const world = new FanOutWorld();
    world.alike(10, { qos: 1 });
    const held = await heldAfter(world, qos);
    assert(held < 100, `${held} are held with QoS ${qos}`);
  }
});

Deno.test("variantFor() is how a member receives, or its own way, or nothing", () => {
  const world = new FanOutWorld();
  const receiver = world.subscribe(new TestReceiver("me"), { noLocal: true });
  const { members } = world.router.audience(world.router.routeOf(TOPIC)!);
  const [first, mine] = [members[0], members.at(-1)];
  assertStrictEquals(mine!.subscriber, receiver);
  assertStrictEquals(
    variantFor(first!, Origin.client((first!.subscriber as TestReceiver).clientId)),
    first!,
  );
  assertStrictEquals(variantFor(mine!, Origin.client("other")), mine!);
  assertStrictEquals(variantFor(mine!, Origin.program), mine!);
  assertEquals(variantFor(mine!, Origin.client("me")), null);
});
