/**
 * The limits that have nothing accepted for a while, with a listener.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { brokers } from "../harness/brokers.ts";
import { eventually } from "../harness/eventually.ts";
import { RawClient } from "../harness/raw_client.ts";
import * as packets from "../harness/packets.ts";
import { withHost } from "../resilience/_clients.ts";

Deno.test("handshakesMax are under way at once, and the next is accepted when one is over", async () => {
  await withHost({ limits: { handshakesMax: 3 } }, async (port, broker) => {
    const silent: RawClient[] = [];
    for (let i = 0; i < 3; i++) silent.push(await RawClient.dial(port));
    await eventually("three are accepted", () => broker.stats.connections === 3);
    await using waits = await RawClient.dial(port);
    await waits.send(packets.connect());
    await eventually("the limit is met", () => broker.stats.limited.handshakes === 1);
    assertEquals(broker.stats.connections, 3);
    // One that is let in makes room as one that goes does.
    await silent[0]!.send(packets.connect());
    await silent[0]!.readFrame();
    await waits.expect("20 02 00 00");
    assertEquals(broker.stats.connections, 4);
    for (const client of silent) client.close();
  });
});

Deno.test("a broker with handshakesMax under way closes at once", async () => {
  await using broker = brokers.make({ limits: { handshakesMax: 1 } });
  const { port } = await broker.listen({ port: 0 });
  await using _ = await RawClient.dial(port);
  await eventually("the limit is met", () => broker.stats.limited.handshakes === 1);
  await broker.close({ graceMs: 0 });
});

Deno.test("connectsPerSecondMax are accepted at once, and the rest when their time has come", async () => {
  await withHost({ limits: { connectsPerSecondMax: 20 } }, async (port, broker) => {
    const begin = performance.now();
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.dial(port)));
    for (const client of clients) await client.send(packets.connect());
    for (const client of clients) await client.expect("20 02 00 00");
    // Ten more than at once take half a second; the clock of the machine says how long it took.
    assert(performance.now() - begin > 450, `${performance.now() - begin} ms`);
    assert(broker.stats.limited["connect-rate"] > 0);
    for (const client of clients) client.close();
  });
});
