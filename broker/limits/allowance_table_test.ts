import { assert, assertEquals } from "@std/assert";
import type { BrokerLimits } from "../base/limits.ts";
import { setLimits, testContext } from "../testdata/test_context.ts";
import { AllowanceTable } from "./allowance_table.ts";

/** Which limits the table has; here those of failed logins. */
const NAMES = {
  max: "loginFailuresMax",
  forgetMs: "loginForgetMs",
  namesMax: "addressesMax",
  delayMs: "loginDelayMs",
} as const;

function world(limits: Partial<BrokerLimits> = {}) {
  const { clock, context } = testContext({
    ...{ loginFailuresMax: 2, loginForgetMs: 1000, loginDelayMs: 500 },
    ...limits,
  });
  const table = new AllowanceTable(context, NAMES);
  /** Whether it is within the limit that a name does it once more. */
  const take = (name: string) => table.take(table.get(name)!);
  return { clock, context, table, take };
}

Deno.test("AllowanceTable allows so many times, for each name", () => {
  const { take } = world();
  assertEquals([take("a"), take("a"), take("a"), take("b")], [true, true, false, true]);
});

Deno.test("AllowanceTable forgets one time after another", async () => {
  const { clock, take } = world();
  take("a");
  take("a");
  await clock.advance(999);
  assertEquals(take("a"), false);
  await clock.advance(1);
  assertEquals([take("a"), take("a")], [true, false]);
  await clock.advance(60_000);
  assertEquals([take("a"), take("a"), take("a")], [true, true, false]);
});

Deno.test("AllowanceTable has no record without a limit", () => {
  const { table } = world({ loginFailuresMax: 0 });
  assertEquals([table.isLimited, table.get("a"), table.peek("a"), table.bytes], [
    false,
    undefined,
    undefined,
    0,
  ]);
});

Deno.test("AllowanceTable.peek() makes no record", () => {
  const { table } = world();
  assertEquals([table.peek("a"), table.bytes], [undefined, 0]);
  const record = table.get("a");
  assert(table.peek("a") === record && table.bytes > 0);
});

Deno.test("AllowanceTable delays by its limit, and counts the delays of a record", async () => {
  const { clock, table } = world();
  const record = table.get("a")!;
  const first = table.delay(record);
  await clock.advance(300);
  const second = table.delay(record);
  assertEquals([record.delayed, first.isClosed], [2, false]);
  await clock.advance(200);
  assertEquals([record.delayed, first.isClosed, second.isClosed], [1, true, false]);
  await clock.advance(300);
  assertEquals([record.delayed, second.isClosed], [0, true]);
});

Deno.test("AllowanceTable forgets the names that were used longest ago beyond its limits", () => {
  const { table, take } = world({ addressesMax: 2 });
  for (const name of ["a", "a", "b", "a", "c"]) take(name);
  assertEquals(["a", "b", "c"].map((name) => table.peek(name) !== undefined), [true, false, true]);
  const one = table.bytes / 2;
  table.limitBytes(one);
  assertEquals(["a", "b", "c"].map((name) => table.peek(name) !== undefined), [false, false, true]);
});

Deno.test("AllowanceTable starts again with changed limits, and only then", () => {
  const { table, take, context } = world();
  table.limitBytes(0);
  table.limitBytes(Infinity);
  take("a");
  take("a");
  setLimits(context, { loginDelayMs: 7, connectionsMax: 9 });
  table.applyLimits();
  assertEquals(take("a"), false);
  setLimits(context, { loginFailuresMax: 1 });
  table.applyLimits();
  assertEquals([take("a"), take("a")], [true, false]);
  setLimits(context, { loginFailuresMax: 0 });
  table.applyLimits();
  assertEquals(table.isLimited, false);
});

Deno.test("AllowanceTable keeps its limit of bytes when other limits change", () => {
  const { table, take, context } = world();
  take("a");
  const one = table.bytes;
  // Two generations, with half of the memory each.
  table.limitBytes(2 * one);
  setLimits(context, { loginFailuresMax: 9 });
  table.applyLimits();
  for (const name of ["a", "b", "c"]) take(name);
  assertEquals([table.bytes, table.peek("a")], [2 * one, undefined]);
});
