/**
 * Two clients and a broker on a network that cuts their connections, on virtual time.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Client } from "../../client/client.ts";
import { Broker } from "../../mod.ts";
import type { ConnectOptions } from "../../client/mod.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { VirtualNetwork } from "../harness/virtual_network.ts";

const MESSAGES = 150;
const utf8 = new TextDecoder();

/** How a run ended. */
interface Run {
  once: string[];
  atLeastOnce: string[];
  connections: number;
}

async function storm(seed: number): Promise<Run> {
  const clock = new VirtualClock();
  let connections = 0;
  const network: VirtualNetwork = new VirtualNetwork({
    ...{ seed, clock, cutChance: 0.02, windowBytes: 512 },
    accept(pipe) {
      connections++;
      broker.accept(pipe);
    },
  });
  const random = () => network.random.next();
  const broker = new Broker({ clock, random });
  const settings: ConnectOptions = {
    ...{ clock, random, sessionExpirySeconds: 3600, keepAliveSeconds: 10 },
    ...{ reconnect: { delayMsMin: 50, delayMsMax: 400 } },
    // deno-lint-ignore require-await
    dial: async () => network.connect(),
    limits: { receiveMaximum: 8, subscriptionMessagesMax: 16 },
  };
  const open = async (clientId: string): Promise<Client> => {
    // The first attempt is the caller's to repeat.
    for (;;) {
      const client = new Client("mqtt://storm", { ...settings, clientId });
      const opened = client.open().then(() => true, () => false);
      if (await settled(clock, opened)) return client;
    }
  };
  const publisher = await open("publisher");
  const subscriber = await open("subscriber");
  const once = subscriber.subscribe("once", { qos: 2 });
  const atLeastOnce = subscriber.subscribe("at/least/once", { qos: 1 });
  const run: Run = { once: [], atLeastOnce: [], connections: 0 };
  const taking = [[once, run.once], [atLeastOnce, run.atLeastOnce]] as const;
  const loops = taking.map(async ([subscription, texts]) => {
    for await (const { payload } of subscription) texts.push(utf8.decode(payload));
  });
  await settled(clock, Promise.all([once.ready, atLeastOnce.ready]));

  const receipts = [];
  for (let i = 0; i < MESSAGES; i++) {
    receipts.push(publisher.publish("once", `${i}`, { qos: 2 }));
    receipts.push(publisher.publish("at/least/once", `${i}`, { qos: 1 }));
    if (network.random.chance(0.3)) await clock.advance(network.random.integer(0, 60));
  }
  await settled(clock, Promise.all(receipts));
  network.cutChance = 0;
  const last = publisher.publish("once", "last", { qos: 2 });
  const lastToo = publisher.publish("at/least/once", "last", { qos: 1 });
  await settled(clock, Promise.all([last, lastToo]));
  const isDone = () => run.once.at(-1) === "last" && run.atLeastOnce.at(-1) === "last";
  assert(await clock.advanceUntil(isDone, 600_000), `seed ${seed}: ${run.once.length} arrived`);
  await settled(clock, Promise.all([publisher.close(), subscriber.close(), ...loops]));
  await settled(clock, broker.close());
  return { ...run, connections };
}

/** Moves time on until a promise has settled. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const done = () => isSettled = true;
  promise.then(done, done);
  assert(await clock.advanceUntil(() => isSettled, 3_600_000), "It takes more than an hour");
  return await promise;
}

Deno.test("client loses and doubles nothing in a storm", async () => {
  const expected = [...Array.from({ length: MESSAGES }, (_, index) => `${index}`), "last"];
  let connections = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const run = await storm(seed);
    connections += run.connections;
    assertEquals(run.once, expected, `QoS 2, seed ${seed}`);
    const distinct = [...new Set(run.atLeastOnce)];
    assertEquals(distinct, expected, `QoS 1, seed ${seed}`);
  }
  assert(connections > 8 * 10, `${connections} connections: hardly a storm`);
});
