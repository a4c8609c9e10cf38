/**
 * The limits that hold before a client is let in, at each of them and just past it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Authenticator } from "../../auth/mod.ts";
import { InstantPipe } from "../harness/instant_pipe.ts";
import * as packets from "../harness/packets.ts";
import { connackCode, Stage } from "./_stage.ts";

/** An authenticator that never decides. */
const undecided: Authenticator = { authenticate: () => new Promise(() => {}) };
const HERE = "198.51.100.7:1000";

Deno.test("connectionsMax are let in, and one more is told so and counted", async () => {
  await using stage = new Stage({ connectionsMax: 3 });
  for (let i = 0; i < 3; i++) await stage.join();
  stage.expectLimited("connections", 0);
  const one = stage.visit("203.0.113.9:4");
  assertEquals(await one.connect(), "2003009700");
  stage.expectLimited("connections", 1);
  assertEquals(stage.told, [{ reason: "connections", address: "203.0.113.9:4", clientId: null }]);
});

Deno.test("connectBytesMax bytes of CONNECT are read, and one more closes unread", async () => {
  const connect = packets.connect({ level: 5, clientId: "x".repeat(200) });
  {
    await using stage = new Stage({ connectBytesMax: connect.length });
    assertEquals(connackCode(await stage.visit().send(connect)), "00");
    stage.expectLimited("packet-bytes", 0);
  }
  await using stage = new Stage({ connectBytesMax: connect.length - 1 });
  const visitor = stage.visit();
  // The header is enough: nothing of the body is waited for.
  assertEquals(await visitor.send(connect.subarray(0, 5)), "");
  assert(visitor.isEnded);
  stage.expectLimited("packet-bytes", 1);
});

Deno.test("connectTimeoutMs is there for CONNECT, and not a millisecond more", async () => {
  await using stage = new Stage({ connectTimeoutMs: 5000 });
  const late = stage.visit();
  const slow = stage.visit();
  await slow.send(packets.connect({ level: 5 }).subarray(0, 7));
  await stage.clock.advance(4999);
  assert(!late.isEnded && !slow.isEnded);
  await stage.clock.advance(1);
  assert(late.isEnded && slow.isEnded);
  stage.expectLimited("connect-timeout", 2);
});

Deno.test("an authenticator that never decides is waited for until connectTimeoutMs", async () => {
  await using stage = new Stage({ connectTimeoutMs: 5000 }, { authenticator: undecided });
  const visitor = stage.visit();
  assertEquals(await visitor.connect(), "");
  await stage.clock.advance(5000);
  assert(visitor.isEnded);
  // It has time to take the last bytes, though there are none.
  await stage.clock.advance(2000);
  assertEquals(stage.broker.stats.connections, 0);
});

Deno.test("addressConnectionsMax come from an address, and one more is closed unread", async () => {
  await using stage = new Stage({ addressConnectionsMax: 2 });
  const first = await stage.join({}, "198.51.100.7:1000");
  await stage.join({}, "198.51.100.7:1001");
  const third = stage.visit("198.51.100.7:1002");
  assertEquals(await third.connect(), "");
  assert(third.isEnded);
  stage.expectLimited("address-connections", 1);
  assertEquals(stage.broker.stats.connectionsRefused, 1);
  // Others are not concerned, nor is this machine itself.
  await stage.join({}, "198.51.100.8:1000");
  for (let i = 0; i < 5; i++) await stage.join({}, "127.0.0.1:5");
  await first.leave();
  await stage.join({}, HERE);
});

Deno.test("an IPv6 address counts as its /64, and IPv4 in IPv6 as IPv4", async () => {
  await using stage = new Stage({ addressConnectionsMax: 1 });
  await stage.join({}, "[2001:db8:1:2::1]:9");
  assertEquals(await stage.visit("[2001:db8:1:2:ffff::2]:9").connect(), "");
  await stage.join({}, "[2001:db8:1:3::1]:9");
  await stage.join({}, "203.0.113.1:9");
  assertEquals(await stage.visit("[::ffff:203.0.113.1]:9").connect(), "");
  stage.expectLimited("address-connections", 2);
});

Deno.test("addressHandshakesMax of an address may be under way, and one more is closed", async () => {
  await using stage = new Stage({ addressHandshakesMax: 2 });
  const silent = stage.visit(HERE);
  stage.visit(HERE);
  assert(stage.visit(HERE).isEnded);
  stage.expectLimited("address-handshakes", 1);
  // Whoever is let in gives the place back, and so does whoever goes.
  await silent.connect();
  const next = stage.visit(HERE);
  assert(!next.isEnded);
  await next.leave();
  assert(!stage.visit(HERE).isEnded);
});

Deno.test("addressConnectsBurst come at once from an address, then so many a second", async () => {
  const limits = { addressConnectsPerSecondMax: 2, addressConnectsBurst: 3 };
  await using stage = new Stage(limits);
  for (let i = 0; i < 3; i++) assert(!stage.visit(HERE).isEnded);
  assert(stage.visit(HERE).isEnded);
  stage.expectLimited("address-rate", 1);
  await stage.clock.advance(499);
  assert(stage.visit(HERE).isEnded);
  await stage.clock.advance(1);
  assert(!stage.visit(HERE).isEnded);
  assert(stage.visit(HERE).isEnded);
  assert(!stage.visit("198.51.100.8:1").isEnded);
  stage.expectLimited("address-rate", 3);
});

Deno.test("Broker.mayConnect() asks once: a connection that was admitted is not counted again", async () => {
  const limits = { addressConnectsPerSecondMax: 1, addressConnectsBurst: 2 };
  await using stage = new Stage(limits);
  for (let i = 0; i < 2; i++) {
    assert(stage.broker.mayConnect(HERE));
    const pipe = new InstantPipe(Infinity, () => {});
    stage.broker.accept(pipe, { address: HERE, isAdmitted: true });
    assert(!pipe.isClosed);
  }
  assert(!stage.broker.mayConnect(HERE));
  stage.expectLimited("address-rate", 1);
});

Deno.test("what is known of addresses is bounded: those that come again are remembered", async () => {
  const limits = { addressConnectsPerSecondMax: 1, addressConnectsBurst: 1, addressesMax: 10 };
  await using stage = new Stage(limits);
  assert(!stage.visit(HERE).isEnded);
  for (let i = 0; i < 200; i++) {
    assert(!stage.visit(`10.0.${i}.1:1`).isEnded);
    if (i % 3 === 0) assert(stage.visit(HERE).isEnded);
  }
  // The first of the others is long forgotten.
  assert(!stage.visit("10.0.0.1:1").isEnded);
});

Deno.test("sessionsMax are kept, and a client that needs one more is refused with 0x97", async () => {
  await using stage = new Stage({ sessionsMax: 2 });
  await stage.join({ clientId: "a" });
  await stage.join({ clientId: "b" });
  assertEquals(connackCode(await stage.visit().connect({ clientId: "c" })), "97");
  stage.expectLimited("sessions", 1);
  await stage.join({ clientId: "a" });
});
