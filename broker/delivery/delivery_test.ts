import { assert, assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import { Subscription, type SubscriptionOptions } from "../../router/subscription.ts";
import type { OverflowPolicy } from "../base/limits.ts";
import { Origin } from "../base/origin.ts";
import { batch } from "../testdata/batches.ts";
import { message, type MessageOptions } from "../testdata/messages.ts";
import { TestReceiver } from "../testdata/test_receiver.ts";
import { type MessageLog, messageLog } from "./backlog.ts";
import { Delivery, type DeliveryHost, Outcome } from "./delivery.ts";
import { PREPARED_AT_ONCE } from "./shared_fan_out.ts";
import { Rank, type Receiver } from "./subscriber.ts";

/** Whoever is subscribed, and the delivery to them. */
class World implements DeliveryHost {
  readonly router = new Router<Receiver>();
  readonly delivery: Delivery;
  /** The units of work that were counted. */
  readonly spent: number[] = [];
  /** How many more times a turn has room for work. */
  turnsLeft = Infinity;
  /** How often a message moved from one session to another. */
  handedOver = 0;
  readonly turns = {
    spend: (units: number): boolean => {
      this.spent.push(units);
      return --this.turnsLeft < 0;
    },
  };
  readonly journal = {
    isFull: false,
    gathering: null as never,
    newLog: (): MessageLog => messageLog(),
    onHandedOver: (): void => void this.handedOver++,
  };

  constructor(readonly overflow: OverflowPolicy = "end-session") {
    this.delivery = new Delivery(this);
  }

  /** Subscribes somebody to `filter`, with QoS 2 unless told otherwise. */
  join(name: string, filter = "t", options: Partial<SubscriptionOptions> = {}): TestReceiver {
    const receiver = new TestReceiver(name);
    this.router.subscribe(
      new Subscription<Receiver>(receiver, filter, {
        qos: 2,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        identifier: 0,
        ...options,
      }),
    );
    return receiver;
  }

  /** Enough receivers to share a log. */
  crowd(count: number, options: Partial<SubscriptionOptions> = {}): TestReceiver[] {
    return Array.from({ length: count }, (_, i) => this.join(`member ${i}`, "t", options));
  }

  route(topic = "t") {
    return this.router.routeOf(topic)!;
  }

  publish(text: string, options: MessageOptions = {}): number {
    return this.delivery.message(this.route(), message("t", text, options));
  }

  refuses(options: MessageOptions = {}): boolean {
    return this.delivery.refuses(this.route(), message("t", "x", options));
  }
}

/** What each has received so far. */
function received(...receivers: TestReceiver[]): string[][] {
  return receivers.map((receiver) => receiver.received);
}

Deno.test("Delivery says whether a message had subscribers", () => {
  const world = new World();
  assertEquals(world.publish("nobody"), Outcome.unmatched);
  const a = world.join("a");
  assertEquals([world.publish("x"), received(a)], [Outcome.delivered, [["x"]]]);
});

Deno.test("Delivery says that a shared subscription is a subscriber, although no member can take it", () => {
  const world = new World();
  const member = world.join("a", "$share/g/t");
  member.hasRoom = false;
  assertEquals(world.publish("x", { qos: 0 }), Outcome.delivered);
  assertEquals(member.received, []);
});

Deno.test("Delivery leaves out the publisher of a No Local subscription [MQTT-3.8.3-3]", () => {
  const world = new World();
  const own = world.join("own", "t", { noLocal: true });
  const other = world.join("other", "t", { noLocal: true });
  const origin = Origin.client("own");
  world.publish("x", { origin });
  world.delivery.run(batch(world.route(), ["y", "z"], origin));
  assertEquals(received(own, other), [[], ["x", "y", "z"]]);
});

Deno.test("Delivery hands a batch to a sole subscriber, to a few, and to many through a log", () => {
  for (const count of [1, 3, 10]) {
    const world = new World();
    const members = world.crowd(count, { qos: 0 });
    world.delivery.run(batch(world.route(), ["x", "y"], Origin.client("p")));
    for (const member of members) {
      const isShared = count >= 8;
      assertEquals(member.readBytes(), isShared ? ["x", "y"] : []);
      assertEquals(member.received, isShared ? [] : ["x", "y"]);
    }
  }
});

Deno.test("Delivery reaches who comes and goes after a log is shared", () => {
  const world = new World();
  const members = world.crowd(10, { qos: 0 });
  world.publish("x", { qos: 0 });
  const [left, stayed] = members as [TestReceiver, TestReceiver];
  assertEquals([left.readBytes(), stayed.readBytes()], [["x"], ["x"]]);
  const late = world.join("late", "t", { qos: 0 });
  world.router.unsubscribe(left, "t");
  world.publish("y", { qos: 0 });
  assertEquals([stayed, late, left].map((member) => member.readBytes()), [["y"], ["y"], []]);
  assertEquals(left.received, []);
});

Deno.test("Delivery counts the work of a wide audience, and none for a narrow one", () => {
  const world = new World();
  world.crowd(7);
  world.publish("x");
  world.delivery.run(batch(world.route(), ["y"], Origin.client("p")));
  assertEquals(world.spent, []);
  world.join("eighth");
  world.publish("x");
  world.delivery.run(batch(world.route(), ["y"], Origin.client("p")));
  assertEquals(world.spent, [8, 8]);
});

Deno.test("Delivery.prepare() has nothing to do for an audience that fits into a turn", () => {
  const world = new World();
  world.turnsLeft = 0;
  world.crowd(PREPARED_AT_ONCE);
  assert(world.delivery.prepare(world.route(), 1));
  assertEquals(world.spent, []);
});

Deno.test("Delivery.prepare() stops when the turn is over, and goes on in the next one", () => {
  const world = new World();
  const members = world.crowd(3 * PREPARED_AT_ONCE, { qos: 1 });
  let turns = 0;
  for (let isReady = false; !isReady; turns++) {
    assert(turns < 20, "it comes to an end");
    world.turnsLeft = 1;
    isReady = world.delivery.prepare(world.route(), 1);
  }
  assert(turns > 1);
  world.publish("x");
  assertEquals(members.flatMap((member) => member.readMessages()).length, members.length);
});

Deno.test("Delivery sends what nobody prepared all the same", () => {
  const world = new World();
  const members = world.crowd(PREPARED_AT_ONCE + 1, { qos: 1 });
  world.publish("x");
  assertEquals(members.flatMap((member) => member.readMessages()).length, members.length);
});

Deno.test("Delivery sends each message to one member of a group, in turn [MQTT-4.8.2-4]", () => {
  const world = new World();
  const a = world.join("a", "$share/g/t");
  const b = world.join("b", "$share/g/t");
  const alone = world.join("alone");
  for (const text of ["1", "2", "3"]) world.publish(text);
  world.delivery.run(batch(world.route(), ["4", "5"], Origin.client("p")));
  assertEquals(received(a, b), [["1", "3", "5"], ["2", "4"]]);
  assertEquals(alone.received, ["1", "2", "3", "4", "5"]);
});

Deno.test("Delivery prefers the member of a group that can be sent the message now", () => {
  const world = new World();
  const members = [Rank.away, Rank.busy, Rank.ready].map((standing, i) => {
    const member = world.join(`${i}`, "$share/g/t");
    member.standing = standing;
    return member;
  });
  const [away, busy, ready] = members as [TestReceiver, TestReceiver, TestReceiver];
  world.publish("1");
  world.publish("2");
  assertEquals(received(away, busy, ready), [[], [], ["1", "2"]]);
  ready.hasRoom = false;
  world.publish("3");
  busy.hasRoom = false;
  world.publish("4");
  assertEquals(received(away, busy, ready), [["4"], ["3"], ["1", "2"]]);
});

Deno.test("Delivery gives an acknowledged message that no member has room for to one of them", () => {
  const world = new World();
  const loose = world.join("loose", "$share/g/t", { qos: 0 });
  const full = world.join("full", "$share/g/t", { qos: 1 });
  for (const member of [loose, full]) member.hasRoom = false;
  // The overflow policy of that member decides; one with QoS 0 has none.
  world.publish("kept");
  world.publish("lost", { qos: 0 });
  assertEquals(received(loose, full), [[], ["kept"]]);
});

Deno.test("Delivery passes over a member of a group that may not receive the topic", () => {
  const world = new World();
  const denied = world.join("denied", "$share/g/t");
  const allowed = world.join("allowed", "$share/g/t");
  denied.denied = new Set(["t"]);
  for (const text of ["1", "2"]) world.publish(text);
  allowed.hasRoom = false;
  world.publish("3");
  assertEquals(received(denied, allowed), [[], ["1", "2", "3"]]);
  allowed.denied = new Set(["t"]);
  assertEquals(world.publish("4"), Outcome.delivered);
  assertEquals(received(denied, allowed), [[], ["1", "2", "3"]]);
});

Deno.test("Delivery refuses an acknowledged message for all if one backlog is full", () => {
  for (const count of [2, 10]) {
    const world = new World("refuse-publisher");
    const members = world.crowd(count);
    const full = members.at(-1)!;
    full.hasRoom = false;
    full.checkBacklog = () => ({ messages: 0, bytes: 0, isAway: true });
    assertEquals([world.refuses(), world.publish("x")], [true, Outcome.refused]);
    const first = members[0]!;
    assertEquals([first.received, first.readMessages()], [[], []]);
    assertEquals([world.refuses({ qos: 0 }), world.publish("y", { qos: 0 })], [
      false,
      Outcome.delivered,
    ]);
  }
});

Deno.test("Delivery refuses nothing under the other overflow policies", () => {
  for (const overflow of ["end-session", "drop-oldest", "drop-newest"] as const) {
    const world = new World(overflow);
    const full = world.join("full");
    full.hasRoom = false;
    assertEquals([world.refuses(), world.publish("x")], [false, Outcome.delivered]);
    assertEquals(full.received, ["x"]);
  }
});

Deno.test("Delivery does not refuse for a member with QoS 0, or one that may not receive it", () => {
  const world = new World("refuse-publisher");
  const loose = world.join("loose", "t", { qos: 0 });
  const denied = world.join("denied");
  denied.denied = new Set(["t"]);
  for (const member of [loose, denied]) member.hasRoom = false;
  assertEquals([world.refuses(), world.publish("x")], [false, Outcome.delivered]);
});

Deno.test("Delivery refuses for a group if no member that may receive the message has room", () => {
  const world = new World("refuse-publisher");
  const denied = world.join("denied", "$share/g/t");
  denied.denied = new Set(["t"]);
  assert(!world.refuses(), "nobody may receive it, so nobody misses it");
  const full = world.join("full", "$share/g/t");
  full.hasRoom = false;
  assertEquals([world.refuses(), world.publish("x")], [true, Outcome.refused]);
  const loose = world.join("loose", "$share/g/t", { qos: 0 });
  loose.hasRoom = false;
  assert(!world.refuses(), "a member with QoS 0 keeps nothing");
});

Deno.test("Delivery knows whether a message must be stored or kept for a subscriber", () => {
  const questions = [
    ["isDurable", (world: World) => world.delivery.isDurable(world.route())],
    ["keepsMessages", (world: World) => world.delivery.keeps(world.route())],
  ] as const;
  for (const [flag, ask] of questions) {
    for (const filter of ["t", "$share/g/t"]) {
      const world = new World();
      assertEquals(ask(world), false);
      world.join("plain", filter);
      const loose = world.join("loose", filter, { qos: 0 });
      loose[flag] = true;
      assertEquals(ask(world), false, "QoS 0 is neither stored nor kept");
      const asking = world.join("asking", filter, { qos: 1 });
      asking[flag] = true;
      assertEquals(ask(world), true);
    }
  }
});

Deno.test("Delivery.handOver() gives a message to another member, and its removal is stored later", () => {
  const world = new World();
  const a = world.join("a", "$share/g/t/+");
  const handOver = (shared: string) => world.delivery.handOver(message("t/1", "x"), shared);
  assertEquals([handOver("$share/g/t/+"), a.received, world.handedOver], [true, ["x"], 1]);
  a.denied = new Set(["t/1"]);
  assertEquals(handOver("$share/g/t/+"), false);
  for (const shared of ["$share/other/t/+", "$share/g/other", "t/+"]) {
    assertEquals(handOver(shared), false, shared);
  }
  assertEquals(a.received, ["x"]);
});

Deno.test("Delivery.handOver() needs no store", () => {
  const world = new World();
  const delivery = new Delivery({
    router: world.router,
    overflow: world.overflow,
    turns: world.turns,
    journal: null,
  });
  const a = world.join("a", "$share/g/t");
  assert(delivery.handOver(message("t", "x"), "$share/g/t"));
  assertEquals(a.received, ["x"]);
});

Deno.test("Delivery asks a member of a group how it takes the lower QoS of message and subscription", () => {
  const world = new World();
  const asked: QoS[] = [];
  const member = world.join("a", "$share/g/t", { qos: 1 });
  member.rank = (qos?: QoS) => {
    asked.push(qos!);
    return Rank.ready;
  };
  for (const qos of [0, 1, 2] as const) world.publish("x", { qos });
  assertEquals(asked, [0, 1, 1]);
});
