import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../codec/mod.ts";
import { message, variant } from "../testdata/messages.ts";
import { AMPLE_MEMORY, testContext } from "../testdata/test_context.ts";
import { TestQueueOwner } from "../testdata/test_queue_owner.ts";
import { MemoryQueue } from "./memory_queue.ts";

/** A session with a connected client, and what is in flight to it. */
function world(receiveMaximum?: number) {
  const { context } = testContext();
  const owner = new TestQueueOwner(
    context,
    (session) => new MemoryQueue({ context, memory: AMPLE_MEMORY }, session),
    receiveMaximum,
  );
  const inflight = owner.openInflight();
  const link = owner.connect();
  const send = (payload: string, qos: 1 | 2, shared: string | null = null) =>
    inflight.send(owner.link!, message("t", payload, { qos }), variant({ shared }), qos);
  return { context, owner, inflight, link, send };
}

Deno.test("InflightMessages frees the packet identifier at PUBACK [MQTT-2.2.1-4]", () => {
  const { inflight, link, owner, send } = world();
  send("x", 1);
  assertEquals([link.taken(), inflight.window.size], [["x QoS 1 #1"], 1]);
  inflight.puback(1, 0);
  assertEquals([inflight.window.size, owner.exchangesEnded], [0, 1]);
});

Deno.test("InflightMessages answers PUBREC with PUBREL, and ends at PUBCOMP [MQTT-4.3.3-4]", () => {
  const { inflight, link, owner, send } = world();
  send("x", 2);
  assertEquals(inflight.pubrec(1, 0), true);
  assertEquals(link.taken(), ["x QoS 2 #1", "PUBREL #1"]);
  assertEquals([inflight.window.size, owner.exchangesEnded], [1, 0]);
  inflight.pubcomp(1);
  assertEquals([inflight.window.size, owner.exchangesEnded], [0, 1]);
});

Deno.test("InflightMessages ends at a PUBREC that refuses the message [MQTT-4.4.0-2]", () => {
  const { inflight, link, send } = world();
  send("x", 2);
  assertEquals(inflight.pubrec(1, 0x80), true);
  assertEquals([link.taken(), inflight.window.size], [["x QoS 2 #1"], 0]);
});

Deno.test("InflightMessages says that nothing waits for a PUBREC", () => {
  const { inflight } = world();
  assertEquals(inflight.pubrec(7, 0), false);
});

Deno.test("InflightMessages ignores PUBACK and PUBCOMP for nothing", () => {
  const { inflight, owner } = world();
  inflight.puback(7, 0);
  inflight.pubcomp(7);
  assertEquals(owner.exchangesEnded, 0);
});

Deno.test("InflightMessages refuses an acknowledgement of another QoS", () => {
  const { inflight, send } = world();
  send("x", 1);
  send("y", 2);
  assertThrows(() => inflight.pubrec(1, 0), ProtocolError, "PUBREC for packet identifier 1");
  assertThrows(() => inflight.pubcomp(1), ProtocolError, "PUBCOMP for packet identifier 1");
  assertThrows(() => inflight.puback(2, 0), ProtocolError, "PUBACK for packet identifier 2");
  assertThrows(() => inflight.pubcomp(2), ProtocolError, "PUBCOMP for packet identifier 2");
  assertEquals(inflight.window.size, 2);
});

Deno.test("InflightMessages.mayOpen is false at the Receive Maximum [MQTT-3.3.4-9]", () => {
  const { inflight, send } = world(1);
  assertEquals(inflight.mayOpen, true);
  send("x", 1);
  assertEquals(inflight.mayOpen, false);
  inflight.puback(1, 0);
  assertEquals(inflight.mayOpen, true);
});

Deno.test("InflightMessages drops a message that is too large for the client [MQTT-3.1.2-25]", () => {
  const { inflight, link, context, send } = world();
  link.tooLarge.add("x");
  send("x", 1);
  assertEquals([inflight.window.size, context.stats.dropped["too-large"]], [0, 1]);
});

Deno.test("InflightMessages sends nothing again that the client may no longer receive", () => {
  const { inflight, owner, context, send } = world();
  send("one", 1);
  send("two", 2);
  owner.disconnect();
  owner.denied.add("t");
  const link = owner.connect();
  owner.pump();
  // The client may have the QoS 2 message, so its identifier is free only after PUBCOMP.
  assertEquals(link.taken(), ["PUBREL #2"]);
  assertEquals([inflight.window.size, context.stats.dropped["read-denied"]], [1, 2]);
});

Deno.test("InflightMessages resends in order, as the Receive Maximum allows [MQTT-4.6.0-1]", () => {
  const { inflight, owner, send } = world(2);
  send("one", 1);
  send("two", 1);
  owner.disconnect();
  const link = owner.connect();
  inflight.window.resume(1);
  assertEquals(inflight.mayOpen, false);
  owner.pump();
  assertEquals(link.taken(), ["one QoS 1 #1 DUP"]);
  inflight.puback(1, 0);
  owner.pump();
  assertEquals(link.taken(), ["two QoS 1 #2 DUP"]);
});

Deno.test("InflightMessages of a session that is not resumed keeps only shared messages", () => {
  const { inflight, owner, send } = world();
  owner.expirySeconds = 0;
  send("own", 1);
  send("shared", 1, "group");
  send("sent", 2, "group");
  const kept = inflight.window.exchanges().map(({ message }) => message !== null);
  assertEquals(kept, [false, true, true]);
  assertEquals(inflight.unacknowledgedShared().map(({ topic, qos }) => [topic, qos]), [["t", 1]]);
});
