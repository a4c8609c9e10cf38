import { assertEquals } from "@std/assert";
import type { BrokerLimits } from "../base/limits.ts";
import { LimitWorld } from "../testdata/limit_world.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";

const NO_LIMITS: Partial<BrokerLimits> = {
  addressConnectionsMax: 0,
  addressHandshakesMax: 0,
  addressConnectsPerSecondMax: 0,
  connectsPerSecondMax: 0,
  handshakesMax: 0,
};

function world(limits: Partial<BrokerLimits>) {
  const limit = new LimitWorld({ ...NO_LIMITS, ...limits });
  const limiter = new ConnectionLimiter(limit.context);
  /** Takes a connection if it may come; `null` if not. */
  const connect = (address: string) =>
    limiter.mayConnect(address) ? limiter.acquire(address) : null;
  return { ...limit, limit, limiter, connect };
}

Deno.test("ConnectionLimiter refuses an address that has addressConnectionsMax", () => {
  const { connect, limited, context } = world({ addressConnectionsMax: 2 });
  const first = connect("192.0.2.1:1")!;
  connect("192.0.2.1:2")!.authenticated();
  assertEquals(connect("192.0.2.1:3"), null);
  assertEquals(limited, ["address-connections 192.0.2.1:3"]);
  assertEquals(context.stats.connectionsRefused, 1);
  assertEquals(connect("192.0.2.2:1") !== null, true, "others do not suffer");
  first.release();
  assertEquals(connect("192.0.2.1:4") !== null, true);
});

Deno.test("ConnectionLimiter counts the addresses of one IPv6 network as one", () => {
  const { connect } = world({ addressConnectionsMax: 1 });
  connect("[2001:db8::1]:1");
  assertEquals(connect("[2001:db8::2]:1"), null);
  assertEquals(connect("[2001:db8:0:1::1]:1") !== null, true);
});

Deno.test("ConnectionLimiter does not count this machine", () => {
  const { connect } = world({ addressConnectionsMax: 1, addressHandshakesMax: 1 });
  for (let i = 0; i < 5; i++) assertEquals(connect(`127.0.0.1:${i}`) !== null, true);
});

Deno.test("ConnectionLimiter refuses an address with addressHandshakesMax that are not over", () => {
  const { connect, limited } = world({ addressHandshakesMax: 1 });
  const lease = connect("192.0.2.1:1")!;
  assertEquals(connect("192.0.2.1:2"), null);
  assertEquals(limited, ["address-handshakes 192.0.2.1:2"]);
  lease.authenticated();
  assertEquals(connect("192.0.2.1:3") !== null, true);
});

Deno.test("ConnectionLimiter lets an address connect so often a second, with a burst", async () => {
  const { connect, limited, clock } = world({
    addressConnectsPerSecondMax: 2,
    addressConnectsBurst: 3,
  });
  const tries = (count: number) =>
    Array.from({ length: count }, (_, i) => connect(`192.0.2.1:${i}`) !== null);
  assertEquals(tries(4), [true, true, true, false]);
  assertEquals(limited, ["address-rate 192.0.2.1:3"]);
  await clock.advance(500);
  assertEquals(tries(2), [true, false]);
});

Deno.test("ConnectionLimiter has whoever accepts wait while handshakesMax are not over", async () => {
  const { limiter, limited } = world({ handshakesMax: 2 });
  const first = limiter.acquire("192.0.2.1:1");
  assertEquals(limiter.wait(), null);
  const second = limiter.acquire("192.0.2.2:1");
  const wait = limiter.wait()!;
  assertEquals(limiter.wait(), wait);
  assertEquals([limiter.handshakes, limited], [2, ["handshakes"]]);
  second.release();
  await wait;
  assertEquals([limiter.wait(), limiter.handshakes], [null, 1]);
  first.authenticated();
  first.authenticated();
  first.release();
  assertEquals(limiter.handshakes, 0, "each handshake ends once");
});

Deno.test("ConnectionLimiter has whoever accepts wait at connectsPerSecondMax", async () => {
  const { limiter, limited, clock } = world({ connectsPerSecondMax: 2 });
  for (let i = 0; i < 2; i++) limiter.mayConnect("192.0.2.1:1");
  const wait = limiter.wait()!;
  assertEquals([limited, wait.isClosed], [["connect-rate"], false]);
  await clock.advance(499);
  assertEquals(wait.isClosed, false);
  await clock.advance(1);
  assertEquals([wait.isClosed, limiter.wait()], [true, null]);
});

Deno.test("ConnectionLimiter.applyLimits() has rates begin anew and wakes who waits", () => {
  const { limit, limiter, connect } = world({
    addressConnectsPerSecondMax: 1,
    addressConnectsBurst: 1,
    handshakesMax: 1,
  });
  assertEquals(connect("192.0.2.1:1") !== null, true);
  const wait = limiter.wait()!;
  limit.change({ addressConnectsBurst: 2, handshakesMax: 5 });
  limiter.applyLimits();
  assertEquals([wait.isClosed, limiter.wait()], [true, null]);
  const tries = [1, 2, 3].map((port) => connect(`192.0.2.1:${port}`) !== null);
  assertEquals(tries, [true, true, false]);
});
