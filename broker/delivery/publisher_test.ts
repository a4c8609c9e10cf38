import { assertEquals, assertStrictEquals } from "@std/assert";
import { Receipt } from "../../log/receipt.ts";
import { Router } from "../../router/router.ts";
import { Subscription } from "../../router/subscription.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { Commit } from "../base/commit.ts";
import { BrokerContext } from "../base/context.ts";
import type { Message } from "../base/message.ts";
import { type BrokerOptions, settingsOf } from "../base/options.ts";
import { Origin } from "../base/origin.ts";
import { batch } from "../testdata/batches.ts";
import { message, type MessageOptions, textOf } from "../testdata/messages.ts";
import { TestReceiver } from "../testdata/test_receiver.ts";
import { type MessageLog, messageLog } from "./backlog.ts";
import { Delivery, Outcome } from "./delivery.ts";
import { Publisher } from "./publisher.ts";
import { RetainedStore } from "./retained_store.ts";
import type { Receiver } from "./subscriber.ts";

/** A publisher with a store and subscribers, each of which a test can make refuse. */
class World {
  readonly context: BrokerContext;
  readonly router = new Router<Receiver>();
  readonly retained: RetainedStore;
  readonly delivery: Delivery;
  readonly publisher: Publisher;
  /** What the hooks were told, in words. */
  readonly told: string[] = [];
  readonly journal = {
    isFull: false,
    gathering: new Commit(1),
    newLog: (): MessageLog => messageLog(),
    onHandedOver: (): void => {},
  };
  readonly memory = { isAmple: true, mayKeep: (): boolean => false };
  /** What is published later, and whether there is room for more. */
  readonly delayed = {
    hasRoom: true,
    taken: [] as string[],
    take: (message: Message): boolean => {
      if (this.delayed.hasRoom) this.delayed.taken.push(textOf(message));
      return this.delayed.hasRoom;
    },
  };

  constructor(options: BrokerOptions = {}) {
    const clock = new VirtualClock();
    const settings = settingsOf({
      clock,
      heap: null,
      hooks: {
        published: ({ topic, payload, clientId }) => {
          this.told.push(`${topic} ${new TextDecoder().decode(payload)} from ${clientId}`);
        },
        dropped: ({ reason, clientId }) => this.told.push(`dropped ${reason} of ${clientId}`),
        limited: ({ reason, clientId }) => this.told.push(`limit ${reason} for ${clientId}`),
      },
      ...options,
    });
    const context = this.context = new BrokerContext(settings);
    this.retained = new RetainedStore(context.limits, clock, context.scheduler);
    const { overflow } = settings;
    const { router, journal } = this;
    this.delivery = new Delivery({ router, journal, overflow, turns: context.turns });
    this.publisher = new Publisher(this);
  }

  join(filter = "#"): TestReceiver {
    return this.subscribe(new TestReceiver("subscriber"), filter);
  }

  subscribe<R extends Receiver>(receiver: R, filter: string): R {
    this.router.subscribe(
      new Subscription<Receiver>(receiver, filter, {
        qos: 2,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        identifier: 0,
      }),
    );
    return receiver;
  }

  publish(topic: string, payload: string, options: MessageOptions = {}) {
    const sent = message(topic, payload, { origin: Origin.client("p"), ...options });
    return this.publisher.publish(this.router.routeOf(topic)!, sent);
  }

  /** The payloads of the retained messages. */
  kept(): string[] {
    return (this.retained.match("#").next(100) ?? []).map(textOf);
  }
}

/** Calls back when it receives something. */
class CallingReceiver extends TestReceiver {
  constructor(readonly call: () => void) {
    super("calling");
  }

  override receive(): void {
    this.call();
  }

  override receiveRun(): void {
    this.call();
  }
}

const AT_ONCE = { room: null, commit: null };

Deno.test("Publisher retains a message with RETAIN, delivers it, and tells the hook who sent it", () => {
  const world = new World();
  assertEquals(world.publish("a", "1", { retain: true }), {
    outcome: Outcome.unmatched,
    ...AT_ONCE,
  });
  const subscriber = world.join();
  assertEquals(world.publish("a", "2", { retain: true }), {
    outcome: Outcome.delivered,
    ...AT_ONCE,
  });
  assertEquals(world.publish("b", "3").outcome, Outcome.delivered);
  assertEquals([world.kept(), subscriber.received], [["2"], ["2", "3"]]);
  assertEquals(world.told, ["a 1 from p", "a 2 from p", "b 3 from p"]);
});

