import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { GroupNumbers } from "./group_numbers.ts";

const never = () => false;

Deno.test("GroupNumbers gives each group a number of its own, the same after a restart", () => {
  const numbers = new GroupNumbers();
  const again = new GroupNumbers();
  const filters = Array.from({ length: 10_000 }, (_, i) => `$share/${i}/t/#`);
  const given = filters.map((filter) => numbers.of(filter, never));
  assertEquals(new Set(given).size, filters.length);
  assert(given.every((number) => number >= 1 && number <= 268_435_455));
  for (const [i, filter] of filters.entries()) {
    assertEquals(numbers.filterOf(given[i]!), filter);
    assertEquals(numbers.of(filter, never), given[i]);
  }
  const last = filters.at(-1)!;
  assertEquals(again.of(last, never), given.at(-1));
  assertEquals(again.filterOf(given[0]!), null);
});

Deno.test("GroupNumbers forgets groups without members, and no others", () => {
  const numbers = new GroupNumbers();
  const used = numbers.of("$share/used/t", never);
  const unused = numbers.of("$share/unused/t", never);
  for (let i = 0; numbers.size < 65_536; i++) numbers.of(`$share/${i}/t`, never);
  numbers.of("$share/more/t", (shared) => shared === "$share/used/t");
  assertEquals(numbers.filterOf(used), "$share/used/t");
  assertEquals(numbers.filterOf(unused), null);
  assertEquals(numbers.size, 65_536);
  assertNotEquals(numbers.filterOf(numbers.of("$share/more/t", never)), null);
});
