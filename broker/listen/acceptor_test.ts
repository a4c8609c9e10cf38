import { assert, assertEquals } from "@std/assert";
import { type Packet, PacketReader, type ProtocolVersion } from "../../codec/mod.ts";
import type { PeerInfo } from "../../transport/transport.ts";
import { InstantPipe } from "../../tests/harness/instant_pipe.ts";
import * as packets from "../../tests/harness/packets.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { ListenerPolicy } from "../base/listener_policy.ts";
import { settingsOf } from "../base/options.ts";
import { BrokerParts } from "../broker_parts.ts";
import { Acceptor } from "./acceptor.ts";

/** How many clients are told at once that the broker is busy. */
const REFUSALS_MAX = 32;
/** Who connects, unless a test says otherwise. */
const PEER = { address: "192.0.2.7:1" };

/** A client that connects in memory, and what the broker has written to it. */
class Caller {
  readonly pipe = new InstantPipe(3, (bytes) => this.#reader.push(bytes.slice()));
  readonly #reader: PacketReader;

  constructor(version: ProtocolVersion = 5) {
    this.#reader = new PacketReader({ version });
  }

  /** The reason code of the CONNACK that came; `null` if none did. */
  get reasonCode(): number | null {
    const packet: Packet | null = this.#reader.read();
    return packet?.type === "connack" ? packet.reasonCode : null;
  }
}

/** The parts of a broker, with the acceptor under test. */
class World {
  readonly clock = new VirtualClock();
  readonly parts: BrokerParts;
  readonly acceptor: Acceptor;
  /** Limits that were reached, in words. */
  readonly told: string[] = [];

  constructor(limits: Partial<BrokerLimits> = {}) {
    const limited = ({ reason, address }: { reason: string; address: string | null }) =>
      void this.told.push(`${reason} ${address}`);
    const { clock } = this;
    this.parts = new BrokerParts(settingsOf({ clock, heap: null, limits, hooks: { limited } }));
    this.acceptor = new Acceptor(this.parts);
  }

  /** Has a client connect that sends `bytes`. */
  async call(
    bytes: Uint8Array = packets.connect({ level: 5 }),
    peer: Partial<PeerInfo> = PEER,
    policy?: ListenerPolicy,
  ): Promise<Caller> {
    const caller = new Caller(bytes.length === 0 || bytes[8] === 5 ? 5 : 4);
    this.acceptor.accept(caller.pipe, { ...PEER, ...peer }, policy);
    caller.pipe.feed(bytes);
    await this.clock.settle();
    return caller;
  }

  /** Ends the broker, and whoever is still connected. */
  async end(): Promise<void> {
    this.parts.context.isClosing = true;
    this.acceptor.close();
    for (const connection of [...this.parts.connections]) connection.abort();
    await this.clock.settle();
    await this.parts.close();
  }

