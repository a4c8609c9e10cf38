/**
 * Fairway as MQTT.js sees it, over MQTT 3.1.1 and 5.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { withBroker } from "../harness/broker_process.ts";
import { JsClient, type JsMessage } from "../harness/mqttjs_client.ts";

const VERSIONS = [4, 5] as const;
const QUALITIES = [0, 1, 2] as const;

/** A test with a broker of its own. */
function brokerTest(name: string, fn: (port: number) => Promise<void>): void {
  Deno.test(name, () => withBroker(({ port }) => fn(port)));
}

function payloads(messages: JsMessage[]): string[] {
  return messages.map(({ payload }) => payload);
}

for (const protocolVersion of VERSIONS) {
  const over = `MQTT.js over MQTT ${protocolVersion === 4 ? "3.1.1" : "5"}`;

  brokerTest(`${over} receives at the QoS it published and subscribed with`, async (port) => {
    await using client = await JsClient.connect(port, { protocolVersion });
    for (const qos of QUALITIES) {
      await client.mqtt.subscribeAsync(`level/${qos}`, { qos });
      await client.mqtt.publishAsync(`level/${qos}`, `at ${qos}`, { qos });
      const message = (await client.receive(qos + 1))[qos]!;
      assertEquals([message.payload, message.qos, message.retain], [`at ${qos}`, qos, false]);
    }
  });

  for (const qos of QUALITIES) {
    brokerTest(`${over} loses nothing of a burst of 1,000 at QoS ${qos}`, async (port) => {
      await using receiver = await JsClient.connect(port, { protocolVersion });
      await using sender = await JsClient.connect(port, { protocolVersion });
      await receiver.mqtt.subscribeAsync("burst", { qos });
      const numbers = Array.from({ length: 1_000 }, (_, number) => `${number}`);
      await Promise.all(
        numbers.map((number) => sender.mqtt.publishAsync("burst", number, { qos })),
      );
      assertEquals(payloads(await receiver.receive(1_000)), numbers);
    });
  }

  brokerTest(`${over} is greeted with the retained message`, async (port) => {
    await using client = await JsClient.connect(port, { protocolVersion });
    await client.mqtt.publishAsync("state", "on", { qos: 1, retain: true });
    await client.mqtt.subscribeAsync("state", { qos: 1 });
    await client.receive(1);
    await client.mqtt.publishAsync("state", "", { qos: 1, retain: true });
    const [greeting, clearing] = await client.receive(2);
    assertEquals([greeting?.payload, greeting?.retain], ["on", true]);
    assertEquals([clearing?.payload, clearing?.retain], ["", false]);
  });

  brokerTest(`${over} has its will published when its connection breaks`, async (port) => {
    await using watcher = await JsClient.connect(port, { protocolVersion });
    await watcher.mqtt.subscribeAsync("wills", { qos: 2 });
    const will = { topic: "wills", payload: new TextEncoder().encode("gone"), qos: 2 as const };
    await using polite = await JsClient.connect(port, { protocolVersion, will });
    await polite.mqtt.endAsync();
    await using mortal = await JsClient.connect(port, { protocolVersion, will });
    await mortal.drop();
    await watcher.receive(1);
    await watcher.mqtt.publishAsync("wills", "fence", { qos: 2 });
    assertEquals(payloads(await watcher.receive(2)), ["gone", "fence"]);
  });

  brokerTest(`${over} resumes its session with what came meanwhile`, async (port) => {
    const session = {
      protocolVersion,
      clientId: "keeper",
      clean: false,
      ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
    };
    await using before = await JsClient.connect(port, session);
    assertEquals((await before.connack).sessionPresent, false);
    await before.mqtt.subscribeAsync("away", { qos: 2 });
    await before.mqtt.endAsync();
    await using sender = await JsClient.connect(port, { protocolVersion });
    for (const qos of [1, 2] as const) await sender.mqtt.publishAsync("away", `${qos}`, { qos });
    await using after = await JsClient.connect(port, session);
    assertEquals((await after.connack).sessionPresent, true);
    const came = (await after.receive(2)).map(({ payload, qos }) => `${payload} at QoS ${qos}`);
    assertEquals(came.sort(), ["1 at QoS 1", "2 at QoS 2"]);
  });

  brokerTest(`${over} may unsubscribe`, async (port) => {
    await using client = await JsClient.connect(port, { protocolVersion });
    await client.mqtt.subscribeAsync(["kept", "left"], { qos: 1 });
    await client.mqtt.unsubscribeAsync("left");
    await client.mqtt.publishAsync("left", "unheard", { qos: 1 });
    await client.mqtt.publishAsync("kept", "heard", { qos: 1 });
    assertEquals(payloads(await client.receive(1)), ["heard"]);
  });
}

/** A test over MQTT 5 with one client to begin with. */
function modernTest(name: string, fn: (client: JsClient, port: number) => Promise<void>): void {
  brokerTest(name, async (port) => {
    await using client = await JsClient.connect(port, { protocolVersion: 5 });
    await fn(client, port);
  });
}