Deno.test("Publisher delivers a message with RETAIN where nothing is retained", () => {
  const world = new World({ retainAvailable: false });
  const subscriber = world.join();
  world.publish("a", "x", { retain: true });
  assertEquals([world.kept(), subscriber.received], [[], ["x"]]);
});

Deno.test("Publisher neither retains, delivers nor tells of a message that a backlog refuses", () => {
  const world = new World({ overflow: "refuse-publisher" });
  const subscriber = world.join();
  world.join("#").hasRoom = false;
  assertEquals(world.publish("a", "x", { retain: true }).outcome, Outcome.refused);
  assertEquals([world.kept(), subscriber.received, world.told], [[], [], []]);
});

Deno.test("Publisher delivers what cannot be retained with QoS 0, and refuses it with QoS 1 and 2", () => {
  const world = new World({ limits: { retainedMessagesMax: 1 } });
  world.publish("first", "kept", { retain: true });
  world.told.length = 0;
  const subscriber = world.join();
  for (const qos of [0, 1, 2] as const) {
    const { outcome } = world.publish("a", `${qos}`, { retain: true, qos });
    assertEquals(outcome, qos === 0 ? Outcome.delivered : Outcome.refused);
  }
  assertEquals([world.kept(), subscriber.received], [["kept"], ["0"]]);
  assertEquals(world.context.stats.dropped["retained-full"], 3);
  assertEquals(world.told, [
    "dropped retained-full of p",
    "a 0 from p",
    "dropped retained-full of p",
    "dropped retained-full of p",
  ]);
});

Deno.test("Publisher names the receipt that a subscriber asks to wait for, in this result alone", () => {
  const world = new World();
  const [room, later, closed] = [new Receipt(), new Receipt(), new Receipt()];
  closed.close();
  let asked: Receipt | null = null;
  world.subscribe(
    new CallingReceiver(() => {
      if (asked !== null) world.publisher.needRoom(asked);
      world.publisher.needRoom(closed);
    }),
    "a",
  );
  // Nobody publishes now.
  world.publisher.needRoom(later);
  const results: (Receipt | null)[] = [];
  const frames = batch(world.router.routeOf("a")!, ["x"], Origin.client("p"));
  for (asked of [null, room, null]) {
    results.push(world.publish("a", "x", { qos: 0 }).room);
    results.push(world.publisher.publishBatch(frames));
  }
  assertEquals(results.map((result) => result === room), [false, false, true, true, false, false]);
  assertEquals(results.filter((result) => result !== null).length, 2);
});

Deno.test("Publisher names the commit that gathers, if the message is stored", () => {
  const world = new World();
  let isStored = true;
  world.subscribe(
    new CallingReceiver(() => {
      if (isStored) world.publisher.onStoring();
    }),
    "a",
  );
  world.publisher.onStoring();
  assertStrictEquals(world.publish("b", "x").commit, null);
  assertStrictEquals(world.publish("a", "x").commit, world.journal.gathering);
  isStored = false;
  assertStrictEquals(world.publish("a", "x").commit, null);
});

Deno.test("Publisher keeps the results of messages apart that are published during another", () => {
  const world = new World();
  const [outer, inner] = [new Receipt(), new Receipt()];
  const results: unknown[] = [];
  world.subscribe(
    new CallingReceiver(() => {
      world.publisher.needRoom(outer);
      results.push(world.publish("inner", "x"));
    }),
    "outer",
  );
  world.subscribe(
    new CallingReceiver(() => {
      world.publisher.needRoom(inner);
      world.publisher.onStoring();
    }),
    "inner",
  );
  const { room, commit } = world.publish("outer", "x");
  assertStrictEquals(room, outer);
  assertStrictEquals(commit, null);
  const frames = batch(world.router.routeOf("outer")!, ["y"], Origin.client("p"));
  assertStrictEquals(world.publisher.publishBatch(frames), outer);
  const expected = { outcome: Outcome.delivered, room: inner, commit: world.journal.gathering };
  assertEquals(results, [expected, expected]);
});

