import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../codec/mod.ts";
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { DisconnectInfo } from "../base/hooks.ts";
import { Roster } from "../base/roster.ts";
import { TestConnection, type TestConnectionOptions } from "../testdata/test_connection.ts";
import { ConnectionEnd, type EndingConnection } from "./connection_end.ts";

/** A connection that ends, and everything that hears of it. */
class EndingWorld {
  readonly events: string[] = [];
  readonly ended: DisconnectInfo[] = [];
  readonly connection: TestConnection;
  readonly end: ConnectionEnd;
  readonly listenerPolicy = { connections: 0 };
  readonly session: { link: unknown } = { link: null };
  /** Whether the responses are still being written. */
  isWriting = false;

  constructor(options: Omit<TestConnectionOptions, "session" | "broker"> = {}, isClient = true) {
    const disconnected = (_client: ClientInfo, info: DisconnectInfo) => void this.ended.push(info);
    const connection = this.connection = new TestConnection({
      ...options,
      session: this.session,
      broker: { hooks: { disconnected, failed: (error) => this.events.push(`failed: ${error}`) } },
    });
    const tell = (what: string) => () => void this.events.push(what);
    Object.assign(connection, {
      listenerPolicy: this.listenerPolicy,
      session: isClient ? this.session : null,
      client: isClient ? { clientId: "a" } : null,
      timer: { isPaused: false, linger: tell("linger"), stop: tell("timer stopped") },
      granted: { end: tell("grant ended") },
      lease: { release: tell("lease released") },
      stopReading: tell("reading stopped"),
      aliasBytes: 100,
    });
    Object.assign(connection.host, {
      connections: new Roster(),
      memory: { aliasBytes: 300 },
      sessions: {
        suspend: (session: unknown, keepsWill: boolean) => {
          assertEquals(session, this.session);
          this.events.push(keepsWill ? "suspended with its will" : "suspended");
          this.session.link = null;
        },
      },
    });
    Object.assign(connection.outbox, {
      flushControl: () => {
        this.events.push("responses written");
        return this.isWriting;
      },
      abort: () => {
        this.events.push("outbox aborted");
        this.end.onOutboxEnded(false, null);
      },
      finish: (drain: boolean) => void this.events.push(drain ? "drains" : "finishes"),
    });
    const pipe = { closeWrite: tell("write closed"), close: tell("closed") };
    this.session.link = connection;
    connection.context.stats.clients = 1;
    this.end = new ConnectionEnd(connection as unknown as EndingConnection, pipe);
  }

  /** What has happened since the last time. */
  news(): string[] {
    return this.events.splice(0);
  }
}

const GONE = ["timer stopped", "grant ended", "reading stopped", "lease released"];

Deno.test("ConnectionEnd deletes the will at a DISCONNECT of the client [MQTT-3.14.4-3]", () => {
  const cases = [[ReasonCode.Success, false], [ReasonCode.DisconnectWithWill, true]] as const;
  for (const [reasonCode, keepsWill] of cases) {
    const world = new EndingWorld();
    world.end.byClient(reasonCode);
    assertEquals(world.news(), ["responses written", "outbox aborted", "closed"]);
    world.end.transportGone();
    const suspended = keepsWill ? "suspended with its will" : "suspended";
    assertEquals(world.news(), ["outbox aborted", ...GONE, suspended]);
    assertEquals(world.ended, [{ reasonCode, by: "client", error: null }]);
  }
});

Deno.test("ConnectionEnd closes after the responses to what came with DISCONNECT have left", async () => {
  const world = new EndingWorld();
  world.isWriting = true;
  world.end.byClient(ReasonCode.Success);
  assertEquals([world.end.isOpen, world.end.isLingering], [false, false]);
  assertEquals(world.news(), ["responses written", "linger", "finishes"]);
  await world.connection.clock.settle();
  assertEquals(world.news(), ["suspended"]);
  world.end.onOutboxEnded(true, null);
  assertEquals(world.news(), ["closed"]);
  world.end.transportGone();
  assertEquals(world.news(), ["outbox aborted", ...GONE]);
  assertEquals(world.ended.map(({ by }) => by), ["client"]);
});

