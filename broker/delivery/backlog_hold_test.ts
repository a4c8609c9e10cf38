import { assertEquals } from "@std/assert";
import { Backlog, messageLog } from "./backlog.ts";
import { message, textOf, variant } from "../testdata/messages.ts";

const FOLLOWS = { variant: variant(), onLeft() {}, onAttached() {} };

Deno.test("Backlog.park() parks once, however often it is asked", () => {
  const log = messageLog();
  const backlog = new Backlog();
  let woken = 0;
  const waiter = { wake: () => void woken++ };
  backlog.follow(log, FOLLOWS);
  for (let i = 0; i < 3; i++) backlog.park(waiter);
  log.append(message("t", "1"));
  assertEquals(woken, 1);
  backlog.park(waiter);
  backlog.park({ wake: () => void woken++ });
  log.append(message("t", "2"));
  assertEquals(woken, 3);
});

Deno.test("Backlog.park() at another log parks anew, at none does nothing", () => {
  const backlog = new Backlog();
  let woken = 0;
  const waiter = { wake: () => void woken++ };
  backlog.park(waiter);
  for (const log of [messageLog(), messageLog()]) {
    backlog.follow(log, FOLLOWS);
    backlog.park(waiter);
    log.append(message("t", "1"));
  }
  assertEquals(woken, 2);
});

Deno.test("Backlog.leave() keeps what waits of the log, across its segments, and no more", () => {
  const log = messageLog();
  const backlog = new Backlog();
  const other = new Backlog();
  backlog.follow(log, FOLLOWS);
  other.follow(log, FOLLOWS);
  for (let i = 0; i < 200; i++) log.append(message("t", `${i}`));
  backlog.leave(FOLLOWS);
  for (let i = 200; i < 400; i++) log.append(message("t", `${i}`));
  const texts = [...backlog.drain()].map(([message]) => textOf(message));
  assertEquals(texts, Array.from({ length: 200 }, (_, i) => `${i}`));
  assertEquals(other.messages, 400);
});
