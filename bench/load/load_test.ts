import { assert, assertEquals } from "@std/assert";
import { CLEAN, traffic, withTarget } from "./_broker.ts";
import { flood } from "./flood.ts";
import { many } from "./many.ts";
import { ping } from "./ping.ts";
import { fanIn, fanOut, pairs } from "./plans.ts";

for (const protocol of [3, 4, 5] as const) {
  for (const qos of [0, 1, 2] as const) {
    Deno.test(`flood() delivers everything once, protocol ${protocol}, QoS ${qos}`, async () => {
      await withTarget(protocol, async (target) => {
        const plan = pairs(3);
        const result = await flood({ target, traffic: traffic(qos), plan, messages: 100 });
        assertEquals(result.faults, CLEAN);
        assertEquals([result.sent, result.delivered], [300, 300]);
      });
    });
  }

  Deno.test(`ping() times every round trip, protocol ${protocol}`, async () => {
    await withTarget(protocol, async (target) => {
      const options = { target, traffic: traffic(1), pairs: 2, messages: 20, wsubs: 1 };
      const { faults, roundTrips, delivered, times } = await ping(options);
      assertEquals(faults, CLEAN);
      assertEquals([roundTrips, delivered, times.length], [40, 160, 40]);
      assert(times.every((time) => time > 0));
    });
  });
}

Deno.test("flood() reaches exact and wildcard subscribers, with the publisher held back", async () => {
  await withTarget(4, async (target) => {
    const options = { target, traffic: traffic(0), plan: fanOut(3, 4), messages: 200, ahead: 10 };
    const { faults, delivered } = await flood(options);
    assertEquals(faults, CLEAN);
    assertEquals(delivered, 1400);
  });
});

Deno.test("flood() brings many publishers to one subscriber", async () => {
  await withTarget(5, async (target) => {
    const options = { target, traffic: traffic(1), plan: fanIn(5), messages: 50 };
    const { faults, delivered } = await flood(options);
    assertEquals(faults, CLEAN);
    assertEquals(delivered, 250);
  });
});

Deno.test("flood() carries messages larger than its buffers", async () => {
  await withTarget(5, async (target) => {
    const large = { qos: 1, size: 200_000, window: 2 } as const;
    const { faults } = await flood({ target, traffic: large, plan: pairs(1), messages: 5 });
    assertEquals(faults, CLEAN);
  });
});

Deno.test("many() holds its clients", async () => {
  await withTarget(4, async (target) => {
    const options = { target, traffic: traffic(0), conns: 20, pace: 0, hold: 0 };
    const { connected, held, faults } = await many(options);
    assertEquals([connected, held], [20, 20]);
    assertEquals(faults, CLEAN);
  });
});
