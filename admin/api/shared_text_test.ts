import { assertEquals, assertRejects } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { SharedText } from "./shared_text.ts";

Deno.test("SharedText is made once a second at most, for all who ask", async () => {
  const clock = new VirtualClock();
  let made = 0;
  const shared = new SharedText(clock, () => Promise.resolve(`${++made}`));
  const both = await Promise.all([shared.get(), shared.get()]);
  await clock.advance(999);
  assertEquals([...both, await shared.get()], ["1", "1", "1"]);
  await clock.advance(1);
  assertEquals([await shared.get(), made], ["2", 2]);
});

Deno.test("SharedText that failed is made again for the next who asks", async () => {
  let made = 0;
  const shared = new SharedText(new VirtualClock(), async () => {
    if (++made === 1) throw new Error("no");
    return await Promise.resolve("yes");
  });
  await assertRejects(() => shared.get(), Error, "no");
  assertEquals(await shared.get(), "yes");
});
