import { assertEquals, assertRejects } from "@std/assert";
import { isClean, Ledger, Tally } from "./ledger.ts";
import { CLEAN } from "./_broker.ts";

function enterAll(sequences: number[]): Ledger {
  const ledger = new Ledger();
  for (const sequence of sequences) ledger.enter(sequence);
  return ledger;
}

Deno.test("Ledger counts what comes in order", () => {
  const { distinct, duplicates, outOfOrder } = enterAll([0, 1, 2, 3]);
  assertEquals({ distinct, duplicates, outOfOrder }, { distinct: 4, duplicates: 0, outOfOrder: 0 });
});

Deno.test("Ledger tells the late from the repeated", () => {
  const { distinct, duplicates, outOfOrder } = enterAll([0, 3, 1, 1, 3, 4]);
  assertEquals({ distinct, duplicates, outOfOrder }, { distinct: 4, duplicates: 2, outOfOrder: 1 });
});

Deno.test("Tally is done when all that was expected has come", async () => {
  const tally = new Tally(2);
  tally.count();
  assertEquals(tally.faults(), { ...CLEAN, missed: 1 });
  tally.count();
  await tally.done;
  assertEquals(isClean(tally.faults()), true);
});

Deno.test("Tally wakes a publisher that waits, once", () => {
  const tally = new Tally(10);
  let wakes = 0;
  tally.wake = () => wakes++;
  tally.wakeAt = 2;
  for (let i = 0; i < 5; i++) tally.count();
  assertEquals(wakes, 1);
});

Deno.test("Tally fails with the connection", async () => {
  const tally = new Tally(1);
  tally.fail(new Error("Gone"));
  await assertRejects(() => tally.done, Error, "Gone");
});
