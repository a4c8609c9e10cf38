import { assertEquals } from "@std/assert";
import { Router } from "../../router/router.ts";
import type { Route } from "../../router/route_cache.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { BrokerContext } from "../base/context.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { Message } from "../base/message.ts";
import { settingsOf } from "../base/options.ts";
import { Origin } from "../base/origin.ts";
import { message, type MessageOptions, textOf } from "../testdata/messages.ts";
import {
  type DelayedHost,
  type DelayedKeeper,
  DelayedMessage,
  DelayedMessages,
} from "./delayed_messages.ts";
import { Outcome } from "./delivery.ts";
import type { Receiver } from "./subscriber.ts";

/** Delayed messages, and what becomes of them. */
class World implements DelayedHost, DelayedKeeper {
  readonly clock = new VirtualClock();
  readonly context: BrokerContext;
  readonly router = new Router<Receiver>();
  readonly journal = { isFull: false };
  readonly delayed: DelayedMessages;
  /** What was published, when, and what the hooks and the keeper were told, in words. */
  readonly told: string[] = [];
  readonly published: Message[] = [];
  hasMemory = true;
  outcome: number = Outcome.delivered;
  readonly memory = { mayGrow: () => this.hasMemory };
  readonly publisher = {
    publish: (_route: Route<Receiver>, one: Message) => {
      this.published.push(one);
      this.told.push(`${one.name} ${textOf(one)} at ${this.clock.now()}`);
      return { outcome: this.outcome };
    },
    cannotStore: () => this.journal.isFull,
  };

  constructor(limits: Partial<BrokerLimits> = {}) {
    const { clock } = this;
    this.context = new BrokerContext(settingsOf({
      ...{ clock, limits, delayed: true, heap: null },
      hooks: {
        dropped: ({ reason, clientId }) => this.told.push(`dropped ${reason} of ${clientId}`),
        limited: ({ reason, clientId }) => this.told.push(`limit ${reason} for ${clientId}`),
      },
    }));
    this.delayed = new DelayedMessages(this);
  }

  take(topic: string, payload = "x", options: MessageOptions = {}): boolean {
    const origin = Origin.client("p");
    const receivedMs = this.clock.now();
    return this.delayed.take(message(topic, payload, { origin, receivedMs, ...options }));
  }

  onAdded({ message }: DelayedMessage): void {
    this.told.push(`added ${textOf(message)}`);
  }

  onOver({ message }: DelayedMessage): void {
    this.told.push(`over ${textOf(message)}`);
  }
}

Deno.test("DelayedMessages publishes a message as it came, after its delay", async () => {
  const world = new World();
  const options = { qos: 2, retain: true } as const;
  assertEquals(world.take("$delayed/5/a/b", "x", options), true);
  assertEquals([world.delayed.size, world.context.stats.messagesDelayed], [1, 1]);
  await world.clock.advance(4999);
  assertEquals(world.told, []);
  await world.clock.advance(1);
  assertEquals([world.told, world.delayed.size, world.delayed.bytes], [["a/b x at 5000"], 0, 0]);
  const [{ qos, retain, origin }] = world.published as [Message];
  assertEquals([qos, retain, origin.clientId], [2, true, "p"]);
});

Deno.test("DelayedMessages publishes at once, after this turn, what is delayed by no time", async () => {
  const world = new World();
  world.take("$delayed/0/a");
  assertEquals(world.told, []);
  await world.clock.advance(0);
  assertEquals(world.told, ["a x at 0"]);
});

Deno.test("DelayedMessages keeps the order of messages with the same delay", async () => {
  const world = new World();
  for (let i = 0; i < 5; i++) {
    world.take("$delayed/1/a", `${i}`);
    await world.clock.advance(30);
  }
  world.take("$delayed/0/b", "sooner");
  await world.clock.advance(2000);
  assertEquals(world.published.map(textOf), ["sooner", "0", "1", "2", "3", "4"]);
});

Deno.test("DelayedMessages publishes at most 100 ms late, and never early", async () => {
  const world = new World();
  await world.clock.advance(30);
  world.take("$delayed/1/a");
  await world.clock.advance(999);
  assertEquals(world.told, []);
  await world.clock.advance(100);
  assertEquals(world.told, ["a x at 1100"]);
});

Deno.test("DelayedMessages counts the Message Expiry Interval from when it publishes", async () => {
  const world = new World();
  world.take("$delayed/10/a", "x", { expirySeconds: 5 });
  await world.clock.advance(10_000);
  const [sent] = world.published;
  assertEquals([sent!.expirySeconds, sent!.deadlineMs], [5, 15_000]);
});

Deno.test("DelayedMessages owns the bytes of a message", async () => {
  const world = new World();
  const source = message("$delayed/1/a", "borrowed");
  world.delayed.take(source);
  source.buffer.fill(0);
  await world.clock.advance(1000);
  assertEquals(world.published.map(textOf), ["borrowed"]);
});

