import { assertEquals, assertStrictEquals } from "@std/assert";
import { Tally } from "../base/memory_tally.ts";
import { messageLog } from "../delivery/backlog.ts";
import { message, variant } from "../testdata/messages.ts";
import { TestQueueOwner } from "../testdata/test_queue_owner.ts";
import { AMPLE_MEMORY, testContext } from "../testdata/test_context.ts";
import { MemoryQueue } from "./memory_queue.ts";
import type { SessionQueue, SleepingQueue, WakingSession } from "./session_queue.ts";
import { WakingQueue } from "./waking_queue.ts";

/** A queue that counts how often it was woken. */
class Asleep implements SleepingQueue {
  readonly messages = 7;
  readonly bytes = 700;
  woken = 0;
  canFollow = true;
  followed = 0;

  constructor(readonly queue: SessionQueue) {}

  tally(tally: Tally): void {
    tally.bytes += 70;
  }

  follow(): boolean {
    if (this.canFollow) this.followed++;
    return this.canFollow;
  }

  wake(): SessionQueue {
    this.woken++;
    return this.queue;
  }
}

class TestSession extends WakingQueue {
  constructor(asleep: Asleep) {
    super();
    this.begin(null, asleep);
  }

  protected override get waking(): WakingSession {
    return this as unknown as WakingSession;
  }
}

function sleeping(): { session: TestSession; asleep: Asleep } {
  const { context } = testContext();
  const owner = new TestQueueOwner(
    context,
    (session) => new MemoryQueue({ context, memory: AMPLE_MEMORY }, session),
  );
  const asleep = new Asleep(owner.queue);
  return { session: new TestSession(asleep), asleep };
}

Deno.test("WakingQueue tells how much waits, what it costs and whether it survives, and sleeps on", () => {
  const { session, asleep } = sleeping();
  const tally = new Tally();
  session.tally(tally);
  const { messages, bytes } = session.waiting;
  assertEquals([messages, bytes, tally.bytes, session.isDurable], [7, 700, 70, true]);
  assertEquals(asleep.woken, 0);
});

Deno.test("WakingQueue follows a log in its sleep, and wakes if that cannot be", () => {
  const { session, asleep } = sleeping();
  const follows = { variant: variant(), onLeft: () => {}, onAttached: () => {} };
  const log = messageLog();
  assertEquals([session.follow(log, follows), asleep.followed, asleep.woken], [true, 1, 0]);
  asleep.canFollow = false;
  assertEquals([session.follow(log, follows), asleep.followed, asleep.woken], [true, 1, 1]);
  log.append(message("t", "x").keep());
  assertEquals(session.waiting.messages, 1);
});

Deno.test("WakingQueue wakes once, when something needs the queue", () => {
  const { session, asleep } = sleeping();
  assertStrictEquals(session.queue, asleep.queue);
  assertStrictEquals(session.queue, asleep.queue);
  assertEquals([asleep.woken, session.waiting.messages, session.isDurable], [1, 0, false]);
});
