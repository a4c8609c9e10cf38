/**
 * What the broker counts, as clients cause it, and who may publish below `$SYS`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker, SysTopics } from "../../mod.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const CONNACK = "20 02 00 00";

Deno.test("the broker counts packets, messages, clients and subscriptions, each way", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  {
    await using one = await RawClient.dial(port);
    await using two = await RawClient.dial(port);
    await one.send(packets.connect({ clientId: "one" }));
    await one.expect(CONNACK);
    await two.send(packets.connect({ clientId: "two" }));
    await two.expect(CONNACK);
    // SUBSCRIBE to a/# with QoS 0, and to $share/g/b.
    await one.send("82 08 00 01 00 03 61 2f 23 00");
    await one.expect("90 03 00 01 00");
    await one.send("82 0f 00 02 00 0a 24 73 68 61 72 65 2f 67 2f 62 00");
    await one.expect("90 03 00 02 00");
    assertEquals([broker.stats.subscriptions, broker.stats.sharedSubscriptions], [2, 1]);
    // Three times a/b, in one run.
    await two.send("30 06 00 03 61 2f 62 31 ".repeat(3));
    await one.expect("30 06 00 03 61 2f 62 31 30 06 00 03 61 2f 62 31 30 06 00 03 61 2f 62 31");
    const { stats } = broker;
    assertEquals(
      [stats.messagesReceived, stats.messagesSent, stats.clients, stats.clientsMost],
      [3, 3, 2, 2],
    );
    // CONNECT, CONNECT, SUBSCRIBE, SUBSCRIBE; and the answer to each.
    assertEquals([stats.controlPacketsReceived, stats.controlPacketsSent], [4, 4]);
    assertEquals(stats.connectionsAccepted, 2);
    await one.send(packets.disconnect());
    await one.expectClose();
    await two.send(packets.disconnect());
    await two.expectClose();
  }
  assertEquals([broker.stats.clients, broker.stats.clientsMost], [0, 2]);
  assertEquals([broker.stats.subscriptions, broker.stats.sharedSubscriptions], [0, 0]);
});

Deno.test("payload bytes are counted, whatever the size of the packet", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "c" }));
  await client.expect(CONNACK);
  let sum = 0;
  for (const size of [0, 1, 124, 125, 16_380, 16_381, 70_000]) {
    await client.send(packets.publish("a", new Uint8Array(size)));
    sum += size;
  }
  // QoS 1 is not one of a run.
  await client.send("32 06 00 01 61 00 01 78");
  await client.expect("40 02 00 01");
  assertEquals(broker.stats.payloadBytesReceived, sum + 1);
});

Deno.test("messages/stored counts what waits for sessions, and what is retained", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  const client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "away", clean: false }));
  await client.expect(CONNACK);
  await client.send("82 06 00 01 00 01 61 01");
  await client.expect("90 03 00 01 01");
  await client.send(packets.disconnect());
  await client.expectClose();
  client.close();
  broker.publish("a", "waits", { qos: 1 });
  broker.publish("a", "waits", { qos: 1 });
  const state = new SysTopics(broker, { version: "test" });
  for await (const { payload } of broker.subscribe("$SYS/broker/messages/stored")) {
    // The topics of the state itself are retained, all but this one by the time it is told.
    if (Number(new TextDecoder().decode(payload)) >= broker.stats.retainedMessages + 1) break;
  }
  state.stop();
});

Deno.test("what a client publishes below $SYS reaches nobody, and 5.0 is told so", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ level: 5, clientId: "five" }));
  assertEquals((await client.readFrame())[0], 0x20);
  const received = broker.subscribe("$SYS/x");
  // QoS 0, then QoS 1 with packet identifier 7, to $SYS/x.
  await client.send("30 0a 00 06 24 53 59 53 2f 78 00 31");
  await client.send("32 0c 00 06 24 53 59 53 2f 78 00 07 00 31");
  // PUBACK, Not authorized.
  await client.expect("40 03 00 07 87");
  assertEquals(broker.stats.dropped["not-authorized"], 2);
  broker.publish("$SYS/x", "own");
  const { value } = await received.next();
  assertEquals(new TextDecoder().decode(value!.payload), "own");
});

Deno.test("a client whose will is below $SYS is not let in", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  // CONNECT of 3.1.1 with a will to $SYS/x.
  await client.send(
    "10 18 00 04 4d 51 54 54 04 06 00 3c 00 01 61 00 06 24 53 59 53 2f 78 00 01 31",
  );
  await client.expect("20 02 00 05");
  await client.expectClose();
});
