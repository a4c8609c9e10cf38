/**
 * The limits on what waits for a client that takes nothing, and on the event loop.
 *
 * @module
 */
import { concat } from "@std/bytes";
import { assert, assertEquals } from "@std/assert";
import * as packets from "../harness/packets.ts";
import { Stage } from "./_stage.ts";

const V5 = { level: 5 } as const;

Deno.test("controlBytesMax of answers wait for a client that takes none, and no more", async () => {
  await using stage = new Stage({ controlBytesMax: 1000, drainMs: 0 });
  const client = await stage.join({ keepAliveSeconds: 60 });
  client.pipe.stall(true);
  // The first answer is being written; 501 wait, which is one more than the limit.
  await client.send(packets.pingreq());
  const pings = concat(Array.from({ length: 100_000 }, () => packets.pingreq()));
  await client.send(pings);
  stage.expectLimited("control-bytes", 1);
  const { bytesSent } = stage.broker.stats;
  // However long it takes, nothing is lost and nobody else waits.
  await stage.clock.advance(600_000);
  assertEquals(await (await stage.join()).send(packets.pingreq()), "d000");
  client.pipe.stall(false);
  assertEquals((await client.receive()).length / 4, 100_001);
  assert(stage.broker.stats.bytesSent >= bytesSent + 200_000);
});

Deno.test("a client that takes nothing for drainMs is closed, and its will is published", async () => {
  await using stage = new Stage({ drainMs: 8000 });
  const witness = await stage.join();
  await witness.send(packets.subscribe({ "gone": 0 }, V5));
  const client = await stage.join({ will: { topic: "gone", payload: "" } });
  await client.send(packets.subscribe({ "a": 0 }, V5));
  client.pipe.stall(true);
  await witness.send(packets.publish("a", "x", V5));
  await stage.clock.advance(7999);
  assert(!client.isEnded);
  await stage.clock.advance(2002);
  assert(client.isEnded);
  stage.expectLimited("drain", 1);
  assertEquals(await witness.receive(), packets.publish("gone", "", V5).toHex());
});

Deno.test("a client that takes a little now and then is slow, and stays", async () => {
  await using stage = new Stage({ drainMs: 8000 });
  const client = await stage.join();
  await client.send(packets.subscribe({ "a": 0 }, V5));
  const other = await stage.join();
  for (let i = 0; i < 20; i++) {
    client.pipe.stall(true);
    await other.send(packets.publish("a", "x", V5));
    await stage.clock.advance(5000);
    client.pipe.stall(false);
    await client.receive();
  }
  assert(!client.isEnded);
  // Nothing waits for it, so it may take nothing for as long as it likes.
  client.pipe.stall(true);
  await stage.clock.advance(100_000);
  assert(!client.isEnded);
  stage.expectLimited("drain", 0);
});

/** Has the loop be late for so many looks, which come every 250 ms. */
async function runLate(stage: Stage, lateMs: number, looks: number): Promise<void> {
  stage.lateMs = lateMs;
  // The timer that is set already is still in time.
  await stage.clock.advance(250);
  await stage.clock.advance((250 + lateMs) * (looks - 1));
  stage.lateMs = 0;
  await stage.clock.advance(250 + lateMs);
}

Deno.test("a loop later than loopLagMs has newcomers refused, until it is well again", async () => {
  const told: boolean[] = [];
  const hooks = { busy: (isBusy: boolean) => void told.push(isBusy) };
  await using stage = new Stage({ loopLagMs: 1000 }, { hooks });
  const old = await stage.join();
  await runLate(stage, 1000, 4);
  await stage.join();
  assertEquals(told, []);
  // Once is an accident.
  await runLate(stage, 1001, 1);
  await runLate(stage, 0, 1);
  await stage.join();
  await runLate(stage, 1001, 2);
  assertEquals(told, [true]);
  assertEquals(await stage.visit().connect(), "2003008900");
  assertEquals(await stage.visit().connect({ level: 4 }), "20020003");
  stage.expectLimited("busy", 2);
  // Those who are in are served.
  assertEquals(await old.send(packets.pingreq()), "d000");
  // Half of the limit is not well yet.
  await runLate(stage, 600, 8);
  assertEquals(await stage.visit().connect(), "2003008900");
  await runLate(stage, 0, 4);
  assertEquals(told, [true, false]);
  await stage.join();
});

Deno.test("a broker to which nobody comes does not look at its loop", async () => {
  await using stage = new Stage({ drainMs: 1000 });
  await stage.join();
  const begin = stage.timers;
  await stage.clock.advance(3_600_000);
  assert(stage.timers - begin < 30, `${stage.timers - begin} timers`);
});
