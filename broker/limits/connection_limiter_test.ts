import { assert, assertEquals } from "@std/assert";
import { setLimits, testContext } from "../testdata/test_context.ts";
import { ConnectionLimiter } from "./connection_limiter.ts";

const ADDRESS = "192.0.2.7:50123";
const UNLIMITED = {
  handshakesMax: 0,
  addressConnectionsMax: 0,
  addressHandshakesMax: 0,
  addressConnectsPerSecondMax: 0,
  connectsPerSecondMax: 0,
};

Deno.test("ConnectionLimiter counts connections and handshakes of an address apart", () => {
  const { context } = testContext({
    ...UNLIMITED,
    addressConnectionsMax: 2,
    addressHandshakesMax: 1,
  });
  const limiter = new ConnectionLimiter(context);
  const first = limiter.count(ADDRESS);
  assertEquals(limiter.mayConnect("192.0.2.7:2"), false);
  first.onAuthenticated();
  assertEquals(limiter.mayConnect("192.0.2.7:2"), true);
  const second = limiter.count("192.0.2.7:2");
  second.onAuthenticated();
  assertEquals(limiter.mayConnect("192.0.2.7:3"), false);
  assertEquals(limiter.mayConnect("192.0.2.8:3"), true);
  second.release();
  assertEquals(limiter.mayConnect("192.0.2.7:3"), true);
  const { limited, connectionsRefused } = context.stats;
  assertEquals([limited["address-handshakes"], limited["address-connections"]], [1, 1]);
  assertEquals(connectionsRefused, 2);
});

Deno.test("ConnectionLimiter.wait() pauses accepting at handshakesMax, until a handshake ends", async () => {
  const { context } = testContext({ ...UNLIMITED, handshakesMax: 1 });
  const limiter = new ConnectionLimiter(context);
  assertEquals(limiter.wait(), null);
  const lease = limiter.count(ADDRESS);
  const room = limiter.wait();
  assert(room !== null);
  assertEquals(limiter.wait(), room);
  lease.onAuthenticated();
  await room;
  assertEquals([limiter.wait(), limiter.handshakes], [null, 0]);
  lease.release();
  assertEquals(limiter.handshakes, 0);
  assertEquals(context.stats.limited.handshakes, 1);
});

Deno.test("ConnectionLimiter.wait() spreads connections over time at connectsPerSecondMax", async () => {
  const { context, clock } = testContext({ ...UNLIMITED, connectsPerSecondMax: 2 });
  const limiter = new ConnectionLimiter(context);
  for (let n = 0; n < 2; n++) {
    assertEquals(limiter.wait(), null);
    assertEquals(limiter.mayConnect(ADDRESS), true);
  }
  const token = limiter.wait();
  let isReady = false;
  assert(token !== null);
  token.then(() => isReady = true);
  await clock.advance(499);
  assertEquals(isReady, false);
  await clock.advance(1);
  assertEquals([isReady, limiter.wait()], [true, null]);
});

Deno.test("ConnectionLimiter.applyLimits() wakes waiting acceptors", async () => {
  const { context } = testContext({ ...UNLIMITED, handshakesMax: 1 });
  const limiter = new ConnectionLimiter(context);
  limiter.count(ADDRESS);
  const room = limiter.wait()!;
  setLimits(context, { handshakesMax: 2 });
  limiter.applyLimits();
  await room;
  assertEquals(limiter.wait(), null);
});
