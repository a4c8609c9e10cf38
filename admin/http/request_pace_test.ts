import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { PACE_WAIT_MS, RequestPace } from "./request_pace.ts";

const [REQUESTS_PER_SECOND, REQUESTS_BURST] = [100, 50];
const LIMITS = { perSecond: REQUESTS_PER_SECOND, burst: REQUESTS_BURST };

Deno.test("RequestPace lets a burst through, and spreads what comes beyond it over time", async () => {
  const clock = new VirtualClock();
  const pace = new RequestPace(clock, LIMITS);
  const answered: number[] = [];
  const ask = (i: number) => {
    const turn = pace.take();
    if (turn === null) answered.push(i);
    else if (turn !== false) turn.then(() => answered.push(i));
  };
  const all = REQUESTS_BURST + REQUESTS_PER_SECOND;
  for (let i = 0; i < all; i++) ask(i);
  assertEquals(answered.length, REQUESTS_BURST);
  await clock.advance(500);
  assertEquals(answered.length, REQUESTS_BURST + REQUESTS_PER_SECOND / 2);
  await clock.advance(500);
  assertEquals(answered, [...Array(all).keys()]);
  assertEquals(pace.delayed, REQUESTS_PER_SECOND);
  await clock.advance(10_000);
  answered.length = 0;
  for (let i = 0; i < all; i++) ask(i);
  assertEquals(answered.length, REQUESTS_BURST, "rest makes a burst, and no more");
  pace.close();
});

Deno.test("RequestPace refuses what would wait too long, and lets go of all at its end", async () => {
  const pace = new RequestPace(new VirtualClock(), LIMITS);
  let waiting = 0;
  const turns: Promise<void>[] = [];
  for (;;) {
    const turn = pace.take();
    if (turn === false) break;
    if (turn === null) continue;
    waiting++;
    turns.push(turn);
  }
  assertEquals(waiting, PACE_WAIT_MS / 1000 * REQUESTS_PER_SECOND);
  pace.close();
  await Promise.all(turns);
});