  /** So many clients that are refused, and keep their connections open. */
  async crowd(count: number): Promise<Caller[]> {
    const callers: Caller[] = [];
    for (let i = 0; i < count; i++) callers.push(await this.call());
    return callers;
  }
}

Deno.test("Acceptor makes a connection, which handles CONNECT", async () => {
  const world = new World();
  const caller = await world.call();
  assertEquals([caller.reasonCode, world.parts.connections.size], [0, 1]);
  await world.end();
});

Deno.test("Acceptor tells clients beyond the limit that the broker is full, each in its version", async () => {
  const world = new World({ connectionsMax: 1 });
  await world.call();
  for (const [level, code] of [[5, 0x97], [4, 3], [3, 3]] as const) {
    const late = await world.call(packets.connect({ level }));
    assertEquals([late.reasonCode, late.pipe.isFinished, late.pipe.isClosed], [code, true, false]);
    late.pipe.end();
    await world.clock.settle();
    assert(late.pipe.isClosed);
  }
  assertEquals(world.parts.connections.size, 1);
  assertEquals(world.parts.context.stats.connectionsRefused, 3);
  assertEquals(world.told, Array(3).fill("connections 192.0.2.7:1"));
  await world.end();
});

Deno.test("Acceptor hears a refused client out before it closes, so that nothing is reset", async () => {
  const world = new World({ connectionsMax: 0 });
  const caller = await world.call();
  for (let i = 0; i < 10; i++) {
    caller.pipe.feed(new Uint8Array(1000));
    await world.clock.settle();
  }
  assertEquals([caller.reasonCode, caller.pipe.isClosed], [0x97, false]);
  caller.pipe.end();
  await world.clock.settle();
  assert(caller.pipe.isClosed);
  await world.end();
});

Deno.test("Acceptor closes a refused client that does not go within a second", async () => {
  const world = new World({ connectionsMax: 0 });
  const silent = await world.call(new Uint8Array(0));
  const staying = await world.call();
  await world.clock.advance(999);
  assertEquals([silent.pipe.isClosed, staying.pipe.isClosed], [false, false]);
  await world.clock.advance(1);
  assertEquals([silent.pipe.isClosed, staying.pipe.isClosed], [true, true]);
  assertEquals([silent.reasonCode, staying.reasonCode], [null, 0x97]);
  await world.end();
});

Deno.test("Acceptor reads the version of a refused CONNECT in whatever pieces it comes", async () => {
  const world = new World({ connectionsMax: 0 });
  const caller = await world.call(new Uint8Array(0));
  const connect = packets.connect({ level: 5 });
  // The protocol level is the ninth byte, behind the protocol name.
  for (const byte of connect.subarray(0, 8)) {
    caller.pipe.feed(Uint8Array.of(byte));
    await world.clock.settle();
  }
  assertEquals(caller.pipe.takenBytes, 0);
  caller.pipe.feed(connect.subarray(8, 9));
  await world.clock.settle();
  assertEquals(caller.reasonCode, 0x97);
  caller.pipe.end();
  await world.end();
});

Deno.test("Acceptor answers nothing to a refused peer that sends no CONNECT", async () => {
  const world = new World({ connectionsMax: 0 });
  const others = {
    PINGREQ: packets.frame(0xc0),
    "a name that is too long": packets.frame(0x10, new Uint8Array(100).fill(0xff)),
    "an endless length": new Uint8Array(16).fill(0xff),
    HTTP: new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
  };
  for (const [name, bytes] of Object.entries(others)) {
    const peer = await world.call(bytes);
    assertEquals([peer.pipe.takenBytes, peer.pipe.isClosed], [0, true], name);
  }
  const ended = await world.call(Uint8Array.of(0x10));
  ended.pipe.end();
  await world.clock.settle();
  assertEquals([ended.pipe.takenBytes, ended.pipe.isClosed], [0, true]);
  await world.end();
});

Deno.test("Acceptor tells a few at a time, and closes the others without a word", async () => {
  const world = new World({ connectionsMax: 0 });
  const told = await world.crowd(REFUSALS_MAX);
  const late = await world.call();
  assertEquals([late.pipe.isClosed, late.pipe.takenBytes], [true, 0]);
  assertEquals(told.filter(({ pipe }) => pipe.isClosed).length, 0);
  assertEquals(world.parts.context.stats.connectionsRefused, REFUSALS_MAX + 1);
  await world.end();
});

Deno.test("Acceptor accepts nothing while it tells so many, until one of them has gone", async () => {
  const world = new World({ connectionsMax: 0 });
  const [first] = await world.crowd(REFUSALS_MAX - 1);
  assertEquals(world.acceptor.mayAccept(), null);
  await world.call();
  let isFree = false;
  world.acceptor.mayAccept()!.then(() => isFree = true);
  await world.clock.settle();
  assertEquals(isFree, false);
  first!.pipe.end();
  await world.clock.settle();
  assertEquals([isFree, world.acceptor.mayAccept()], [true, null]);
  await world.end();
});

Deno.test("Acceptor refuses clients while the event loop is busy", async () => {
  const world = new World();
  world.parts.limiters.eventLoop.isBusy = true;
  assertEquals((await world.call()).reasonCode, 0x89);
  assertEquals(world.told, ["busy 192.0.2.7:1"]);
  world.parts.limiters.eventLoop.isBusy = false;
  assertEquals((await world.call()).reasonCode, 0);
  await world.end();
});

Deno.test("Acceptor refuses clients of a listener that is full, and others not", async () => {
  const world = new World();
  const { settings, stats } = world.parts.context;
  const full = new ListenerPolicy(settings, stats, { connectionsMax: 1 });
  const codes: (number | null)[] = [];
  for (const policy of [full, full, undefined]) {
    codes.push((await world.call(packets.connect({ level: 5 }), PEER, policy)).reasonCode);
  }
  assertEquals(codes, [0, 0x97, 0]);
  await world.end();
});

Deno.test("Acceptor closes a connection from an address that has too many, without a word", async () => {
  const world = new World({ addressConnectionsMax: 1 });
  assertEquals((await world.call()).reasonCode, 0);
  const second = await world.call();
  assertEquals([second.pipe.isClosed, second.pipe.takenBytes], [true, 0]);
  assertEquals((await world.call(undefined, { address: "198.51.100.1:1" })).reasonCode, 0);
  assertEquals(world.told, ["address-connections 192.0.2.7:1"]);
  await world.end();
});

Deno.test("Acceptor.mayConnect() counts an address once, if the listener has asked before", async () => {
  const world = new World({ addressConnectsPerSecondMax: 1, addressConnectsBurst: 1 });
  assert(world.acceptor.mayConnect(PEER.address));
  assertEquals((await world.call(undefined, { isAdmitted: true })).reasonCode, 0);
  assertEquals(world.acceptor.mayConnect(PEER.address), false);
  await world.end();
});

Deno.test("Acceptor counts a connection of its address until it ends", async () => {
  const world = new World({ addressConnectionsMax: 1 });
  const first = await world.call();
  first.pipe.feed(packets.disconnect());
  await world.clock.settle();
  assert(first.pipe.isClosed);
  assertEquals((await world.call()).reasonCode, 0);
  await world.end();
});

Deno.test("Acceptor tolerates small faults of a peer that is to be treated so", async () => {
  // 3.1.1: an empty client identifier with Clean Session 0 [MQTT-3.1.3-8].
  const connect = packets.connect({ level: 4, clientId: "", clean: false });
  const world = new World();
  assertEquals((await world.call(connect)).reasonCode, 2);
  assertEquals((await world.call(connect, { lenient: true })).reasonCode, 0);
  await world.end();
});

Deno.test("Acceptor takes nobody while the broker closes, and lets nobody wait", async () => {
  const world = new World({ connectionsMax: 0 });
  const refused = await world.crowd(REFUSALS_MAX);
  let isWoken = false;
  world.acceptor.mayAccept()!.then(() => isWoken = true);
  world.parts.context.isClosing = true;
  world.acceptor.close();
  await world.clock.settle();
  assertEquals([isWoken, world.acceptor.mayAccept()], [true, null]);
  assert(refused.every(({ pipe }) => pipe.isClosed));
  assertEquals(world.acceptor.mayConnect(PEER.address), false);
  const late = await world.call();
  assertEquals([late.pipe.isClosed, late.pipe.takenBytes], [true, 0]);
  await world.parts.close();
});
