import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { testContext } from "../testdata/test_context.ts";
import type { AdmissionRefusal, ConnectionLease } from "./connection_admission.ts";
import { SharedConnectionLimiter } from "./shared_connection_limiter.ts";
import { SharedLimits } from "./shared_limits.ts";

const ADDRESS = "192.0.2.7:50123";
const UNLIMITED = {
  handshakesMax: 0,
  addressConnectionsMax: 0,
  addressHandshakesMax: 0,
  addressConnectsPerSecondMax: 0,
  connectsPerSecondMax: 0,
};

/** The policy of a listener without a limit. */
const OPEN = {
  name: "mqtt",
  isClosed: false,
  hasRoom: true,
  effective: { connectionsMax: Infinity },
};

/** Two workers of one process. */
class World {
  readonly clock = new VirtualClock();
  readonly shared = new SharedLimits(2, 0);
  readonly contexts;
  readonly limiters;

  constructor(limits: Partial<BrokerLimits>) {
    const all = { ...UNLIMITED, ...limits };
    this.contexts = [0, 1].map(() => testContext(all, {}, this.clock).context);
    this.limiters = this.contexts.map((context, node) => {
      const shared = new SharedLimits(2, node, this.shared.buffers);
      return new SharedConnectionLimiter(context, shared);
    }) as [SharedConnectionLimiter, SharedConnectionLimiter];
  }
}

function leaseOf(lease: ConnectionLease | AdmissionRefusal): ConnectionLease {
  assert(typeof lease === "object", "no room");
  return lease;
}

Deno.test("SharedConnectionLimiter.acquire(, OPEN) holds connectionsMax over all workers", () => {
  const [first, second] = new World({ connectionsMax: 2 }).limiters;
  const lease = leaseOf(first.acquire(ADDRESS, OPEN));
  // A connection of this machine has no address that counts, but counts in all.
  leaseOf(second.acquire("127.0.0.1:1", OPEN));
  assertEquals([first.acquire(ADDRESS, OPEN), second.acquire(ADDRESS, OPEN)], [
    "connections",
    "connections",
  ]);
  assertEquals([first.pendingMax, second.handshakes], [16, 2]);
  lease.release();
  assertEquals([second.handshakes, second.pendingMax], [1, 17]);
  leaseOf(second.acquire(ADDRESS, OPEN));
});

Deno.test("SharedConnectionLimiter.acquire() holds the limit of a listener over all workers", () => {
  const { limiters: [first, second], shared } = new World({ connectionsMax: 3 });
  const policy = { ...OPEN, name: "two", effective: { connectionsMax: 2 } };
  const lease = leaseOf(first.acquire(ADDRESS, policy));
  leaseOf(second.acquire(ADDRESS, policy));
  assertEquals([first, second].map((one) => one.acquire(ADDRESS, policy)), [
    "connections",
    "connections",
  ]);
  leaseOf(second.acquire(ADDRESS, OPEN));
  // What is refused in all is not counted for its listener.
  assertEquals(first.acquire(ADDRESS, OPEN), "connections");
  assertEquals(shared.listeners.of(OPEN.name)!.total, 1);
  lease.release();
  assertEquals(second.acquire(ADDRESS, { ...policy, isClosed: true }), "connections");
  leaseOf(second.acquire(ADDRESS, policy));
});

Deno.test("SharedConnectionLimiter checks an address where it accepts, and again where it counts", () => {
  const { limiters: [first, second], contexts } = new World({
    addressConnectionsMax: 2,
    addressHandshakesMax: 1,
  });
  // Both come at the same time, and are handed over.
  assertEquals([first.mayConnect(ADDRESS), second.mayConnect(ADDRESS)], [true, true]);
  const lease = leaseOf(first.acquire(ADDRESS, OPEN));
  assertEquals(second.acquire(ADDRESS, OPEN), "address");
  lease.onAuthenticated();
  leaseOf(second.acquire(ADDRESS, OPEN)).onAuthenticated();
  assertEquals([first.mayConnect(ADDRESS), second.acquire(ADDRESS, OPEN)], [false, "address"]);
  assertEquals([first.mayConnect("192.0.2.8"), second.handshakes], [true, 0]);
  const [{ stats: own }, { stats: other }] = contexts as [typeof contexts[0], typeof contexts[0]];
  assertEquals([own.connectionsRefused, own.limited["address-connections"]], [1, 1]);
  assertEquals([other.limited["address-handshakes"], other.limited["address-connections"]], [1, 1]);
  lease.release();
  assertEquals(first.mayConnect(ADDRESS), true);
});

Deno.test("SharedConnectionLimiter limits the connects of an address at all workers", async () => {
  const { limiters: [first, second], clock } = new World({
    addressConnectsPerSecondMax: 1,
    addressConnectsBurst: 2,
  });
  assertEquals([first.mayConnect(ADDRESS), second.mayConnect(ADDRESS)], [true, true]);
  assertEquals([first.mayConnect(ADDRESS), second.mayConnect("192.0.2.8")], [false, true]);
  await clock.advance(1000);
  assertEquals([second.mayConnect(ADDRESS), first.mayConnect(ADDRESS)], [true, false]);
});

Deno.test("SharedConnectionLimiter.wait() pauses all workers at connectsPerSecondMax", async () => {
  const { limiters: [first, second], clock, contexts } = new World({ connectsPerSecondMax: 2 });
  assertEquals([first.wait(), second.wait()], [null, null]);
  assertEquals([first.mayConnect(ADDRESS), second.mayConnect(ADDRESS)], [true, true]);
  const paused = [first.wait(), second.wait()];
  assertEquals(paused.includes(null), false);
  await clock.advance(480);
  assertEquals([first.wait() === null, second.wait() === null], [false, false]);
  await clock.advance(20);
  assertEquals([first.wait(), second.wait()], [null, null]);
  // Told once for each pause, however often it is looked at.
  assertEquals(contexts.map(({ stats }) => stats.limited["connect-rate"]), [1, 1]);
});

Deno.test("SharedConnectionLimiter.wait() pauses all workers at handshakesMax, until one ends", async () => {
  const { limiters: [first, second], clock, shared } = new World({ handshakesMax: 2 });
  const lease = leaseOf(first.acquire(ADDRESS, OPEN));
  leaseOf(second.acquire(ADDRESS, OPEN));
  const room = second.wait();
  assert(room !== null);
  let isOver = false;
  room.then(() => isOver = true);
  lease.onAuthenticated();
  await clock.advance(19);
  assertEquals(isOver, false);
  await clock.advance(1);
  assertEquals([isOver, second.wait()], [true, null]);
  lease.release();
  // The worker of the other one dies.
  shared.clear(1);
  assertEquals([first.handshakes, shared.totals.connections.total], [0, 0]);
});

Deno.test("SharedConnectionLimiter.applyLimits() wakes waiting acceptors", async () => {
  const { limiters: [first], contexts } = new World({ handshakesMax: 1 });
  leaseOf(first.acquire(ADDRESS, OPEN));
  const room = first.wait()!;
  contexts[0]!.limits.handshakesMax = 2;
  first.applyLimits();
  await room;
  assertEquals(first.wait(), null);
});
