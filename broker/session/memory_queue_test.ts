import { assertEquals, assertThrows } from "@std/assert";
import { messageLog } from "../delivery/backlog.ts";
import { message, variant } from "../testdata/messages.ts";
import { AMPLE_MEMORY, testContext } from "../testdata/test_context.ts";
import { TestQueueOwner } from "../testdata/test_queue_owner.ts";
import { MemoryQueue } from "./memory_queue.ts";

/** A session with a queue in memory. */
function world(receiveMaximum?: number) {
  const { context, clock } = testContext();
  const owner = new TestQueueOwner(
    context,
    (session) => new MemoryQueue({ context, memory: AMPLE_MEMORY }, session),
    receiveMaximum,
  );
  const push = (payload: string, options: Parameters<typeof message>[2] = {}, shared?: string) =>
    owner.queue.push(
      message("t", payload, options).keep(),
      variant({ shared: shared ?? null }),
    );
  return { context, clock, owner, queue: owner.queue, push };
}

Deno.test("MemoryQueue sends what waits in order, with the lower QoS [MQTT-3.8.4-8]", () => {
  const { owner, queue, push } = world();
  push("x");
  push("y", { qos: 2 });
  queue.push(message("t", "z", { qos: 2 }).keep(), variant({ qos: 0 }));
  assertEquals(queue.messages, 3);
  const link = owner.connect();
  owner.pump();
  assertEquals(link.taken(), ["x QoS 1 #1", "y QoS 2 #2", "z QoS 0"]);
  assertEquals([queue.messages, queue.bytes, queue.pendingCommit], [0, 0, null]);
});

Deno.test("MemoryQueue sends no more than the Receive Maximum allows [MQTT-3.3.4-9]", () => {
  const { owner, queue, push } = world(2);
  for (const payload of ["a", "b", "c"]) push(payload);
  const link = owner.connect();
  owner.pump();
  assertEquals([link.taken(), queue.messages], [["a QoS 1 #1", "b QoS 1 #2"], 1]);
  owner.inflightMessages!.puback(1, 0);
  owner.pump();
  assertEquals([link.taken(), queue.messages], [["c QoS 1 #3"], 0]);
});

Deno.test("MemoryQueue drops and counts messages that have expired [MQTT-3.3.2-5]", async () => {
  const { owner, clock, context, push } = world();
  push("old", { expirySeconds: 1 });
  push("new");
  await clock.advance(1000);
  const link = owner.connect();
  owner.pump();
  assertEquals([link.taken(), context.stats.dropped.expired], [["new QoS 1 #1"], 1]);
});

Deno.test("MemoryQueue keeps a message unless it is sent at once, if there is memory", () => {
  const { context, queue, owner } = world();
  const one = message("t", "x").keep();
  assertEquals([queue.keeps(false), queue.keeps(true)], [true, false]);
  assertEquals(queue.hasRoomFor(one), true);
  const full = new MemoryQueue({ context, memory: { admitsMessage: () => false } }, owner);
  assertEquals(full.hasRoomFor(one), false);
});

Deno.test("MemoryQueue passes on what the client may no longer receive", () => {
  const { owner, push } = world();
  push("x");
  owner.denied.add("t");
  const link = owner.connect();
  owner.pump();
  assertEquals([link.taken(), owner.passedOn], [[], ["x"]]);
});

Deno.test("MemoryQueue sends again what was in flight, first and with DUP [MQTT-4.4.0-1]", () => {
  const { owner, push } = world();
  push("one");
  push("two", { qos: 2 });
  owner.connect();
  owner.pump();
  owner.inflightMessages!.pubrec(2, 0);
  owner.disconnect();
  push("three");
  const link = owner.connect();
  owner.pump();
  assertEquals(link.taken(), ["one QoS 1 #1 DUP", "PUBREL #2", "three QoS 1 #3"]);
});

Deno.test("MemoryQueue follows a shared log, until it is left", () => {
  const { queue } = world();
  const log = messageLog();
  let left = 0;
  const follows = { variant: variant(), onLeft: () => void left++, onAttached() {} };
  log.append(message("t", "before").keep());
  assertEquals(queue.follow(log, follows), true);
  log.append(message("t", "x").keep());
  assertEquals(queue.messages, 1);
  queue.leave(follows);
  log.append(message("t", "after").keep());
  assertEquals([queue.messages, left], [1, 1]);
});

Deno.test("MemoryQueue follows no log that is not in memory", () => {
  const { queue } = world();
  const follows = { variant: variant(), onLeft() {}, onAttached() {} };
  const log = { end: 0, weight: 0, append() {} };
  assertThrows(() => queue.follow(log, follows), TypeError, "in memory");
});

Deno.test("MemoryQueue.trim() passes the oldest messages", () => {
  const { owner, queue, push } = world();
  for (const payload of ["a", "b", "c"]) push(payload);
  assertEquals([queue.trim(1, Infinity), queue.messages], [2, 1]);
  const link = owner.connect();
  owner.pump();
  assertEquals(link.taken(), ["c QoS 1 #1"]);
});

Deno.test("MemoryQueue.end() returns messages of shared subscriptions [MQTT-4.8.2-4]", () => {
  const { owner, queue, context, push } = world(1);
  push("sent", {}, "group");
  push("waiting", {}, "group");
  push("own");
  owner.connect();
  owner.pump();
  const left = [...queue.end()].map((one) =>
    one === null ? null : new TextDecoder().decode(one.message!.payload)
  );
  assertEquals(left, ["sent", "waiting", null], "null stands for one that was dropped");
  assertEquals([queue.messages, context.stats.dropped["session-ended"]], [0, 1]);
});

Deno.test("MemoryQueue.end() keeps a QoS 2 message that was sent to itself [MQTT-4.8.2-5]", () => {
  const { owner, queue, push } = world();
  push("sent", { qos: 2 }, "group");
  owner.connect();
  owner.pump();
  assertEquals([...queue.end()], []);
});
