import { assertEquals } from "@std/assert";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import { LinkWatch, SILENT_TIMES_MAX } from "./link_watch.ts";

const ALIVE_MS = 5000;

/** A watch over a channel that sends at once. */
function watched(clock: VirtualClock) {
  const found = { sent: 0, ended: 0, isHandling: false };
  const channel = {
    get isHandling() {
      return found.isHandling;
    },
    wake: () => {
      while (watch.next() !== null) found.sent++;
    },
  };
  const watch: LinkWatch = new LinkWatch(clock, ALIVE_MS, channel, () => found.ended++);
  return { watch, found };
}

Deno.test("LinkWatch says that this side is there, and ends a link on which nothing comes", async () => {
  const clock = new VirtualClock();
  const { found } = watched(clock);
  await clock.advance(ALIVE_MS * SILENT_TIMES_MAX - 1);
  assertEquals(found, { sent: SILENT_TIMES_MAX - 1, ended: 0, isHandling: false });
  await clock.advance(1);
  assertEquals(found.ended, 1);
  await clock.advance(ALIVE_MS * 10);
  assertEquals(found, { sent: SILENT_TIMES_MAX - 1, ended: 1, isHandling: false });
});

Deno.test("LinkWatch keeps a link on which anything comes, or on which this side does not read", async () => {
  const clock = new VirtualClock();
  const { watch, found } = watched(clock);
  for (let i = 0; i < 100; i++) {
    await clock.advance(ALIVE_MS * (SILENT_TIMES_MAX - 1));
    watch.onHeard();
  }
  found.isHandling = true;
  await clock.advance(ALIVE_MS * 100);
  assertEquals(found.ended, 0);
  watch.end();
  const { sent } = found;
  await clock.advance(ALIVE_MS * 100);
  assertEquals(found, { sent, ended: 0, isHandling: true });
});
