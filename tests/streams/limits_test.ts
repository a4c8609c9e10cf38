/**
 * Limits of subscriptions that read streams, as clients see them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Scene, texts } from "./_scene.ts";

const REPLAY = "$replay/day/earliest/t/#";

Deno.test("replaysTotalMax: the next one of all sessions is refused, until one of them ends", async () => {
  await using scene = await Scene.open({ limits: { replaysTotalMax: 2 } });
  const [one, two, three] = [await scene.join("1"), await scene.join("2"), await scene.join("3")];
  assertEquals((await one.subscribe(REPLAY)).reasonCodes, [0]);
  assertEquals((await two.subscribe(REPLAY)).reasonCodes, [0]);
  // Again is not one more.
  assertEquals((await two.subscribe(REPLAY)).reasonCodes, [0]);
  const refused = await three.subscribe(REPLAY);
  assertEquals(refused.reasonCodes, [0x97]);
  assertEquals(
    refused.properties.reasonString,
    "2 subscriptions read streams already: come again later",
  );
  assertEquals(scene.broker.stats.limited["replays-total"], 1);
  await one.unsubscribe(REPLAY);
  assertEquals((await three.subscribe(REPLAY)).reasonCodes, [0]);
  await two.leave();
  assertEquals((await one.subscribe(REPLAY)).reasonCodes, [0]);
});

Deno.test("a client that begins replays too often is refused, and may again with time", async () => {
  const limits = { replaySubscribesPerSecondMax: 2, replaySubscribesBurst: 3 };
  await using scene = await Scene.open({ limits });
  await scene.fill(1);
  const client = await scene.join("often");
  for (let i = 0; i < 3; i++) assertEquals((await client.subscribe(REPLAY)).reasonCodes, [0]);
  const refused = await client.subscribe(REPLAY);
  assertEquals(refused.reasonCodes, [0x97]);
  assertEquals(
    refused.properties.reasonString,
    "At most 2 replays in a second begin, 3 at once: come again later",
  );
  assertEquals(scene.broker.stats.limited["replay-rate"], 1);
  // What it has goes on, also without a new position.
  const { reasonCodes } = await client.subscribe(REPLAY, { retainHandling: 1 });
  assertEquals(reasonCodes, [0]);
  const other = await scene.join("other");
  assertEquals((await other.subscribe(REPLAY)).reasonCodes, [0]);
  await scene.clock.advance(500);
  assertEquals((await client.subscribe(REPLAY)).reasonCodes, [0]);
  assertEquals((await client.subscribe(REPLAY)).reasonCodes, [0x97]);
});

Deno.test("past their share of a turn replays wait, and live traffic does not", async () => {
  await using scene = await Scene.open({ limits: { replayTurnPercent: 0 } });
  await scene.fill(200);
  const live = await scene.join("live");
  await live.subscribe("live");
  const reader = await scene.join("reader");
  reader.send({
    type: "subscribe",
    packetId: 1,
    properties: {},
    subscriptions: [
      { filter: REPLAY, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ],
  });
  let before = 0;
  for (let turns = 0; live.packets.every(({ type }) => type !== "publish"); turns++) {
    if (turns === 20) scene.broker.publish("live", "x");
    await Promise.resolve();
    before = reader.packets.filter(({ type }) => type === "publish").length;
    assert(turns < 10_000);
  }
  assert(before < 200, `${before} were sent first`);
  await scene.clock.advance(100);
  assertEquals(await reader.payloads(), texts(1, 200));
  assert(scene.broker.stats.limited["replay-turn"] > 100);
});
