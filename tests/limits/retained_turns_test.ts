/**
 * The search for retained messages is done in turns; nothing is lost when a connection ends between.
 *
 * @module
 */
import { concat } from "@std/bytes";
import { assert, assertEquals } from "@std/assert";
import { toHex } from "../harness/hex.ts";
import * as packets from "../harness/packets.ts";
import { Stage, type Visitor } from "./_stage.ts";

const V5 = { level: 5 } as const;
const STAYS = { level: 5, clientId: "stays", clean: false, properties: "11 00 00 00 ff" } as const;

/**
 * A broker whose turns end after each step, with many retained messages.
 *
 * @param needles How many of them are to be found.
 */
async function stageWithNeedles(needles = 1): Promise<Stage> {
  const stage = new Stage({});
  const publisher = await stage.join();
  const hay = Array.from(
    { length: 2000 },
    (_, i) => packets.publish(`a/${i}/x`, "h", { ...V5, retain: true }),
  );
  await publisher.send(concat(hay));
  for (let packetId = 1; packetId <= needles; packetId++) {
    const fields = { ...V5, retain: true, qos: 1, packetId } as const;
    await publisher.send(packets.publish(`a/needle${packetId}/y`, "n", fields));
  }
  assertEquals(stage.broker.stats.retainedMessages, 2000 + needles);
  // The virtual clock begins a turn only when it moves.
  stage.broker.changeLimits({ turnMsMax: 0 });
  return stage;
}

/** Subscribes, and stops in the turn of the answer; gives what has come. */
async function subscribed(stage: Stage, client: Visitor): Promise<string> {
  const before = stage.broker.stats.controlPacketsSent;
  client.pipe.feed(packets.subscribe({ "a/+/y": 1 }, V5));
  await stage.clock.advanceUntil(() => stage.broker.stats.controlPacketsSent > before, 1000);
  return await client.receive();
}

const NEEDLE = toHex(new TextEncoder().encode("needle")).replaceAll(" ", "");

function needlesIn(received: string): number {
  return received.split(NEEDLE).length - 1;
}

Deno.test("a search for retained messages goes on when its client comes back", async () => {
  // They are found in any order, so some of many are found late.
  const needles = 20;
  await using stage = await stageWithNeedles(needles);
  const client = await stage.join(STAYS);
  const granted = await subscribed(stage, client);
  assert(granted.startsWith("90") && needlesIn(granted) < needles, granted);
  await client.leave();
  await stage.clock.advance(1);
  const again = stage.visit();
  const connack = await again.connect(STAYS);
  assertEquals([connack.slice(0, 2), connack.slice(4, 8)], ["20", "0100"]);
  // What had been sent is sent again, right after CONNACK.
  const resent = needlesIn(connack);
  assert(resent < needles, connack);
  await stage.clock.advance(1);
  assertEquals(resent + needlesIn(await again.receive()), needles);
});

Deno.test("a session that ends in the midst of a search leaves nothing behind", async () => {
  await using stage = await stageWithNeedles();
  const client = await stage.join();
  assert(!(await subscribed(stage, client)).includes(NEEDLE));
  await client.leave();
  await stage.clock.advance(1);
  assertEquals([stage.broker.stats.sessions, await client.receive()], [1, ""]);
});

Deno.test("the program finds retained messages by a search of several turns", async () => {
  await using stage = await stageWithNeedles();
  const found = stage.broker.subscribe("a/+/y");
  const next = found.next();
  let isThere = false;
  next.then(() => isThere = true);
  await stage.clock.settle();
  assert(!isThere);
  await stage.clock.advance(1);
  const { value } = await next;
  assertEquals([value!.topic, value!.retain], ["a/needle1/y", true]);
  await found.return();
});
