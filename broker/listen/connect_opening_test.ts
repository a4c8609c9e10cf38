import { assertEquals, assertRejects } from "@std/assert";
import { encodePacket } from "../../codec/mod.ts";
import type { Transport } from "../../transport/transport.ts";
import type { ForeignConnection } from "../base/client_home.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import type { ListenerRules } from "../base/listener_options.ts";
import { settingsOf } from "../base/options.ts";
import { BrokerCounters } from "../base/stats.ts";
import { Scheduler } from "../base/scheduler.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { connectOpening, HANDED_OVER, type OpeningHost } from "./connect_opening.ts";

const PEER = { address: "192.0.2.1:5000" };

function connectBytes(clientId: string, username: string | null = null): Uint8Array {
  const fields = { will: null, username, password: null, properties: {}, keepAlive: 60 };
  return encodePacket(
    { type: "connect", protocolVersion: 4, cleanStart: true, clientId, ...fields },
    4,
  );
}

/** A transport that gives these bytes, so many in each read, and then ends. */
function giving(bytes: Uint8Array, each: number): Transport {
  let at = 0;
  return {
    read: (target) => {
      const part = bytes.subarray(at, at + Math.min(each, target.length));
      at += part.length;
      target.set(part);
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
    write: (source) => Promise.resolve(source.length),
    close: () => {},
  };
}

async function rest(transport: Transport): Promise<Uint8Array> {
  const all: number[] = [];
  const target = new Uint8Array(100);
  for (;;) {
    const count = await transport.read(target);
    if (count === null) return Uint8Array.from(all);
    all.push(...target.subarray(0, count));
  }
}

/** Opens a connection. Clients whose identifier begins with `own` live here. */
async function open(bytes: Uint8Array, each = 1000, rules: ListenerRules = {}) {
  const handed: ForeignConnection[] = [];
  const home = {
    owns: (clientId: string) => clientId.startsWith("own"),
    handOver: (connection: ForeignConnection) => handed.push(connection),
  };
  const policy = new ListenerPolicy(settingsOf({}), new BrokerCounters(), rules);
  const opening = connectOpening(home, hostOf(new VirtualClock()), policy);
  const { transport } = await opening(giving(bytes, each), PEER);
  return { transport, handed };
}

/** A broker that notes what it reports. */
function hostOf(clock: VirtualClock, reports: string[] = []): OpeningHost {
  return {
    limits: { connectBytesMax: 10_000, connectTimeoutMs: 3000 },
    clock,
    scheduler: new Scheduler(clock),
    reportLimit: (reason, address) => void reports.push(`${reason} ${address}`),
  };
}

const MORE = Uint8Array.of(0xc0, 0);

Deno.test("a client that lives here goes on here, with every byte that was read", async () => {
  const bytes = Uint8Array.from([...connectBytes("own client"), ...MORE]);
  for (let each = 1; each <= bytes.length; each++) {
    const { transport, handed } = await open(bytes, each);
    assertEquals([handed.length, await rest(transport)], [0, bytes]);
  }
});

Deno.test("a client that lives elsewhere is handed over with every byte that was read", async () => {
  const bytes = Uint8Array.from([...connectBytes("x".repeat(1000)), ...MORE]);
  for (const each of [1, 7, 255, 256, 257, 5000]) {
    const { transport, handed } = await open(bytes, each, { name: "front" });
    assertEquals(transport, HANDED_OVER);
    const [{ clientId, listener, peer, received, transport: pipe }] = handed as [ForeignConnection];
    assertEquals([clientId, listener, peer], ["x".repeat(1000), "front", PEER]);
    assertEquals([...received, ...await rest(pipe)], [...bytes]);
  }
});

Deno.test("the user name says where a client lives if it becomes the client identifier", async () => {
  const rules = { usernameAsClientId: true };
  const mine = await open(connectBytes("x", "own user"), 1000, rules);
  const other = await open(connectBytes("own x", "user"), 1000, rules);
  assertEquals([mine.handed.length, other.handed[0]?.clientId], [0, "user"]);
});

Deno.test("what says no client identifier goes on here, where it is answered", async () => {
  const connect = connectBytes("x");
  const faulty = connect.slice();
  faulty[9] = 0xff;
  const cases: Record<string, Uint8Array> = {
    "no CONNECT": Uint8Array.of(0xc0, 0),
    "no MQTT": new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    "a length of five bytes": Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0xff, 0x01),
    "a length past the limit": Uint8Array.of(0x10, 0xff, 0x7f),
    "an ill-formed CONNECT": faulty,
    "an assigned identifier": connectBytes(""),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const { transport, handed } = await open(bytes, 3);
    assertEquals([handed.length, await rest(transport)], [0, bytes], name);
  }
});

Deno.test("a connection that ends within its CONNECT is an error", async () => {
  const bytes = connectBytes("x");
  for (let end = 0; end < bytes.length; end++) {
    await assertRejects(() => open(bytes.subarray(0, end)), Error, "ended before its CONNECT");
  }
});

Deno.test("a client has connectTimeoutMs for its CONNECT, wherever it lives", async () => {
  const clock = new VirtualClock();
  const reports: string[] = [];
  const host = hostOf(clock, reports);
  const home = { owns: () => true, handOver: () => {} };
  const policy = new ListenerPolicy(settingsOf({}), new BrokerCounters());
  const silent = { ...giving(new Uint8Array(), 1), read: () => new Promise<null>(() => {}) };
  const errors: string[] = [];
  connectOpening(home, host, policy)(silent, PEER).catch((error) => errors.push(error.message));
  await clock.advance(2999);
  assertEquals(errors, []);
  await clock.advance(1);
  assertEquals(errors, ["CONNECT is not complete after 3000 ms"]);
  assertEquals(reports, [`connect-timeout ${PEER.address}`]);
  assertEquals(host.scheduler.size, 0);
});
