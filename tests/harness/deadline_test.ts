import { assert, assertEquals, assertRejects } from "@std/assert";
import { Patience, within } from "./deadline.ts";

Deno.test("within() passes on what comes in time", async () => {
  assertEquals(await within("a value", Promise.resolve(7)), 7);
  await assertRejects(() => within("an error", Promise.reject(new TypeError("bad"))), TypeError);
});

Deno.test("within() says what has not happened", async () => {
  const never = within("the end of the world", new Promise(() => {}), 5);
  await assertRejects(() => never, Error, "Within 5 ms this did not happen: the end of the world");
  const told = within(() => "two of three", new Promise(() => {}), 5);
  await assertRejects(() => told, Error, "did not happen: two of three");
});

Deno.test("Patience does not count the time in which the process was stopped", async () => {
  // As a process that gets SIGSTOP, and SIGCONT later: nothing runs for a while.
  const patience = new Patience(500);
  const untilMs = performance.now() + 1200;
  while (performance.now() < untilMs);
  assertEquals(patience.isOver(), false);
  let looks = 0;
  for (; !patience.isOver(); looks++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert(looks > 2, `${looks} looks`);
});
