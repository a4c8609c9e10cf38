import { assertEquals } from "@std/assert";
import type { Will } from "../../codec/mod.ts";
import { Router } from "../../router/router.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { Message } from "../base/message.ts";
import { Scheduler } from "../base/scheduler.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { textOf } from "../testdata/messages.ts";
import { ClientAccess } from "./client_access.ts";
import type { PendingWill, WillOwner } from "./pending_will.ts";
import { type WillHost, Wills } from "./wills.ts";

const encoder = new TextEncoder();

function will(topic: string, fields: Partial<Will> = {}): Will {
  return {
    topic,
    payload: encoder.encode("lost"),
    qos: 1,
    retain: false,
    properties: {},
    ...fields,
  };
}

function owner(clientId: string, access: ClientAccess | null = null): WillOwner {
  return { clientId, username: null, access, will: null };
}

/** What wills need, and what they do with it. */
class WillWorld implements WillHost {
  readonly clock = new VirtualClock();
  readonly scheduler = new Scheduler(this.clock);
  readonly limits = { willsAskedMax: 2, delaySecondsMax: 60 };
  readonly router: Pick<Router<Receiver>, "routeOf"> = new Router<Receiver>();
  /** What was published, as topic, QoS, retain and payload. */
  readonly published: string[] = [];
  /** What was not: the reason, and whose it was. */
  readonly dropped: string[] = [];
  readonly failures: string[] = [];
  /** The rows of the store, by number. */
  readonly rows = new Map<number, string>();
  isFull = false;
  readonly wills: Wills;
  #lastRow = 0;

  constructor(readonly hasStore = true) {
    this.wills = new Wills(this);
  }

  readonly context: WillHost["context"] = {
    scheduler: this.scheduler,
    clock: this.clock,
    limits: this.limits,
    settings: { delayed: true },
    reportError: (error) => void this.failures.push((error as Error).message),
    reportDrop: (reason, _message, clientId) => void this.dropped.push(`${reason} ${clientId}`),
  };

  readonly publisher: WillHost["publisher"] = {
    cannotStore: () => this.isFull,
    publish: (_route, message: Message) => {
      const outcome = this.isFull ? Outcome.refused : Outcome.delivered;
      const { name, qos, retain } = message;
      const flags = retain ? " retained" : "";
      if (!this.isFull) this.published.push(`${name} QoS ${qos}${flags}: ${textOf(message)}`);
      return { outcome, room: null, commit: null };
    },
  };

  get journal(): WillHost["journal"] {
    return this.hasStore ? { onWillChanged: (pending) => this.#storeWill(pending) } : null;
  }

  /** Asks `mayPublish` in the name of a client. */
  access(mayPublish: Authorizer["mayPublish"]): ClientAccess {
    const authorizer = { mayPublish, maySubscribe: () => true };
    const client = { clientId: "a", username: null } as Parameters<Authorizer["mayPublish"]>[0];
    return new ClientAccess(
      { accessVersion: 0, reportError: this.context.reportError },
      authorizer,
      client,
    );
  }

  #storeWill(pending: PendingWill): void {
    if (pending.storedId === 0) pending.storedId = ++this.#lastRow;
    if (pending.isOver) this.rows.delete(pending.storedId);
    else this.rows.set(pending.storedId, `${pending.will.topic} at ${pending.dueMs}`);
  }
}

Deno.test("Wills publishes a will that is due with its payload, QoS and RETAIN", () => {
  const { wills, published, rows } = new WillWorld();
  const client = owner("a");
  wills.set(client, will("w", { qos: 2, retain: true }));
  assertEquals([...rows.values()], ["w at null"]);
  wills.publishAt(client.will!, 0);
  assertEquals(published, ["w QoS 2 retained: lost"]);
  assertEquals([client.will, wills.bytes, rows.size], [null, 0, 0]);
});

