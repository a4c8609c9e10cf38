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

/** A broker whose turns end after each step, with many retained messages, one of them to be found. */
async function stageWithNeedle(): Promise<Stage> {
  const stage = new Stage({});
  const publisher = await stage.join();
  const hay = Array.from(
    { length: 2000 },
    (_, i) => packets.publish(`a/${i}/x`, "h", { ...V5, retain: true }),
  );
  await publisher.send(concat(hay));
  await publisher.send(
    packets.publish("a/needle/y", "n", { ...V5, retain: true, qos: 1, packetId: 1 }),
  );
  assertEquals(stage.broker.stats.retainedMessages, 2001);
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

Deno.test("a search for retained messages goes on when its client comes back", async () => {
  await using stage = await stageWithNeedle();
  const client = await stage.join(STAYS);
  const granted = await subscribed(stage, client);
  assert(granted.startsWith("90") && !granted.includes(NEEDLE), granted);
  await client.leave();
  await stage.clock.advance(1);
  const again = stage.visit();
  const connack = await again.connect(STAYS);
  assertEquals([connack.slice(0, 2), connack.slice(4, 8)], ["20", "0100"]);
  await stage.clock.advance(1);
  assert((await again.receive()).includes(NEEDLE));
});

Deno.test("a session that ends in the midst of a search leaves nothing behind", async () => {
  await using stage = await stageWithNeedle();
  const client = await stage.join();
  assert(!(await subscribed(stage, client)).includes(NEEDLE));
  await client.leave();
  await stage.clock.advance(1);
  assertEquals([stage.broker.stats.sessions, await client.receive()], [1, ""]);
});

Deno.test("the program finds retained messages by a search of several turns", async () => {
  await using stage = await stageWithNeedle();
  const found = stage.broker.subscribe("a/+/y");
  const next = found.next();
  let isThere = false;
  next.then(() => isThere = true);
  await stage.clock.settle();
  assert(!isThere);
  await stage.clock.advance(1);
  const { value } = await next;
  assertEquals([value!.topic, value!.retain], ["a/needle/y", true]);
  await found.return();
});
