import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../codec/mod.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { Scheduler } from "../base/scheduler.ts";
import { ConnectionTimer, type TimedConnection } from "./connection_timer.ts";

/** A connection that tells what becomes of it. */
class TestConnection implements TimedConnection {
  readonly clock = new VirtualClock();
  readonly failures: unknown[] = [];
  readonly scheduler = new Scheduler(this.clock, (error) => this.failures.push(error));
  readonly limits = { connectTimeoutMs: 10_000, lingerMs: 2000 };
  readonly context = this;
  isOpen = true;
  session: object | null = null;
  readonly events: string[] = [];

  blame(error: unknown): void {
    this.events.push((error as Error).message);
  }

  reportLimit(reason: string): void {
    this.events.push(`limited: ${reason}`);
  }

  disconnect(reasonCode: number): void {
    this.events.push(`disconnect ${reasonCode}`);
    this.isOpen = false;
  }

  abort(): void {
    this.events.push("abort");
  }
}

const KEEP_ALIVE_TIMEOUT = ["Keep Alive timeout", `disconnect ${ReasonCode.KeepAliveTimeout}`];

Deno.test("ConnectionTimer ends a connection without CONNECT after connectTimeoutMs", async () => {
  const connection = new TestConnection();
  const timer = new ConnectionTimer(connection);
  await connection.clock.advance(9999);
  // Bytes alone are no CONNECT.
  timer.onRead(connection.clock.now());
  assertEquals(connection.events, []);
  await connection.clock.advance(1);
  assertEquals(connection.events, [
    "No CONNECT in time",
    "limited: connect-timeout",
    `disconnect ${ReasonCode.UnspecifiedError}`,
  ]);
});

Deno.test("ConnectionTimer allows one and a half times the Keep Alive [MQTT-3.1.2-22]", async () => {
  const connection = new TestConnection();
  const { clock, events } = connection;
  const timer = new ConnectionTimer(connection);
  connection.session = {};
  timer.keepAlive(10);
  await clock.advance(14_999);
  assertEquals(events, []);
  timer.onRead(clock.now());
  await clock.advance(14_999);
  assertEquals(events, []);
  await clock.advance(1);
  assertEquals(events, KEEP_ALIVE_TIMEOUT);
});

Deno.test("ConnectionTimer watches nothing if the Keep Alive is 0", async () => {
  const connection = new TestConnection();
  const timer = new ConnectionTimer(connection);
  connection.session = {};
  timer.keepAlive(0);
  assertEquals(connection.scheduler.size, 0);
  await connection.clock.advance(1e9);
  assertEquals(connection.events, []);
});

Deno.test("ConnectionTimer does not blame a client for what the broker does not read", async () => {
  const connection = new TestConnection();
  const { clock, events } = connection;
  const timer = new ConnectionTimer(connection);
  connection.session = {};
  timer.keepAlive(10);
  timer.isPaused = true;
  await clock.advance(100_000);
  timer.resume();
  await clock.advance(14_999);
  assertEquals(events, []);
  await clock.advance(10_000);
  assertEquals(events, KEEP_ALIVE_TIMEOUT);
});

Deno.test("ConnectionTimer gives a client lingerMs to take its last bytes", async () => {
  const connection = new TestConnection();
  const timer = new ConnectionTimer(connection);
  connection.session = {};
  timer.keepAlive(1);
  connection.isOpen = false;
  timer.linger();
  await connection.clock.advance(1999);
  assertEquals(connection.events, []);
  await connection.clock.advance(1);
  assertEquals(connection.events, ["abort"]);
});

Deno.test("ConnectionTimer.stop() sets nothing more", async () => {
  const connection = new TestConnection();
  new ConnectionTimer(connection).stop();
  assertEquals(connection.scheduler.size, 0);
  await connection.clock.advance(1e6);
  assertEquals(connection.events, []);
});

Deno.test("ConnectionTimer aborts a connection that fails to end, and reports it", async () => {
  const connection = new TestConnection();
  connection.disconnect = () => {
    throw new Error("broken");
  };
  new ConnectionTimer(connection);
  await connection.clock.advance(10_000);
  assertEquals(connection.events.at(-1), "abort");
  assertEquals(connection.failures.map((error) => (error as Error).message), ["broken"]);
});
