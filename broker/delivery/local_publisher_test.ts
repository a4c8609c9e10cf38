import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Properties, QoS } from "../../codec/mod.ts";
import * as packets from "../../tests/harness/packets.ts";
import { join, joinSubscribed, withHost } from "../../tests/resilience/_clients.ts";
import { Broker } from "../broker.ts";
import { QuotaExceededError } from "./local_publisher.ts";

/** Runs with a broker that one more message for "full" is too much for. */
async function withFullBacklog(fn: (broker: Broker) => Promise<void>): Promise<void> {
  const limits = { backlogMessagesMax: 1 };
  await withHost({ overflow: "refuse-publisher", limits }, async (port, broker) => {
    const fields = { level: 5, clientId: "away", properties: "11 00000e10" } as const;
    const away = await joinSubscribed(port, { full: 1 }, fields);
    await away.send(packets.disconnect());
    await away.expectClose();
    await broker.publish("full", "fits", { qos: 1 });
    await fn(broker);
    await using _ = await join(port, { level: 5 });
  });
}

Deno.test("Broker.publish() rejects when the message is refused", async () => {
  await withFullBacklog(async (broker) => {
    const refused = broker.publish("full", "too much", { qos: 1 });
    const error = await assertRejects(() => refused, QuotaExceededError, "full");
    assertEquals(error.name, "QuotaExceededError");
    assertEquals(broker.stats.messagesRefused, 1);
  });
});

Deno.test("Broker.publish() may be refused without anybody waiting, and the program goes on", async () => {
  const unhandled: unknown[] = [];
  const listener = (event: PromiseRejectionEvent) => unhandled.push(event.reason);
  addEventListener("unhandledrejection", listener);
  await withFullBacklog(async (broker) => {
    broker.publish("full", "too much", { qos: 1 });
    // Rejections are reported when the turn in which nobody handled them is over.
    await new Promise((resolve) => setTimeout(resolve));
  });
  removeEventListener("unhandledrejection", listener);
  assertEquals(unhandled, []);
});

Deno.test("Broker.publish() does not hide an error of the program that nobody handles", async () => {
  const { promise: reported, resolve } = Promise.withResolvers<unknown>();
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    resolve(event.reason);
  };
  addEventListener("unhandledrejection", listener);
  await using broker = new Broker();
  broker.publish("a/+", "");
  const error = await reported;
  removeEventListener("unhandledrejection", listener);
  assert(error instanceof TypeError);
});

Deno.test("Broker.publish() returns a promise that is the same whether or not there is a wait", async () => {
  await using broker = new Broker();
  for (const qos of [0, 1, 2] as const) {
    const done = broker.publish("a", "x", { qos });
    assert(done instanceof Promise);
    assertEquals(await done, undefined);
  }
});

Deno.test("Broker.publish() rejects with a TypeError what a program cannot publish", async () => {
  await using broker = new Broker({ limits: { topicLevelsMax: 3, topicBytesMax: 10 } });
  const received = broker.subscribe("#");
  const topics: [unknown, RegExp][] = [
    ["", /topic is empty/],
    ["a/+", /"a\/\+": topic contains a wildcard/],
    ["a\0", /U\+0000/],
    ["a/b/c/d", /topicLevelsMax \(3\)/],
    ["a long topic", /topicBytesMax \(10\)/],
    [7, /not a string/],
    [undefined, /not a string/],
  ];
  for (const [topic, message] of topics) {
    const error = await assertRejects(() => broker.publish(topic as string, ""), TypeError);
    assertMatch(error.message, message);
  }
  for (const qos of [3, -1, "1", null]) {
    const options = { qos: qos as QoS };
    await assertRejects(() => broker.publish("a", "", options), TypeError, "with QoS");
  }
  for (const payload of [7, null, [1], {}, new ArrayBuffer(1)]) {
    const given = payload as Uint8Array;
    await assertRejects(() => broker.publish("a", given), TypeError, "payload");
  }
  const properties: [Record<string, unknown>, string][] = [
    [{ topicAlias: 1 }, "topicAlias"],
    [{ subscriptionIdentifiers: [1] }, "subscriptionIdentifiers"],
    [{ messageExpiryInterval: -1 }, "-1"],
    [{ messageExpiryInterval: 1.5 }, "1.5"],
    [{ payloadFormatIndicator: 2 }, "2"],
    [{ responseTopic: "a/#" }, "wildcard"],
    [{ contentType: "x".repeat(70_000) }, "70000 bytes"],
    [{ receiveMaximum: 1 }, "receiveMaximum"],
    [{ color: "red" }, "color"],
  ];
  for (const [given, message] of properties) {
    const options = { properties: given as Properties };
    await assertRejects(() => broker.publish("a", "", options), TypeError, message);
  }
  broker.publish("a", "the only one");
  const { value } = await received.next();
  assertEquals(new TextDecoder().decode(value!.payload), "the only one");
});
