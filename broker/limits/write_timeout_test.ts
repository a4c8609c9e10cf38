import { assertEquals } from "@std/assert";
import { setLimits, testContext } from "../testdata/test_context.ts";
import { type WatchedConnection, WriteTimeout } from "./write_timeout.ts";

/** A connection with a write that is stuck for as long as the test says. */
class TestConnection implements WatchedConnection {
  isWriting = true;
  readonly events: string[] = [];
  #stuck = 0;
  readonly policy = { peer: null };
  readonly outbox = { countStuckChecks: () => this.#stuck = this.isWriting ? this.#stuck + 1 : 0 };

  /** The write has ended, and another has begun. */
  progress(): void {
    this.#stuck = 0;
  }

  reportLimit(reason: "drain"): void {
    this.events.push(reason);
  }

  cutOff(error: Error): void {
    this.events.push(error.message);
    this.isWriting = false;
  }
}

function world(drainMs: number) {
  const { context, clock } = testContext({ drainMs });
  const connections = [new TestConnection(), new TestConnection()] as const;
  const timeout = new WriteTimeout(context, connections);
  return { context, clock, connections, timeout };
}

Deno.test("WriteTimeout closes a client that takes nothing for drainMs, and no other", async () => {
  const { connections: [stuck, slow], timeout, clock } = world(4000);
  timeout.start();
  for (let i = 0; i < 4; i++) {
    await clock.advance(1000);
    slow.progress();
  }
  assertEquals(stuck.events, []);
  await clock.advance(1000);
  assertEquals(stuck.events, ["drain", "Has taken nothing for 4000 ms"]);
  assertEquals(slow.events, []);
});

Deno.test("WriteTimeout sets one deadline, and only while something is written", async () => {
  const { connections, timeout, clock, context } = world(4000);
  assertEquals(context.scheduler.size, 0);
  timeout.start();
  timeout.start();
  assertEquals(context.scheduler.size, 1);
  for (const connection of connections) connection.isWriting = false;
  await clock.advance(1000);
  assertEquals(context.scheduler.size, 0);
});

Deno.test("WriteTimeout does nothing if drainMs is 0", () => {
  const { timeout, context } = world(0);
  timeout.start();
  assertEquals(context.scheduler.size, 0);
});

Deno.test("WriteTimeout.applyLimits() checks by another drainMs, but not later for another limit", async () => {
  const { context, connections: [stuck], timeout, clock } = world(4000);
  timeout.start();
  for (let i = 0; i < 10; i++) {
    await clock.advance(500);
    setLimits(context, { stallMs: 1000 + i });
    timeout.applyLimits();
  }
  assertEquals(stuck.events.length, 2);
  const other = world(4000);
  other.timeout.start();
  setLimits(other.context, { drainMs: 400 });
  other.timeout.applyLimits();
  await other.clock.advance(500);
  assertEquals(other.connections[0].events[0], "drain");
});
