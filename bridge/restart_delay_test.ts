import { assertEquals } from "@std/assert";
import { RestartDelay } from "./restart_delay.ts";

Deno.test("RestartDelay waits a constant time if both bounds are the same", () => {
  const delay = new RestartDelay({ baseSeconds: 20, capSeconds: 20, stableSeconds: 0 }, () => 0.7);
  assertEquals([delay.next(), delay.next()], [20_000, 20_000]);
});

Deno.test("RestartDelay grows by chance up to its cap, and begins anew after a connection", () => {
  const delay = new RestartDelay({ baseSeconds: 5, capSeconds: 30, stableSeconds: 0 }, () => 1);
  assertEquals([delay.next(), delay.next(), delay.next()], [15_000, 30_000, 30_000]);
  delay.reset(0);
  assertEquals(delay.next(), 15_000);
});

Deno.test("RestartDelay does not begin anew after a connection that was not stable", () => {
  const delay = new RestartDelay({ baseSeconds: 5, capSeconds: 30, stableSeconds: 60 }, () => 1);
  delay.next();
  delay.reset(59_999);
  assertEquals(delay.next(), 30_000);
  delay.reset(60_000);
  assertEquals(delay.next(), 15_000);
});

Deno.test("RestartDelay never waits less than the shortest time", () => {
  const delay = new RestartDelay({ baseSeconds: 5, capSeconds: 30, stableSeconds: 0 }, () => 0);
  assertEquals([delay.next(), delay.next()], [5000, 5000]);
});
