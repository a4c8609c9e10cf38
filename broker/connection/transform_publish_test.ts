import { assertEquals, assertMatch } from "@std/assert";
import * as packets from "../../tests/harness/packets.ts";
import { RawClient } from "../../tests/harness/raw_client.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { Receipt } from "../../log/receipt.ts";
import type { BrokerOptions } from "../base/options.ts";
import type { Transform } from "../base/transform.ts";
import { Broker } from "../broker.ts";

const utf8 = new TextDecoder();

/** A broker with a `transform`, and a client of 5.0 that is subscribed to everything. */
async function withTransform(
  transform: Transform,
  test: (client: RawClient, broker: Broker) => Promise<void>,
  options: BrokerOptions = {},
): Promise<void> {
  await using broker = new Broker({ ...options, transform });
  const { port } = await broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ level: 5, clientId: "c" }));
  await client.readFrame();
  await client.send(packets.subscribe({ "#": 0 }, { level: 5 }));
  await client.readFrame();
  await test(client, broker);
  client.close();
}

const publish = (topic: string, payload: string, fields: packets.PublishFields = {}) =>
  packets.publish(topic, payload, { level: 5, ...fields });

Deno.test("transform sees each message with its client, and undefined leaves it as it is", async () => {
  const seen: unknown[] = [];
  await withTransform(({ topic, payload, qos, retain }, { clientId }) => {
    seen.push([topic, utf8.decode(payload), qos, retain, clientId]);
    return undefined;
  }, async (client) => {
    // Several QoS 0 messages to one topic, which are otherwise published as a batch.
    await client.send(publish("t", "1"), publish("t", "2"), publish("t", "3", { retain: true }));
    await client.expect(publish("t", "1"), publish("t", "2"), publish("t", "3"));
    assertEquals(seen, [
      ["t", "1", 0, false, "c"],
      ["t", "2", 0, false, "c"],
      ["t", "3", 0, true, "c"],
    ]);
  });
});

Deno.test("transform changes topic, payload, RETAIN and properties", async () => {
  const properties = "03 00 01 78";
  await withTransform(({ topic }) => {
    switch (topic) {
      case "payload":
        return { payload: new TextEncoder().encode("changed") };
      case "topic":
        return { topic: "other", retain: true };
      default:
        return { properties: { contentType: "y" } };
    }
  }, async (client, broker) => {
    await client.send(publish("payload", "1", { properties }));
    await client.expect(publish("payload", "changed", { properties }));
    await client.send(publish("topic", "2"));
    await client.expect(publish("other", "2"));
    assertEquals(broker.stats.retainedMessages, 1);
    await client.send(publish("properties", "3", { properties }));
    await client.expect(publish("properties", "3", { properties: "03 00 01 79" }));
  });
});

Deno.test("a message that transform refuses is answered with the reason code, and goes nowhere", async () => {
  await withTransform(() => ({ reasonCode: 0x99 }), async (client, broker) => {
    await client.send(publish("t", "1", { qos: 1, packetId: 1 }));
    await client.expect("40 03 00 01 99");
    await client.send(publish("t", "1", { qos: 2, packetId: 2 }), packets.pingreq());
    await client.expect("50 03 00 02 99", "d0 00");
    assertEquals(broker.stats.dropped.transform, 2);
  });
});

Deno.test("a message for which transform gives null is acknowledged, and goes nowhere", async () => {
  await withTransform(() => null, async (client, broker) => {
    await client.send(publish("t", "1"), publish("t", "2", { qos: 1, packetId: 1 }));
    await client.expect("40 02 00 01");
    assertEquals(broker.stats.dropped.transform, 2);
  });
});

Deno.test("while transform waits, the messages of its client stay in order, and others are served", async () => {
  const asked = new Receipt();
  const decided = new Receipt();
  await withTransform(async ({ topic }) => {
    if (topic === "slow") {
      asked.close();
      await decided;
    }
    return undefined;
  }, async (client, broker) => {
    await client.send(publish("slow", "1"), publish("quick", "2"));
    await asked;
    broker.publish("program", "3");
    await client.expect(publish("program", "3"));
    decided.close();
    await client.expect(publish("slow", "1"), publish("quick", "2"));
  });
});

Deno.test("a transform that fails, or redirects to no topic, refuses the message with 0x80", async () => {
  const failures: string[] = [];
  const hooks = { failed: (error: unknown) => failures.push((error as Error).message) };
  await withTransform(({ topic }) => {
    if (topic === "throws") throw new Error("oh");
    if (topic === "rejects") return Promise.reject(new Error("no"));
    return { topic: "a/#" };
  }, async (client) => {
    for (const [index, topic] of ["throws", "rejects", "redirects"].entries()) {
      await client.send(publish(topic, "1", { qos: 1, packetId: index + 1 }));
      await client.expect(`40 03 00 0${index + 1} 80`);
    }
    assertEquals(failures.slice(0, 2), ["oh", "no"]);
    assertMatch(failures[2]!, /Cannot redirect a message to "a\/#"/);
  }, { hooks });
});

Deno.test("a transform that takes too long refuses the message with 0x80", async () => {
  const clock = new VirtualClock();
  const asked = new Receipt();
  const transform = () => {
    asked.close();
    return new Promise<undefined>(() => {});
  };
  await withTransform(transform, async (client) => {
    await client.send(publish("t", "1", { qos: 1, packetId: 1 }));
    await asked;
    await clock.advance(100);
    await client.expect("40 03 00 01 80");
  }, { clock, transformTimeoutMs: 100, hooks: { failed: () => {} } });
});
