import { assertEquals } from "@std/assert";
import { Broker } from "./broker.ts";

Deno.test("Broker.stats shows what the broker holds as of now, beside what it has counted", async () => {
  await using broker = new Broker();
  const { stats } = broker;
  const held = () => {
    const { sessions, subscriptions, sharedSubscriptions, retainedMessages, storedBytes } = stats;
    return { sessions, subscriptions, sharedSubscriptions, retainedMessages, storedBytes };
  };
  const nothing = {
    sessions: 0,
    subscriptions: 0,
    sharedSubscriptions: 0,
    retainedMessages: 0,
    storedBytes: 0,
  };
  assertEquals(held(), nothing);
  assertEquals(stats.retainedBytes, 0);
  const lamps = broker.subscribe("lamp/+");
  const shared = broker.subscribe("$share/group/lamp/+");
  broker.publish("lamp/1", "on", { retain: true });
  const held2 = { ...nothing, subscriptions: 2, sharedSubscriptions: 1, retainedMessages: 1 };
  assertEquals(held(), held2);
  const { bytes, bytesMax, ...kinds } = stats.memory;
  assertEquals(stats.retainedBytes > 0 && stats.retainedBytes === kinds.retained, true);
  assertEquals(bytes, Object.values(kinds).reduce((sum, one) => sum + one, 0));
  assertEquals(bytesMax > bytes, true);
  await Promise.all([lamps.return(), shared.return()]);
  assertEquals(held(), { ...nothing, retainedMessages: 1 });
});

Deno.test("a copy of Broker.stats has the counters and what the broker holds, and stays as it is", async () => {
  await using broker = new Broker();
  const copy = { ...broker.stats };
  const text = JSON.parse(JSON.stringify(broker.stats));
  broker.publish("lamp/1", "on", { retain: true });
  for (const { retainedMessages, messagesReceived } of [copy, text]) {
    assertEquals({ retainedMessages, messagesReceived }, {
      retainedMessages: 0,
      messagesReceived: 0,
    });
  }
  assertEquals(broker.stats.retainedMessages, 1);
});