Deno.test("ConnectionEnd says why the broker ends a connection, then releases the session", async () => {
  const world = new EndingWorld();
  world.end.byBroker(ReasonCode.KeepAliveTimeout, "disconnect", "too slow");
  assertEquals(world.connection.sent(), [{
    type: "disconnect",
    reasonCode: ReasonCode.KeepAliveTimeout,
    properties: { reasonString: "too slow" },
  }]);
  assertEquals([world.end.isOpen, world.end.isLingering], [false, true]);
  assertEquals(world.news(), ["linger", "finishes"]);
  await world.connection.clock.settle();
  assertEquals(world.news(), ["suspended with its will"]);
  assertEquals(world.ended.map(({ by }) => by), ["broker"]);
  // What has ended already cannot be ended for another reason.
  world.end.byBroker(ReasonCode.ServerShuttingDown, "disconnect");
  assertEquals([world.connection.sent(), world.news()], [[], []]);
});

Deno.test("ConnectionEnd has no words for a 3.x client, nor for one without a session", () => {
  for (const world of [new EndingWorld({ version: 4 }), new EndingWorld({}, false)]) {
    world.end.byBroker(ReasonCode.UnspecifiedError, "disconnect");
    assertEquals([world.connection.sent(), world.news()], [[], ["linger", "finishes"]]);
  }
});

Deno.test("ConnectionEnd closes its half when all was written, and hears the peer out", () => {
  const world = new EndingWorld();
  world.end.byBroker(ReasonCode.UnspecifiedError, "none");
  world.news();
  assertEquals(world.end.sentAll.isClosed, false);
  world.end.onOutboxEnded(true, null);
  assertEquals(world.news(), ["write closed"]);
  assertEquals(world.end.sentAll.isClosed, true);
});

Deno.test("ConnectionEnd gives the session to another connection once all was written", async () => {
  const world = new EndingWorld();
  const taken = world.end.takeOver();
  assertEquals(world.news(), ["linger", "finishes"]);
  await world.connection.clock.settle();
  assertEquals(world.news(), [], "the client is still to take its DISCONNECT");
  world.end.onOutboxEnded(true, null);
  await taken;
  assertEquals(world.news(), ["write closed", "suspended with its will"]);
  assertEquals(world.ended[0]!.reasonCode, ReasonCode.SessionTakenOver);
});

Deno.test("ConnectionEnd leaves a session alone that another connection has by now", () => {
  const world = new EndingWorld();
  world.session.link = {};
  world.end.transportGone();
  assertEquals(world.news(), ["outbox aborted", "closed", ...GONE]);
  assertEquals(world.ended.map(({ by }) => by), ["network"]);
});

Deno.test("ConnectionEnd counts and gives back everything, once", () => {
  const world = new EndingWorld();
  const { stats } = world.connection.context;
  const { connections, memory } = world.connection.host as {
    connections: Set<unknown>;
    memory: { aliasBytes: number };
  };
  assertEquals([stats.connections, world.listenerPolicy.connections, connections.size], [1, 1, 1]);
  const { gone } = world.end;
  world.end.error ??= new Error("reset");
  world.end.transportGone();
  world.end.transportGone();
  assertEquals([stats.connections, world.listenerPolicy.connections, connections.size], [0, 0, 0]);
  assertEquals([memory.aliasBytes, stats.clients], [200, 0]);
  assertEquals([gone.isClosed, world.end.isGone, world.ended.length], [true, true, 1]);
  assertEquals(String(world.ended[0]!.error), "Error: reset");
});

Deno.test("ConnectionEnd ends at once where nobody reads, for nobody would find out", () => {
  const world = new EndingWorld();
  (world.connection as unknown as { timer: { isPaused: boolean } }).timer.isPaused = true;
  world.end.cutOff(new Error("takes nothing"));
  assertEquals(world.end.isGone, true);
  assertEquals(world.ended.map(({ by, error }) => `${by} ${error}`), [
    "broker Error: takes nothing",
  ]);
});
