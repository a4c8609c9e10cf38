import { assertEquals, assertRejects } from "@std/assert";
import { CLEAN, traffic, withTarget } from "./_broker.ts";
import { churn } from "./churn.ts";
import { flood } from "./flood.ts";
import { pairs } from "./plans.ts";
import { retained } from "./retained.ts";
import { filterFor, topics } from "./topics.ts";

Deno.test("topics() reaches one subscriber with each message", async () => {
  await withTarget(4, async (target) => {
    const options = { target, traffic: traffic(0), filters: 1500, kind: "mix" as const };
    const { faults, delivered } = await topics({ ...options, messages: 2500 });
    assertEquals(faults, CLEAN);
    assertEquals(delivered, 2500);
  });
});

Deno.test("filterFor() has a third of each kind in a mix", () => {
  const filters = [0, 1, 2].map((number) => filterFor("t", number, "mix"));
  assertEquals(filters, ["t/x/0000000", "t/+/0000001", "t/x/0000002/#"]);
});

Deno.test("retained() brings every retained message to every subscriber", async () => {
  await withTarget(5, async (target) => {
    const options = { target, traffic: traffic(0), messages: 300, subscribers: 3 };
    const { faults, delivered } = await retained(options);
    assertEquals(faults, CLEAN);
    assertEquals(delivered, 900);
  });
});

Deno.test("churn() comes and goes", async () => {
  await withTarget(5, async (target) => {
    const { cycles } = await churn({ target, slots: 3, cycles: 10 });
    assertEquals(cycles, 10);
  });
});

Deno.test("flood() fails where no broker is", async () => {
  let closed!: Parameters<Parameters<typeof withTarget>[1]>[0];
  await withTarget(4, (target) => {
    closed = target;
    return Promise.resolve();
  });
  const options = { target: closed, traffic: traffic(0), plan: pairs(1), messages: 1 };
  await assertRejects(() => flood(options), Deno.errors.ConnectionRefused);
});
