/**
 * Keep Alive, to the millisecond: on a clock that stands still until it is
 * moved, over a network in memory.
 *
 * @module
 */
import { assertEquals, assertGreater } from "@std/assert";
import { concat } from "@std/bytes";
import type { Broker, BrokerOptions } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";

const KEEP_ALIVE_TIMEOUT = 0x8d;
/** More than anything here takes but waiting for a Keep Alive to pass. */
const SOON_MS = 10;

/** A broker, and the clock and network that it lives by: what is sent arrives at once. */
class World implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock();
  readonly broker: Broker;
  readonly #network: VirtualNetwork;

  constructor(options: BrokerOptions = {}) {
    const { clock } = this;
    this.broker = brokers.make({ ...options, clock });
    this.#network = new VirtualNetwork({
      seed: 1,
      clock,
      maxDelayMs: 0,
      accept: (pipe) => this.broker.accept(pipe),
    });
  }

  /** Moves the clock no further than it takes for `promise` to settle. */
  async see<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => isSettled = true);
    settled.catch(() => {});
    await this.clock.advanceUntil(() => isSettled, SOON_MS);
    return await settled;
  }

  async join(fields: packets.ConnectFields): Promise<RawClient> {
    const client = new RawClient(this.#network.connect());
    await this.see(client.send(packets.connect(fields)));
    const connack = await this.see(client.readFrame());
    assertEquals([connack[0], connack[3]], [0x20, 0]);
    return client;
  }

  async ping(client: RawClient): Promise<void> {
    await this.see(client.send(packets.pingreq()));
    await this.see(client.expect("d0 00"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.broker.close({ graceMs: 0 });
    await this.clock.advance(SOON_MS);
    await closed;
  }
}

for (const level of [3, 4, 5] as const) {
  Deno.test(`level ${level}: a silent client is closed after 1.5 times its Keep Alive`, async () => {
    await using world = new World();
    await using client = await world.join({ level, clientId: "silent", keepAliveSeconds: 10 });
    await world.clock.advance(14_999);
    assertEquals(world.broker.stats.connections, 1);
    await world.clock.advance(1);
    if (level === 5) {
      const frame = await world.see(client.readFrame());
      assertEquals([frame[0], frame[2]], [0xe0, KEEP_ALIVE_TIMEOUT]);
    }
    await world.see(client.expectClose());
    await world.clock.advance(SOON_MS);
    assertEquals(world.broker.stats.connections, 0);
  });
}

Deno.test("any packet starts the Keep Alive anew, what is received does not", async () => {
  await using world = new World();
  await using client = await world.join({ keepAliveSeconds: 10 });
  await using other = await world.join({});
  await world.see(client.send(packets.subscribe({ "a": 0 })));
  await world.see(client.expect("90 03 00 01 00"));
  for (let i = 0; i < 5; i++) {
    await world.clock.advance(14_000);
    await world.ping(client);
  }
  for (let i = 0; i < 2; i++) {
    await world.clock.advance(7000);
    await world.see(other.send(packets.publish("a", "")));
    await world.see(client.expect(packets.publish("a", "")));
  }
  await world.clock.advance(999);
  assertEquals(world.broker.stats.connections, 2);
  await world.clock.advance(1);
  await world.see(client.expectClose());
  await world.clock.advance(SOON_MS);
  assertEquals(world.broker.stats.connections, 1);
});

Deno.test("a packet that never ends keeps its client alive only while bytes come", async () => {
  await using world = new World();
  await using client = await world.join({ keepAliveSeconds: 10 });
  await world.see(client.send("30 ff7f 0001 61"));
  for (let i = 0; i < 3; i++) {
    await world.clock.advance(14_000);
    await world.see(client.send("00"));
  }
  await world.clock.advance(15_000 + SOON_MS);
  await world.see(client.expectClose());
});

Deno.test("Keep Alive 0 is for ever", async () => {
  await using world = new World();
  await using client = await world.join({ level: 5, keepAliveSeconds: 0 });
  await world.clock.advance(365 * 24 * 3600 * 1000);
  await world.ping(client);
});

Deno.test("the longest Keep Alive is kept to the millisecond", async () => {
  await using world = new World();
  await using client = await world.join({ keepAliveSeconds: 65_535 });
  await world.clock.advance(65_535 * 1500 - 1);
  assertEquals(world.broker.stats.connections, 1);
  await world.clock.advance(1);
  await world.see(client.expectClose());
});

for (const asked of [0, 60]) {
  Deno.test(`a broker with a maximum shortens a Keep Alive of ${asked}`, async () => {
    await using world = new World({ limits: { keepAliveSecondsMax: 20 } });
    await using client = await world.join({ level: 5, keepAliveSeconds: asked });
    await world.clock.advance(29_999);
    assertEquals(world.broker.stats.connections, 1);
    await world.clock.advance(1);
    assertEquals((await world.see(client.readFrame()))[2], KEEP_ALIVE_TIMEOUT);
    await world.see(client.expectClose());
  });
}

Deno.test("a client that the broker does not read keeps alive", async () => {
  const limits = { highWaterBytes: 1000, stallMs: 60_000 };
  await using world = new World({ limits });
  await using subscriber = await world.join({ clientId: "takes nothing" });
  await world.see(subscriber.send(packets.subscribe({ "a": 0 })));
  await world.see(subscriber.expect("90 03 00 01 00"));
  await using publisher = await world.join({ keepAliveSeconds: 1 });
  const frame = packets.publish("a", new Uint8Array(1000));
  // More than the network and the broker hold: the rest is not read.
  const sending = publisher.send(concat(new Array(40).fill(frame)));
  await world.clock.advance(30_000);
  assertGreater(world.broker.stats.backpressureWaits, 0);
  assertEquals(world.broker.stats.connections, 2);

  for (let i = 0; i < 40; i++) await world.see(subscriber.expect(frame));
  await world.see(sending);
  await world.ping(publisher);
  assertEquals(world.broker.stats.dropped.lag, 0);
  // From when it is read again the clock ticks as ever.
  await world.clock.advance(1499);
  assertEquals(world.broker.stats.connections, 2);
  await world.clock.advance(1);
  await world.see(publisher.expectClose());
});

Deno.test("a will is published when its client has not kept alive", async () => {
  await using world = new World();
  await using heir = await world.join({});
  await world.see(heir.send(packets.subscribe({ "will": 0 })));
  await world.see(heir.expect("90 03 00 01 00"));
  const will = { topic: "will", payload: "mine" };
  await using client = await world.join({ clientId: "testator", keepAliveSeconds: 2, will });
  await world.clock.advance(3000);
  await world.see(client.expectClose());
  await world.see(heir.expect(packets.publish("will", "mine")));
});