Deno.test("Wills publishes a will after its delay and not before [MQTT-3.1.3-9]", async () => {
  const { wills, published, rows, clock, scheduler } = new WillWorld();
  const client = owner("a");
  wills.set(client, will("w"));
  wills.publishAt(client.will!, 5000);
  assertEquals([...rows.values()], ["w at 5000"]);
  await clock.advance(4999);
  assertEquals(published, []);
  await clock.advance(1);
  assertEquals(published, ["w QoS 1: lost"]);
  assertEquals([client.will, wills.bytes, rows.size, scheduler.size], [null, 0, 0, 0]);
});

Deno.test("Wills deletes a will whose client returns before the delay is over", async () => {
  const { wills, published, rows, clock, scheduler } = new WillWorld();
  const client = owner("a");
  wills.set(client, will("w"));
  wills.publishAt(client.will!, 5000);
  await clock.advance(4000);
  wills.set(client, null);
  assertEquals([client.will, wills.bytes, rows.size, scheduler.size], [null, 0, 0, 0]);
  await clock.advance(10_000);
  assertEquals(published, []);
});

Deno.test("Wills publishes a delayed will once if its session ends before", async () => {
  const { wills, published, clock } = new WillWorld();
  const client = owner("a");
  wills.set(client, will("w"));
  wills.publishAt(client.will!, 5000);
  wills.publish(client.will!);
  await clock.advance(10_000);
  assertEquals(published, ["w QoS 1: lost"]);
});

Deno.test("Wills counts the bytes of the will that replaces another, and only those", () => {
  const { wills, rows } = new WillWorld();
  const [client, other] = [owner("a"), owner("b")];
  wills.set(client, will("w", { payload: new Uint8Array(1000) }));
  wills.set(client, will("w"));
  const { bytes } = wills;
  wills.set(other, will("w"));
  assertEquals([wills.bytes, rows.size], [2 * bytes, 2]);
});

Deno.test("Wills goes on with a will from the store under the number of its row", async () => {
  const { wills, published, rows, clock } = new WillWorld();
  const client = owner("a");
  rows.set(7, "w at null");
  wills.publishAt(wills.restore(will("w"), 7, client, client), 100);
  assertEquals([...rows], [[7, "w at 100"]]);
  await clock.advance(100);
  assertEquals([published.length, rows.size], [1, 0]);
});

Deno.test("Wills forgets a will that the router has no route for", () => {
  const world = new WillWorld();
  const client = owner("a");
  Object.assign(world, { router: { routeOf: () => null } });
  world.wills.set(client, will("w"));
  world.wills.publish(client.will!);
  assertEquals([world.published, world.dropped, world.rows.size], [[], [], 0]);
  assertEquals([client.will, world.wills.bytes], [null, 0]);
});

Deno.test("Wills tries a will again that the store is too full for", async () => {
  const world = new WillWorld();
  const { wills, published, rows, clock } = world;
  const client = owner("a");
  world.isFull = true;
  wills.set(client, will("first"));
  wills.publish(client.will!);
  // Its client is back, and has another will by now: this deletes only that.
  assertEquals(client.will, null);
  wills.set(client, will("second"));
  wills.set(client, null);
  await clock.advance(2500);
  assertEquals([published, [...rows.values()]], [[], ["first at 3000"]]);
  world.isFull = false;
  await clock.advance(500);
  assertEquals(published, ["first QoS 1: lost"]);
  assertEquals([wills.bytes, rows.size, world.dropped], [0, 0, []]);
});

Deno.test("Wills drops a will that the store is too full for if enough wait already", async () => {
  const world = new WillWorld();
  const { wills, published, dropped, rows, clock } = world;
  world.isFull = true;
  for (const name of ["a", "b", "c"]) {
    const client = owner(name);
    wills.set(client, will(name));
    wills.publish(client.will!);
  }
  assertEquals([dropped, rows.size], [["backlog c"], 2]);
  world.isFull = false;
  await clock.advance(1000);
  assertEquals(published, ["a QoS 1: lost", "b QoS 1: lost"]);
  assertEquals([wills.bytes, rows.size], [0, 0]);
});

