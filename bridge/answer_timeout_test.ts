import { assertEquals } from "@std/assert";
import { Connection } from "../client/connection.ts";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import type { Transport } from "../transport/transport.ts";
import { AnswerTimeout } from "./answer_timeout.ts";
import { memoryPipe } from "./memory_pipe.ts";

const PINGREQ = "c000";
const PINGRESP = Uint8Array.of(0xd0, 0);

/** A connection with a limit of one second to a peer that the test plays. */
function begin(bytesMax?: number) {
  const clock = new VirtualClock();
  const [near, far] = memoryPipe(bytesMax);
  const options = { version: 5 as const, packetBytesMax: 1000, writeBytesMax: 1000, clock };
  const connection = new Connection(near, options, { onPacket: () => {}, onDrained: () => {} });
  const timeout = new AnswerTimeout(connection, clock, 1000);
  const end = async () => {
    timeout.stop();
    connection.fail(new Error("done"));
    far.close();
    await clock.advance(2000);
    await connection.gone.wait();
  };
  const publish = (bytes = 3) =>
    connection.send({
      type: "publish",
      topic: "a",
      payload: new Uint8Array(bytes),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      properties: {},
    });
  return { clock, far, connection, publish, end };
}

async function readHex(pipe: Transport): Promise<string> {
  const target = new Uint8Array(1000);
  const count = await pipe.read(target);
  return target.subarray(0, count!).toHex();
}

Deno.test("AnswerTimeout sends PINGREQ after half of the time, and gives up after all of it", async () => {
  const { clock, far, connection, publish, end } = begin();
  await clock.advance(10);
  await far.write(PINGRESP);
  await clock.advance(5000);
  // Nothing was sent after it, so nothing is missing.
  assertEquals(connection.error, null);
  publish();
  await readHex(far);
  await clock.advance(760);
  assertEquals(await readHex(far), PINGREQ);
  assertEquals(connection.error, null);
  await clock.advance(750);
  assertEquals(connection.error?.message, "No answer for 1000 ms to what was sent");
  await end();
});

Deno.test("AnswerTimeout is content with any answer", async () => {
  const { clock, far, connection, publish, end } = begin();
  for (let count = 0; count < 5; count++) {
    publish();
    await readHex(far);
    await clock.advance(760);
    assertEquals(await readHex(far), PINGREQ);
    await far.write(PINGRESP);
    await clock.advance(600);
  }
  assertEquals(connection.error, null);
  await end();
});

Deno.test("AnswerTimeout says nothing about a peer that cannot be heard, or takes bytes slowly", async () => {
  const paused = begin();
  paused.connection.setPaused(true);
  paused.publish();
  await paused.clock.advance(5000);
  assertEquals(paused.connection.error, null);
  await paused.end();
  const slow = begin(100);
  for (let count = 0; count < 20; count++) slow.publish(90);
  for (let count = 0; count < 12; count++) {
    await slow.far.read(new Uint8Array(100));
    await slow.clock.advance(400);
    assertEquals(slow.connection.error, null, `${count}`);
  }
  await slow.end();
});
