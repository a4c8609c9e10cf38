/**
 * Refusing publishers: who is full is found out for every message, whatever
 * filled the backlog, and nobody is refused on account of who needs no backlog.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Broker, BrokerLimits } from "../../mod.ts";
import * as packets from "../harness/packets.ts";
import type { RawClient } from "../harness/raw_client.ts";
import { join, joinSubscribed, withHost } from "./_clients.ts";

const EXPIRY_1_HOUR = "11 00000e10";

/** Subscribes sessions and has them go; they stay for an hour. */
async function leave(
  port: number,
  count: number,
  filtersOf: (session: number) => Record<string, number>,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const fields = { level: 5, clientId: `away${i}`, properties: EXPIRY_1_HOUR } as const;
    const client = await joinSubscribed(port, filtersOf(i), fields);
    await client.send(packets.disconnect());
    await client.expectClose();
  }
}

/** Publishes with QoS 1 and returns the reason code of PUBACK. */
async function publish(client: RawClient, topic: string, payload = ""): Promise<number> {
  await client.send(packets.publish(topic, payload, { level: 5, qos: 1, packetId: 7 }));
  const answer = await client.readFrame();
  assertEquals([...answer.subarray(2, 4)], [0, 7]);
  return answer[4] ?? 0;
}

function refusalTest(
  name: string,
  limits: Partial<BrokerLimits>,
  fn: (publisher: RawClient, port: number, broker: Broker) => Promise<void>,
): void {
  Deno.test(`refuse-publisher: ${name}`, async () => {
    await withHost(
      { overflow: "refuse-publisher", limits: { stallMs: 10, ...limits } },
      async (port, broker) => {
        await using publisher = await join(port, { level: 5 });
        await fn(publisher, port, broker);
        // Whoever was told that a message is accepted was told the truth.
        assertEquals(broker.stats.dropped["backlog"], 0);
        assertEquals(broker.stats.dropped["session-ended"], 0);
      },
    );
  });
}

for (const sessions of [2, 10]) {
  refusalTest(
    `one of ${sessions} was filled by another topic`,
    { backlogMessagesMax: 5 },
    async (publisher, port) => {
      await leave(port, sessions, (i) => i === 0 ? { "all": 1, "own": 1 } : { "all": 1 });
      // They take turns, so that the session goes from one log to the other.
      assertEquals(await publish(publisher, "all"), 0);
      assertEquals(await publish(publisher, "own"), 0);
      assertEquals(await publish(publisher, "all"), 0);
      assertEquals(await publish(publisher, "own"), 0);
      assertEquals(await publish(publisher, "own"), 0);
      for (let i = 0; i < 5; i++) assertEquals(await publish(publisher, "all"), 0x97);
      assertEquals(await publish(publisher, "own"), 0x97);
    },
  );

  refusalTest(
    `${sessions} are full, but take this topic with QoS 0`,
    { backlogMessagesMax: 2 },
    async (publisher, port) => {
      await leave(port, sessions, () => ({ "sure": 1, "loose": 0 }));
      assertEquals(await publish(publisher, "sure"), 0);
      assertEquals(await publish(publisher, "sure"), 0);
      assertEquals(await publish(publisher, "sure"), 0x97);
      for (let i = 0; i < 5; i++) assertEquals(await publish(publisher, "loose"), 0);
    },
  );

  refusalTest(
    `${sessions} have no room for the bytes, but for fewer`,
    { backlogBytesMax: 4200 },
    async (publisher, port) => {
      await leave(port, sessions, () => ({ "all": 1 }));
      const large = "x".repeat(1500);
      assertEquals(await publish(publisher, "all", large), 0);
      assertEquals(await publish(publisher, "all", large), 0);
      assertEquals(await publish(publisher, "all", large), 0x97);
      assertEquals(await publish(publisher, "all", "small"), 0);
      assertEquals(await publish(publisher, "all", large), 0x97);
    },
  );

  refusalTest(
    `one of ${sessions} joins when it is full already`,
    { backlogMessagesMax: 3 },
    async (publisher, port) => {
      await leave(port, sessions, () => ({ "all": 1 }));
      await using late = await joinSubscribed(port, { "own": 1 }, {
        level: 5,
        clientId: "late",
        properties: `${EXPIRY_1_HOUR} 21 0001`,
      });
      for (let i = 0; i < 4; i++) assertEquals(await publish(publisher, "own"), 0);
      await late.readFrame();
      assertEquals(await publish(publisher, "all"), 0);
      await late.send(packets.subscribe({ "all": 1 }, { level: 5 }));
      assertEquals((await late.readFrame())[0], 0x90);
      assertEquals(await publish(publisher, "all"), 0x97);
      await late.send(packets.unsubscribe(["all"], { level: 5 }));
      assertEquals((await late.readFrame())[0], 0xb0);
      assertEquals(await publish(publisher, "all"), 0);
    },
  );
}