Deno.test("Wills asks the authorizer again when a will is published, and obeys", () => {
  for (const may of [true, false]) {
    const world = new WillWorld();
    const asked: unknown[] = [];
    const access = world.access((_client, request) => {
      asked.push(request);
      return may;
    });
    const client = owner("a", access);
    world.wills.set(client, will("w"));
    world.wills.publish(client.will!);
    assertEquals(asked, [{ topic: "w", qos: 1, retain: false, will: true }]);
    assertEquals(world.published.length, may ? 1 : 0);
    assertEquals(world.dropped, may ? [] : ["not-authorized a"]);
    assertEquals([client.will, world.wills.bytes, world.rows.size], [null, 0, 0]);
  }
});

Deno.test("Wills keeps a will in the store until its authorizer has answered", async () => {
  for (const may of [true, false]) {
    const world = new WillWorld();
    const { wills, published, dropped, rows, clock } = world;
    const answer = Promise.withResolvers<boolean>();
    const client = owner("a", world.access(() => answer.promise));
    wills.set(client, will("first"));
    wills.publish(client.will!);
    // Its client is back, and has another will by now: this deletes only that.
    assertEquals(client.will, null);
    wills.set(client, will("second"));
    wills.set(client, null);
    assertEquals([published, [...rows.values()]], [[], ["first at null"]]);
    answer.resolve(may);
    await clock.settle();
    assertEquals(published, may ? ["first QoS 1: lost"] : []);
    assertEquals(dropped, may ? [] : ["not-authorized a"]);
    assertEquals([wills.bytes, rows.size], [0, 0]);
  }
});

Deno.test("Wills reports an authorizer that fails, and does not publish", async () => {
  const failing: Authorizer["mayPublish"][] = [
    () => {
      throw new Error("no answer");
    },
    () => Promise.reject(new Error("no answer")),
  ];
  for (const mayPublish of failing) {
    const world = new WillWorld();
    const client = owner("a", world.access(mayPublish));
    world.wills.set(client, will("w"));
    world.wills.publish(client.will!);
    await world.clock.settle();
    assertEquals(world.failures, ["no answer"]);
    assertEquals([world.published, world.dropped], [[], ["not-authorized a"]]);
    assertEquals([world.wills.bytes, world.rows.size], [0, 0]);
  }
});

Deno.test("Wills asks an authorizer about so many at once, and refuses the others", async () => {
  const world = new WillWorld();
  const { wills, published, dropped, clock } = world;
  const answers: PromiseWithResolvers<boolean>[] = [];
  const access = world.access(() => {
    const answer = Promise.withResolvers<boolean>();
    answers.push(answer);
    return answer.promise;
  });
  const lose = (name: string) => {
    const client = owner(name, access);
    wills.set(client, will(name));
    wills.publish(client.will!);
  };
  ["a", "b", "c"].forEach(lose);
  assertEquals([answers.length, dropped], [2, ["not-authorized c"]]);
  answers[0]!.resolve(true);
  await clock.settle();
  lose("d");
  for (const answer of answers) answer.resolve(true);
  await clock.settle();
  assertEquals(published, ["a QoS 1: lost", "b QoS 1: lost", "d QoS 1: lost"]);
  assertEquals([dropped, wills.bytes, world.rows.size], [["not-authorized c"], 0, 0]);
});

Deno.test("Wills needs no store", async () => {
  const { wills, published, clock, rows } = new WillWorld(false);
  const client = owner("a");
  wills.set(client, will("w"));
  wills.publishAt(client.will!, 1000);
  await clock.advance(1000);
  assertEquals([published, rows.size], [["w QoS 1: lost"], 0]);
});
