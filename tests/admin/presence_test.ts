/**
 * `$SYS/broker/clients/<id>/connected` and `…/disconnected`.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { PresenceTopics } from "../../admin/mod.ts";
import { Broker } from "../../mod.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

Deno.test("who comes and goes is published, not retained, with how it went", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, policy: { name: "lan" } });
  const presence = new PresenceTopics(broker);
  const messages = broker.subscribe("$SYS/broker/clients/#");
  const client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "a/+#%b", username: "ada", password: "" }));
  await client.readFrame();
  const { value: came } = await messages.next();
  assertEquals(came!.topic, "$SYS/broker/clients/a%2F%2B%23%25b/connected");
  const { time, address, ...who } = JSON.parse(new TextDecoder().decode(came!.payload));
  assertMatch(time, /^\d{4}-\d\d-\d\dT/);
  assertMatch(address, /^127\.0\.0\.1:\d+$/);
  assertEquals(who, {
    event: "connected",
    clientId: "a/+#%b",
    username: "ada",
    protocolVersion: 4,
    listener: "lan",
  });
  await client.send(packets.disconnect());
  await client.expectClose();
  client.close();
  const { value: went } = await messages.next();
  assertEquals(went!.topic, "$SYS/broker/clients/a%2F%2B%23%25b/disconnected");
  const { by, reasonCode } = JSON.parse(new TextDecoder().decode(went!.payload));
  assertEquals([by, reasonCode, broker.stats.retainedMessages], ["client", 0, 0]);
  presence.stop();
  await messages.return();
});

Deno.test("nothing is published after stop()", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  new PresenceTopics(broker).stop();
  const messages = broker.subscribe("#");
  const hidden = broker.subscribe("$SYS/#");
  await using client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId: "c" }), packets.publish("end", ""));
  assertEquals((await messages.next()).value!.topic, "end");
  broker.publish("$SYS/end", "");
  assertEquals((await hidden.next()).value!.topic, "$SYS/end");
  await messages.return();
  await hidden.return();
});

Deno.test("a client whose presence topic is too long is not announced, and others are", async () => {
  const errors: unknown[] = [];
  const limits = { topicBytesMax: 40 };
  await using broker = new Broker({ limits, hooks: { failed: (error) => errors.push(error) } });
  const { port } = await broker.listen({ port: 0 });
  const presence = new PresenceTopics(broker);
  const messages = broker.subscribe("$SYS/broker/clients/#");
  for (const clientId of ["a-long-client-identifier", "short"]) {
    const client = await RawClient.dial(port);
    await client.send(packets.connect({ clientId }), packets.disconnect());
    await client.readFrame();
    await client.expectClose();
    client.close();
  }
  assertEquals((await messages.next()).value!.topic, "$SYS/broker/clients/short/connected");
  presence.stop();
  await messages.return();
  assertEquals(errors, []);
});
