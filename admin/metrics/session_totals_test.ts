import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import * as packets from "../../tests/harness/packets.ts";
import { RawClient } from "../../tests/harness/raw_client.ts";
import { TimeSlices } from "../time_slices.ts";
import { SessionTotals } from "./session_totals.ts";

Deno.test("SessionTotals counts each session once, and what waits for all of them", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0, policy: { name: "lan" } });
  const totals = new SessionTotals(broker.inspection, new TimeSlices(broker.inspection));
  for (const clientId of ["away-1", "away-2"]) {
    await using client = await RawClient.dial(port);
    await client.send(packets.connect({ clientId, clean: false }));
    await client.readFrame();
    await client.send(packets.subscribe({ t: 1 }));
    await client.readFrame();
    await client.send(packets.disconnect());
    await client.expectClose();
  }
  await using here = await RawClient.dial(port);
  await here.send(packets.connect({ clientId: "here" }));
  await here.readFrame();
  broker.publish("t", "12", { qos: 1 });
  const [counted, same] = await Promise.all([totals.take(), totals.take()]);
  assertEquals(
    [counted.connected, counted.offline, counted.backlogMessages, counted.backlogMessagesMost],
    [1, 2, 2, 1],
  );
  assertEquals([...counted.byListener], [["lan", 1]]);
  // What is asked meanwhile waits for the same count, and what is asked soon gets it again.
  assertEquals(same === counted && await totals.take() === counted, true);
});
