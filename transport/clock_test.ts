import { assertEquals } from "@std/assert";
import { type Clock, soon, systemClock } from "./clock.ts";

Deno.test("soon() calls back after every promise that can settle", async () => {
  const order: string[] = [];
  const called = new Promise<void>((resolve) =>
    soon(systemClock, () => {
      order.push("soon");
      resolve();
    })
  );
  for (let i = 0; i < 3; i++) await Promise.resolve();
  order.push("promises");
  await called;
  assertEquals(order, ["promises", "soon"]);
});

Deno.test("soon() asks a clock that knows no other way for an appointment at once", () => {
  const appointments: number[] = [];
  const clock: Clock = {
    now: () => 42,
    schedule(atMs) {
      appointments.push(atMs);
      return () => {};
    },
  };
  soon(clock, () => {});
  assertEquals(appointments, [42]);
});
