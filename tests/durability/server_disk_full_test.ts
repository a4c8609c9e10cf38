/**
 * A disk that is really full, under the whole server.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { connect } from "../../client/mod.ts";
import { uint16At, Wire } from "../crash/wire.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { testWithSmallDisk } from "../harness/small_disk.ts";

/** The store keeps 1 MiB of it in reserve. */
const DISK_BYTES = 6 * 1024 * 1024;
const MESSAGE_BYTES = 20_000;
const QUOTA_EXCEEDED = 0x97;
const PUBACK = 4;
const DEADLINE_MS = 60_000;

/** Publishes until a message is refused; what was acknowledged. */
async function fill(port: number): Promise<string[]> {
  const wire = (await Wire.dial(port))!;
  wire.send(packets.connect({ level: 5 }));
  await wire.next();
  const kept: string[] = [];
  for (let i = 1;; i++) {
    const name = `${i} `;
    const payload = name.padEnd(MESSAGE_BYTES, "x");
    wire.send(packets.publish("t/x", payload, { level: 5, qos: 1, packetId: i }));
    const { type, body } = (await wire.next())!;
    assertEquals([type, uint16At(body, 0)], [PUBACK, i]);
    if ((body[2] ?? 0) < 0x80) kept.push(name);
    else {
      assertEquals(body[2], QUOTA_EXCEEDED);
      wire.close();
      return kept;
    }
  }
}

/** In 3.1.1 there is no word for it: no acknowledgement, and a close. */
async function assertClosed(port: number): Promise<void> {
  const wire = (await Wire.dial(port))!;
  wire.send(packets.connect());
  await wire.next();
  wire.send(packets.publish("t/x", "x".repeat(MESSAGE_BYTES), { qos: 1, packetId: 1 }));
  assertEquals(await wire.next(), null);
}

/** Has the session return and take so many messages. */
async function drain(port: number, messages: number): Promise<string[]> {
  const wire = (await Wire.dial(port))!;
  wire.send(packets.connect({ clientId: "away", clean: false }));
  const names: string[] = [];
  for (let frame = await wire.next(); frame !== null; frame = await wire.next()) {
    if (frame.type !== 3) continue;
    const topicEnd = 2 + uint16At(frame.body, 0);
    wire.send(packets.puback(uint16At(frame.body, topicEnd)));
    const payload = frame.body.subarray(topicEnd + 2);
    names.push(new TextDecoder().decode(payload.subarray(0, payload.indexOf(0x20) + 1)));
    if (names.length === messages) break;
  }
  wire.close();
  return names;
}

testWithSmallDisk(
  "server.ts on a full disk refuses what it cannot keep, keeps the rest and recovers",
  DISK_BYTES,
  async (disk) => {
    await using broker = await BrokerProcess.start("--data", `${disk.path}/data`);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const away = await connect(url, { clientId: "away", sessionExpirySeconds: 1000 });
    await away.subscribe("t/#", { qos: 1 });
    await away.close();
    const kept = await within("the disk is full", fill(broker.port), DEADLINE_MS);
    assert(kept.length > 20, `only ${kept.length} messages`);
    await within("3.1.1 is closed", assertClosed(broker.port));
    await broker.waitFor(/the store takes nothing more/i, "stderr");

    await using live = await connect(url, { sessionExpirySeconds: 0 });
    const news = await live.subscribe("live", { qos: 0 });
    await live.publish("live", "still here", { qos: 0 });
    await within("QoS 0 arrives", news.next());

    const names = await within("the session drains", drain(broker.port, kept.length), DEADLINE_MS);
    assertEquals(names, kept);
    await broker.waitFor(/the store works again/i, "stderr");
    await live.publish("t/x", "again", { qos: 1 });
    assertEquals((await broker.stop()).code, 0);
  },
);
