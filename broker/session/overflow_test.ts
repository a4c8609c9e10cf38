import { assertEquals } from "@std/assert";
import type { Receipt } from "../../log/receipt.ts";
import type { OverflowPolicy } from "../base/limits.ts";
import { message } from "../testdata/messages.ts";
import { testContext } from "../testdata/test_context.ts";
import { Overflow, type OverflowOwner } from "./overflow.ts";
import type { SessionHost } from "./session_host.ts";

/** A session whose queue holds as many messages as the test says. */
function world(overflow: OverflowPolicy) {
  const { context, clock } = testContext({
    backlogMessagesMax: 4,
    backlogBytesMax: 1_000_000,
    highWaterBytes: 1_000_000,
  });
  context.settings.overflow = overflow;
  const ended: string[] = [];
  const rooms: Receipt[] = [];
  const queue = {
    messages: 0,
    bytes: 0,
    hasLeft: false,
    trim(messagesMax: number): number {
      const dropped = Math.max(0, queue.messages - messagesMax);
      queue.messages -= dropped;
      return dropped;
    },
    leave(): void {
      queue.hasLeft = true;
    },
  };
  const owner = { clientId: "client", queue, waiting: queue, link: {} as object | null };
  const host = {
    context,
    publisher: { needRoom: (room: Receipt) => rooms.push(room) },
    endSessionLater: (clientId: string) => ended.push(clientId),
  };
  const policy = new Overflow(
    host as unknown as SessionHost,
    owner as unknown as OverflowOwner,
  );
  return { policy, queue, owner, context, clock, ended, rooms };
}

Deno.test("Overflow admits messages up to the limits of the backlog", () => {
  const { policy, queue } = world("drop-newest");
  for (; queue.messages < 4; queue.messages++) {
    assertEquals(policy.admits(message("t", "x")), true);
  }
  assertEquals(policy.admits(message("t", "x")), false);
});

Deno.test('Overflow "end-session" ends the session once, and admits nothing afterwards', () => {
  const { policy, queue, context, ended } = world("end-session");
  queue.messages = 4;
  assertEquals(policy.admits(message("t", "x")), false);
  queue.messages = 0;
  assertEquals(policy.admits(message("t", "x")), false);
  assertEquals([ended, policy.isEnding], [["client"], true]);
  assertEquals(context.stats.dropped["session-ended"], 2);
});

Deno.test('Overflow "drop-oldest" admits the message and drops the oldest, counted', () => {
  const { policy, queue, context } = world("drop-oldest");
  queue.messages = 4;
  assertEquals(policy.admits(message("t", "x")), true);
  queue.messages = 6;
  policy.onQueued();
  assertEquals([queue.messages, context.stats.dropped.backlog], [4, 2]);
});

Deno.test('Overflow "drop-newest" drops the message, or stops following a shared log', () => {
  const { policy, queue, context } = world("drop-newest");
  queue.messages = 4;
  assertEquals(policy.admits(message("t", "x")), false);
  assertEquals(context.stats.dropped.backlog, 1);
  assertEquals([policy.check(), queue.hasLeft], [null, true]);
});

Deno.test("Overflow.check() returns the room of the backlog", () => {
  const { policy, queue, owner } = world("end-session");
  queue.messages = 1;
  queue.bytes = 1_000;
  assertEquals(policy.check(), { messages: 3, bytes: 999_000, isAway: false });
  owner.link = null;
  assertEquals(policy.check()?.isAway, true);
});

Deno.test("Overflow.slowDown() makes publishers wait above half of the backlog, while connected", async () => {
  const { policy, queue, owner, rooms } = world("end-session");
  queue.messages = 2;
  policy.slowDown();
  assertEquals(rooms.length, 0);
  queue.messages = 3;
  owner.link = null;
  policy.slowDown();
  assertEquals(rooms.length, 0);
  owner.link = {};
  policy.slowDown();
  assertEquals(rooms.length, 1);
  // A quarter of the limit ends the wait.
  queue.messages = 2;
  policy.clearIfShort();
  let isOver = false;
  rooms[0]!.then(() => isOver = true);
  await Promise.resolve();
  assertEquals(isOver, false);
  queue.messages = 1;
  policy.clearIfShort();
  await rooms[0];
});
