import { assertEquals } from "@std/assert";
import type { ClientInfo, Grant } from "../../auth/authenticator.ts";
import type { Authorizer } from "../../auth/authorizer.ts";
import { TestConnection } from "../testdata/test_connection.ts";
import { Granted } from "./credential_expiry.ts";

const CLIENT = { clientId: "a" } as ClientInfo;

/** A connection, and the time of day, which may be set. */
function world(authorizer: Authorizer | null = null) {
  const wall = { aheadMs: 1_000_000 };
  const connection: TestConnection = new TestConnection({
    broker: { wallClock: () => connection.clock.now() + wall.aheadMs },
    rules: authorizer === null ? {} : { authorizer },
  });
  const grant = (grant: Grant) => Granted.grant(connection.asClient, grant);
  return { connection, wall, grant };
}

/** An authorizer who allows one topic. */
function only(topic: string): Authorizer {
  return {
    mayPublish: (_client, request) => request.topic === topic,
    maySubscribe: () => true,
  };
}

/** Which topics the client of a connection may publish to. */
async function allowed({ authorizer }: TestConnection, topics: readonly string[]) {
  const found: string[] = [];
  for (const topic of topics) {
    const request = { topic, qos: 0, retain: false, will: false } as const;
    if (authorizer === null || await authorizer.mayPublish(CLIENT, request)) found.push(topic);
  }
  return found;
}

Deno.test("a grant without an end and without permissions costs nothing", () => {
  const { connection, grant } = world();
  assertEquals([grant({}), connection.granted], [true, null]);
  assertEquals([grant({ expiresAtMs: Infinity }), connection.granted], [true, null]);
  assertEquals(connection.context.scheduler.size, 0);
});

Deno.test("a client is disconnected when its grant expires, with the reason", async () => {
  const { connection, grant } = world();
  assertEquals(grant({ expiresAtMs: 1_005_000 }), true);
  await connection.clock.advance(4999);
  assertEquals([connection.events, connection.isOpen], [[], true]);
  await connection.clock.advance(1);
  assertEquals(connection.events, ["disconnect 135 Authentication has expired"]);
  assertEquals(connection.context.stats.authenticationsExpired, 1);
});

Deno.test("a grant that has expired, or whose time is no number, is none", () => {
  const { connection, grant } = world();
  const times = [1_000_000, 999_999, 0, -Infinity, NaN];
  assertEquals(times.map((expiresAtMs) => grant({ expiresAtMs })), times.map(() => false));
  assertEquals([connection.granted, connection.context.scheduler.size], [null, 0]);
});

Deno.test("a grant that is refused leaves the one before in effect", async () => {
  const { connection, grant } = world();
  grant({ expiresAtMs: 1_005_000 });
  assertEquals(grant({ expiresAtMs: 0 }), false);
  await connection.clock.advance(5000);
  assertEquals(connection.isOpen, false);
});

Deno.test("another grant takes the place of the one before, with its end", async () => {
  const { connection, grant } = world();
  grant({ expiresAtMs: 1_005_000 });
  grant({ expiresAtMs: 1_010_000 });
  await connection.clock.advance(9999);
  assertEquals([connection.isOpen, connection.context.scheduler.size], [true, 1]);
  grant({});
  assertEquals([connection.granted, connection.context.scheduler.size], [null, 0]);
});

Deno.test("a grant lasts until its time of day, also if that was set back meanwhile", async () => {
  const { connection, wall, grant } = world();
  grant({ expiresAtMs: 1_005_000 });
  wall.aheadMs -= 60_000;
  await connection.clock.advance(5000);
  assertEquals(connection.isOpen, true);
  await connection.clock.advance(60_000);
  assertEquals(connection.isOpen, false);
});

Deno.test("the end of a grant does nothing to a connection that has ended", async () => {
  const { connection, grant } = world();
  grant({ expiresAtMs: 1_005_000 });
  connection.isOpen = false;
  await connection.clock.advance(5000);
  assertEquals([connection.events, connection.context.stats.authenticationsExpired], [[], 0]);
  grant({ expiresAtMs: 1_010_000 });
  connection.granted!.end();
  assertEquals(connection.context.scheduler.size, 0);
});

Deno.test("a client may do what both its listener and its grant allow", async () => {
  const topics = ["a", "b"];
  const open = world();
  open.grant({ authorizer: only("a") });
  assertEquals(await allowed(open.connection, topics), ["a"]);
  const closed = world(only("b"));
  assertEquals(await allowed(closed.connection, topics), ["b"]);
  closed.grant({ expiresAtMs: 1_005_000 });
  assertEquals(await allowed(closed.connection, topics), ["b"]);
  closed.grant({ authorizer: only("a") });
  assertEquals(await allowed(closed.connection, topics), []);
});
