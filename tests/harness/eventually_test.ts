import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "./eventually.ts";

Deno.test("eventually() looks until the condition holds", async () => {
  let looks = 0;
  await eventually("three looks", () => ++looks === 3);
  await eventually("a promise", () => Promise.resolve(++looks === 5));
  assertEquals(looks, 5);
});

Deno.test("eventually() says what has not happened", async () => {
  const never = eventually("the end of the world", () => false, 5);
  await assertRejects(() => never, Error, "Within 5 ms this did not happen: the end of the world");
});