Deno.test("Publisher.publishBatch() tells the hook of each message, in order", () => {
  const world = new World();
  const subscriber = world.join();
  world.publisher.publishBatch(
    batch(world.router.routeOf("a")!, ["1", "2"], Origin.client("p")),
  );
  assertEquals(world.told, ["a 1 from p", "a 2 from p"]);
  assertEquals(subscriber.received, ["1", "2"]);
});

Deno.test("Publisher.publishBatch() does not split the frames of a batch that no hook is told of", () => {
  const world = new World({ hooks: {} });
  let calls = 0;
  world.subscribe(new CallingReceiver(() => calls++), "a");
  const frames = batch(world.router.routeOf("a")!, ["1", "2"], Origin.client("p"));
  frames.messages = () => {
    throw new Error("nobody needs the frames one by one");
  };
  assertStrictEquals(world.publisher.publishBatch(frames), null);
  assertEquals(calls, 1);
});

Deno.test("Publisher refuses what a full store would have to take, and nothing else", () => {
  const world = new World();
  const subscriber = world.join("a");
  world.journal.isFull = true;
  const outcomes = (options: MessageOptions) =>
    ["a", "b"].map((topic) => world.publish(topic, "x", options).outcome);
  const { delivered, unmatched, refused } = Outcome;
  // Without a durable subscriber, only a retained message has to be stored.
  assertEquals(outcomes({ qos: 1 }), [delivered, unmatched]);
  assertEquals(outcomes({ qos: 1, retain: true }), [refused, refused]);
  subscriber.isDurable = true;
  assertEquals(outcomes({ qos: 1 }), [refused, unmatched]);
  assertEquals(outcomes({ qos: 0 }), [delivered, unmatched]);
  assertEquals(outcomes({ qos: 0, retain: true }), [delivered, unmatched]);
  world.journal.isFull = false;
  assertEquals(outcomes({ qos: 1, retain: true }), [delivered, unmatched]);
});

Deno.test("Publisher.cannotStore() is false without a store", () => {
  const { router, retained, delivery, context, memory, delayed } = new World();
  const publisher = new Publisher({
    ...{ context, delivery, retained, memory, delayed },
    journal: null,
  });
  const route = router.routeOf("a")!;
  assertEquals(publisher.cannotStore(route, message("a", "x", { retain: true })), false);
});

Deno.test("Publisher refuses what memory cannot keep for a subscriber, and reports the limit", () => {
  const world = new World();
  const subscriber = world.join("a");
  world.memory.isAmple = false;
  assertEquals(world.publish("a", "not kept").outcome, Outcome.delivered);
  subscriber.keepsMessages = true;
  assertEquals(world.publish("a", "kept").outcome, Outcome.refused);
  assertEquals(world.publish("a", "QoS 0", { qos: 0 }).outcome, Outcome.delivered);
  world.memory.mayKeep = () => true;
  assertEquals(world.publish("a", "room again").outcome, Outcome.delivered);
  assertEquals(world.told.filter((line) => line.startsWith("limit")), ["limit memory for p"]);
});

Deno.test("Publisher hands a delayed message on, and does not deliver it now", () => {
  const world = new World({ delayed: true });
  const subscriber = world.join("#");
  const delayed = world.join("$delayed/#");
  assertEquals(world.publish("$delayed/5/a", "x").outcome, Outcome.delivered);
  assertEquals(world.delayed.taken, ["x"]);
  assertEquals([subscriber.received, delayed.received], [[], []]);
});

Deno.test("Publisher refuses or drops a delayed message that there is no room for", () => {
  const world = new World({ delayed: true });
  world.delayed.hasRoom = false;
  assertEquals(world.publish("$delayed/5/a", "x").outcome, Outcome.refused);
  assertEquals(world.publish("$delayed/5/a", "y", { qos: 0 }).outcome, Outcome.unmatched);
  assertEquals(world.context.stats.dropped.delayed, 1);
});

Deno.test("Publisher delivers a message below $delayed/ at once where nothing is delayed", () => {
  const world = new World();
  const subscriber = world.join("$delayed/#");
  world.publish("$delayed/5/a", "x");
  assertEquals([subscriber.received, world.delayed.taken], [["x"], []]);
});