modernTest("MQTT.js receives the properties of a message unchanged", async (client) => {
  await client.mqtt.subscribeAsync("told", { qos: 1 });
  const properties = {
    payloadFormatIndicator: true,
    contentType: "text/plain",
    responseTopic: "answers/here",
    correlationData: new TextEncoder().encode("42"),
    userProperties: { ship: "Fairway", port: ["Deno", "Node"] },
  };
  await client.mqtt.publishAsync("told", "x", { qos: 1, properties: properties });
  const received = (await client.receive(1))[0]?.properties ?? {};
  const { correlationData, userProperties, ...others } = received;
  assertEquals(others, {
    payloadFormatIndicator: true,
    contentType: "text/plain",
    responseTopic: "answers/here",
  });
  assertEquals(`${correlationData}`, "42");
  assertEquals({ ...userProperties as object }, { ship: "Fairway", port: ["Deno", "Node"] });
});

modernTest("MQTT.js is answered on the response topic of its request", async (client, port) => {
  await using server = await JsClient.connect(port, { protocolVersion: 5 });
  await server.mqtt.subscribeAsync("questions");
  await client.mqtt.subscribeAsync("answers/1");
  const request = { properties: { responseTopic: "answers/1" } };
  await client.mqtt.publishAsync("questions", "how many?", request);
  const [question] = await server.receive(1);
  await server.mqtt.publishAsync(`${question?.properties?.responseTopic}`, "three");
  assertEquals(payloads(await client.receive(1)), ["three"]);
});

modernTest("MQTT.js learns which of its subscriptions a message is for", async (client) => {
  await client.mqtt.subscribeAsync("a/#", { qos: 1, properties: { subscriptionIdentifier: 1 } });
  await client.mqtt.subscribeAsync("b/#", { qos: 1, properties: { subscriptionIdentifier: 268 } });
  await client.mqtt.publishAsync("a/x", "a", { qos: 1 });
  await client.mqtt.publishAsync("b/x", "b", { qos: 1 });
  const messages = await client.receive(2);
  const identifiers = messages.map((message) => message.properties?.subscriptionIdentifier);
  assertEquals(identifiers.flat().sort(), [1, 268]);
});

brokerTest("MQTT.js may use topic aliases in both directions", async (port) => {
  await using sender = await JsClient.connect(port, {
    protocolVersion: 5,
    autoAssignTopicAlias: true,
  });
  assert(Number((await sender.connack).properties?.topicAliasMaximum) > 0);
  await using receiver = await JsClient.connect(port, {
    protocolVersion: 5,
    properties: { topicAliasMaximum: 2 },
  });
  await receiver.mqtt.subscribeAsync("a/long/topic/#");
  const topics = ["1", "2", "1", "2", "3", "1"].map((level) => `a/long/topic/${level}`);
  for (const topic of topics) await sender.mqtt.publishAsync(topic, topic);
  const messages = await receiver.receive(topics.length);
  assertEquals(messages.map(({ topic }) => topic).sort(), topics.toSorted());
  assertEquals(payloads(messages), messages.map(({ topic }) => topic));
});

modernTest("MQTT.js does not hear itself where it asked not to", async (client, port) => {
  await using other = await JsClient.connect(port, { protocolVersion: 5 });
  await client.mqtt.subscribeAsync("chat", { qos: 1, nl: true });
  await client.mqtt.publishAsync("chat", "mine", { qos: 1 });
  await other.mqtt.publishAsync("chat", "theirs", { qos: 1 });
  assertEquals(payloads(await client.receive(1)), ["theirs"]);
});

modernTest("MQTT.js chooses whether retained messages greet it", async (client) => {
  await client.mqtt.publishAsync("state", "on", { qos: 1, retain: true });
  await client.mqtt.subscribeAsync("state", { qos: 1, rh: 2 });
  await client.mqtt.publishAsync("state", "live 1", { qos: 1 });
  await client.mqtt.subscribeAsync("state", { qos: 1, rh: 1 });
  await client.mqtt.publishAsync("state", "live 2", { qos: 1 });
  await client.receive(2);
  await client.mqtt.subscribeAsync("state", { qos: 1, rh: 0 });
  assertEquals(payloads(await client.receive(3)), ["live 1", "live 2", "on"]);
});

modernTest("MQTT.js shares a subscription among clients", async (first, port) => {
  await using second = await JsClient.connect(port, { protocolVersion: 5 });
  for (const member of [first, second]) {
    await member.mqtt.subscribeAsync("$share/crew/work", { qos: 1 });
    await member.mqtt.subscribeAsync("end", { qos: 1 });
  }
  for (let job = 0; job < 10; job++) await first.mqtt.publishAsync("work", `${job}`, { qos: 1 });
  await first.mqtt.publishAsync("end", "end", { qos: 1 });
  // Of several workers, the members on the worker of the publisher get all: `first` is one of them.
  // How many each of the two gets then depends on where `second` lives.
  if (Deno.env.get("FAIRWAY_TEST_WORKERS") !== undefined) {
    const own = payloads(await first.receive(4));
    assertEquals(own, [...new Set(own)]);
    return;
  }
  const half = 10 / 2 + 1;
  const all = (await Promise.all([first, second].map((member) => member.receive(half)))).flat();
  const jobs = payloads(all).filter((payload) => payload !== "end").sort();
  assertEquals(jobs, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
});