Deno.test("DelayedMessages takes no message whose topic is not valid", () => {
  const world = new World({ delaySecondsMax: 100 });
  const topics = [
    ...["$delayed/101/a", "$delayed/-1/a", "$delayed/1.5/a", "$delayed/x/a", "$delayed//a"],
    ...["$delayed/1", "$delayed/1/", "$delayed/1/a/#", "$delayed/1/$delayed/1/a"],
  ];
  assertEquals(topics.filter((topic) => world.take(topic)), []);
  // That is an error of the publisher, and no limit.
  assertEquals([world.delayed.size, world.told], [0, []]);
  assertEquals(world.take("$delayed/100/a"), true);
});

Deno.test("DelayedMessages takes no more messages and bytes than its limits, and reports that", () => {
  for (const limit of ["delayedMessagesMax", "delayedBytesMax"] as const) {
    const one = new World();
    one.take("$delayed/1/a");
    const room = limit === "delayedMessagesMax" ? 2 : 2 * one.delayed.bytes;
    const world = new World({ [limit]: room });
    const taken = [1, 2, 3].map(() => world.take("$delayed/1/a"));
    assertEquals([taken, world.told], [[true, true, false], ["limit delayed for p"]], limit);
  }
});

Deno.test("DelayedMessages has room again for what was published", async () => {
  const world = new World({ delayedMessagesMax: 1 });
  world.take("$delayed/1/a");
  await world.clock.advance(1000);
  assertEquals(world.take("$delayed/1/a"), true);
});

Deno.test("DelayedMessages takes nothing where memory is short or the store is full", () => {
  const world = new World();
  world.hasMemory = false;
  assertEquals(world.take("$delayed/1/a"), false);
  world.hasMemory = true;
  world.journal.isFull = true;
  assertEquals(world.take("$delayed/1/a"), false);
  world.journal.isFull = false;
  assertEquals(world.take("$delayed/1/a"), true);
  assertEquals(world.told, ["limit delayed for p", "limit delayed for p"]);
});

Deno.test("DelayedMessages waits while the store cannot take a message, and those behind it, too", async () => {
  const world = new World();
  world.take("$delayed/1/a", "1");
  world.take("$delayed/1/a", "2");
  world.journal.isFull = true;
  await world.clock.advance(1500);
  assertEquals([world.told, world.delayed.size], [[], 2]);
  world.journal.isFull = false;
  await world.clock.advance(500);
  assertEquals(world.told, ["a 1 at 2000", "a 2 at 2000"]);
});

Deno.test("DelayedMessages drops and counts a message that a backlog refuses", async () => {
  const world = new World();
  world.outcome = Outcome.refused;
  world.take("$delayed/1/a");
  await world.clock.advance(1000);
  assertEquals(world.told, ["a x at 1000", "dropped backlog of p"]);
});

Deno.test("DelayedMessages drops and counts what expired while the store could not take it", async () => {
  const world = new World();
  world.take("$delayed/1/a", "x", { expirySeconds: 1 });
  world.journal.isFull = true;
  await world.clock.advance(1000);
  world.journal.isFull = false;
  await world.clock.advance(1000);
  assertEquals([world.told, world.delayed.size], [["dropped expired of p"], 0]);
});

Deno.test("DelayedMessages tells its keeper of a message that comes, and that it is over before it is published", async () => {
  const world = new World();
  world.delayed.keeper = world;
  world.take("$delayed/1/a");
  await world.clock.advance(1000);
  // So one commit removes its row, and stores what it publishes.
  assertEquals(world.told, ["added x", "over x", "a x at 1000"]);
});

Deno.test("DelayedMessages does not publish what its publisher was told is not stored", async () => {
  const world = new World();
  world.delayed.keeper = world;
  const source = message("$delayed/1/a", "x");
  world.delayed.take(source);
  source.place!.isRevoked = true;
  await world.clock.advance(1000);
  assertEquals([world.told, world.delayed.size], [["added x", "over x"], 0]);
});

Deno.test("DelayedMessages forgets a message once, and does not publish it", async () => {
  const world = new World();
  const delayed = new DelayedMessage(message("a", "x").keep(), 1000);
  world.delayed.restore(delayed);
  assertEquals([world.delayed.size, world.delayed.bytes], [1, delayed.weight]);
  world.delayed.forget(delayed);
  world.delayed.forget(delayed);
  assertEquals([world.delayed.size, world.delayed.bytes], [0, 0]);
  await world.clock.advance(1000);
  assertEquals(world.told, []);
});

Deno.test("DelayedMessages publishes what was due while the broker was down", async () => {
  const world = new World();
  await world.clock.advance(5000);
  world.delayed.restore(new DelayedMessage(message("a", "x").keep(), 1000));
  await world.clock.advance(0);
  assertEquals(world.told, ["a x at 5000"]);
});

Deno.test("DelayedMessages publishes many that are due together in several turns", async () => {
  const world = new World({ turnMsMax: 0 });
  for (let i = 0; i < 100; i++) world.take("$delayed/1/a", `${i}`);
  const turns = new Set<number>();
  const { publish } = world.publisher;
  world.publisher.publish = (route, one) => {
    turns.add(world.context.turns.number);
    return publish(route, one);
  };
  await world.clock.advance(2000);
  assertEquals(world.published.map(textOf), Array.from({ length: 100 }, (_, i) => `${i}`));
  assertEquals(turns.size > 10, true);
});
