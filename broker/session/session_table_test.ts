import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Will } from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import { Subscription } from "../../router/subscription.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import { AMPLE_MEMORY, testContext } from "../testdata/test_context.ts";
import { MemoryQueue } from "./memory_queue.ts";
import { NEVER_EXPIRES, type Session } from "./session.ts";
import type { SessionHost } from "./session_host.ts";
import { SessionTable } from "./session_table.ts";

/** A table of sessions with queues in memory, and what the broker sees of it. */
class TableWorld {
  readonly dropped: string[] = [];
  /** Payloads of wills that were published. */
  readonly published: string[] = [];
  /** Payloads that were handed over to other members of a group. */
  readonly handedOver: string[] = [];
  /** Whether other members of a group take messages. */
  hasMembers = true;
  readonly router = new Router<Receiver>();
  readonly context;
  readonly clock;
  readonly table: SessionTable;

  constructor() {
    const { context, clock } = testContext({}, {
      dropped: ({ reason }: { reason: DropReason }) => void this.dropped.push(reason),
    });
    this.context = context;
    this.clock = clock;
    const host: Partial<SessionHost> = {
      context,
      router: this.router,
      journal: null,
      newQueue: (owner) => new MemoryQueue({ context, memory: AMPLE_MEMORY }, owner),
      delivery: {
        handOver: (message: Message) => {
          if (this.hasMembers) this.handedOver.push(textOf(message));
          return this.hasMembers;
        },
      } as unknown as SessionHost["delivery"],
      publisher: {
        cannotStore: () => false,
        publish: (_route: unknown, message: Message) => {
          this.published.push(textOf(message));
          return { outcome: Outcome.delivered, room: null, commit: null };
        },
      } as unknown as SessionHost["publisher"],
    };
    this.table = new SessionTable(host as SessionHost);
  }

  /** A session that outlives its connection by so many seconds. */
  session(clientId: string, expirySeconds: number): Session {
    const session = this.table.create(clientId, expirySeconds > 0);
    session.expirySeconds = expirySeconds;
    return session;
  }

  will(session: Session, payload: string, willDelayInterval?: number): void {
    const will: Will = {
      topic: "w",
      payload: new TextEncoder().encode(payload),
      qos: 0,
      retain: false,
      properties: willDelayInterval === undefined ? {} : { willDelayInterval },
    };
    this.table.wills.set(session, will);
  }
}

Deno.test("SessionTable finds a session by its client identifier, and counts its memory", () => {
  const { table } = new TableWorld();
  const session = table.create("a", true);
  assertStrictEquals(table.get("a"), session);
  assertEquals([table.get("b"), table.size, table.bytes > 0], [undefined, 1, true]);
  table.setUser(session, "user");
  table.end(session);
  assertEquals([table.get("a"), table.size, table.bytes], [undefined, 0, 0]);
});

Deno.test("SessionTable ends a session with its connection at expiry 0", () => {
  const world = new TableWorld();
  const session = world.session("a", 0);
  world.table.suspend(session, true);
  assertEquals([session.hasEnded, world.table.size], [true, 0]);
});

Deno.test("SessionTable ends a session when its expiry interval has passed, not before", async () => {
  const world = new TableWorld();
  const { table, clock, context } = world;
  const session = world.session("a", 5);
  table.suspend(session, true);
  await clock.advance(4999);
  assertEquals([session.hasEnded, context.stats.sessionsExpired], [false, 0]);
  await clock.advance(1);
  assertEquals([session.hasEnded, table.size, context.stats.sessionsExpired], [true, 0, 1]);
});

Deno.test("SessionTable keeps a session that is resumed, or never expires [MQTT-3.1.2-23]", async () => {
  const world = new TableWorld();
  const [resumed, forever] = [world.session("a", 5), world.session("b", NEVER_EXPIRES)];
  for (const session of [resumed, forever]) world.table.suspend(session, true);
  world.table.resume(resumed);
  await world.clock.advance(1e9);
  assertEquals([resumed.hasEnded, forever.hasEnded], [false, false]);
});

Deno.test("SessionTable publishes the will at the end of the session, if that comes first [MQTT-3.1.3-9]", async () => {
  const world = new TableWorld();
  const session = world.session("a", 5);
  world.will(session, "gone", 60);
  world.table.suspend(session, true);
  await world.clock.advance(4999);
  assertEquals(world.published, []);
  await world.clock.advance(1);
  assertEquals([world.published, session.will], [["gone"], null]);
});

Deno.test("SessionTable publishes no will after a DISCONNECT without one [MQTT-3.14.4-3]", () => {
  const world = new TableWorld();
  const session = world.session("a", 5);
  world.will(session, "gone");
  world.table.suspend(session, false);
  assertEquals([world.published, session.will], [[], null]);
});

Deno.test("SessionTable publishes no will that is delayed if the client resumes before", async () => {
  const world = new TableWorld();
  const session = world.session("a", 60);
  world.will(session, "gone", 5);
  world.table.suspend(session, true);
  world.table.resume(session);
  await world.clock.advance(100_000);
  assertEquals(world.published, []);
});

Deno.test("SessionTable removes the subscriptions of an ended session", () => {
  const { table, router } = new TableWorld();
  const session = table.create("a", true);
  const options = {
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: 0,
  } as const;
  const subscription = new Subscription<Receiver>(session, "t/+", options);
  router.subscribe(subscription);
  session.subscriptions.set(subscription);
  table.end(session);
  assertEquals(router.filters, 0);
});

Deno.test("SessionTable hands shared messages of an ended session over [MQTT-4.8.2-4]", () => {
  const world = new TableWorld();
  const session = world.session("a", 60);
  for (const payload of ["x", "y"]) {
    session.receive(message("t", payload), variant({ shared: "group" }));
  }
  session.receive(message("t", "own"), variant());
  world.table.end(session);
  assertEquals([world.handedOver, world.dropped], [["x", "y"], ["session-ended"]]);
});

Deno.test("SessionTable counts shared messages that no other member takes", () => {
  const world = new TableWorld();
  world.hasMembers = false;
  const session = world.session("a", 60);
  session.receive(message("t", "x"), variant({ shared: "group" }));
  world.table.end(session);
  assertEquals([world.handedOver, world.dropped], [[], ["session-ended"]]);
});

Deno.test("SessionTable ends a session once, and not the one that came after it", () => {
  const world = new TableWorld();
  const first = world.session("a", 60);
  world.table.end(first);
  const second = world.session("a", 60);
  world.table.end(first);
  assertStrictEquals(world.table.get("a"), second);
});
