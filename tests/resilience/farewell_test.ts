/**
 * Clients that send everything at once, DISCONNECT included, as small devices do: they are answered
 * before the connection ends.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { brokers } from "../harness/brokers.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

Deno.test("what comes together with DISCONNECT is answered before the connection ends", async () => {
  await using broker = brokers.make();
  const { port } = await broker.listen({ port: 0 });
  const messages = broker.subscribe("t");
  await using client = await RawClient.dial(port);
  await client.send(
    packets.connect({ clientId: "hasty" }),
    packets.publish("t", "x", { qos: 1, packetId: 7 }),
    packets.disconnect(),
  );
  await client.expect("20 02 00 00");
  await client.expect("40 02 00 07");
  await client.expectClose();
  const { value } = await within("the message", messages.next());
  assertEquals(new TextDecoder().decode(value!.payload), "x");
});

Deno.test("what comes behind DISCONNECT is not served", async () => {
  await using broker = brokers.make();
  const { port } = await broker.listen({ port: 0 });
  await using client = await RawClient.dial(port);
  await client.send(packets.connect(), packets.disconnect(), packets.pingreq());
  await client.expect("20 02 00 00");
  await client.expectClose();
});
