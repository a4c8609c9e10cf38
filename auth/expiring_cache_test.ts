import { assertEquals } from "@std/assert";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import { ExpiringCache } from "./expiring_cache.ts";

Deno.test("ExpiringCache forgets what has run out, and then the oldest", async () => {
  const clock = new VirtualClock();
  const cache = new ExpiringCache<number>(clock, 2);
  cache.set("a", 1, 10);
  cache.set("b", 2, 20);
  await clock.advance(9);
  assertEquals([cache.get("a"), cache.get("b")], [1, 2]);
  await clock.advance(1);
  assertEquals([cache.get("a"), cache.get("b"), cache.size], [undefined, 2, 1]);
  cache.set("c", 3, 10);
  // Set anew, it is the newest.
  cache.set("b", 4, 10);
  cache.set("d", 5, 10);
  assertEquals(["b", "c", "d"].map((key) => cache.get(key)), [4, undefined, 5]);
  cache.clear();
  assertEquals([cache.size, cache.get("b")], [0, undefined]);
});

Deno.test("ExpiringCache of nothing, or for no time, remembers nothing", () => {
  const clock = new VirtualClock();
  const none = new ExpiringCache<number>(clock, 0);
  none.set("a", 1, 10);
  const brief = new ExpiringCache<number>(clock, 1);
  brief.set("a", 1, 0);
  assertEquals([none.size, brief.size], [0, 0]);
});
