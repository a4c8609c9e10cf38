import { assertEquals, assertRejects } from "@std/assert";
import type { BytePipe } from "./byte_pipe.ts";
import { hex, toHex } from "./hex.ts";
import * as packets from "./packets.ts";
import { RawClient } from "./raw_client.ts";

/** A pipe that reads the pieces given, then ends, or hangs if told to. */
function scripted(pieces: string[], hangs = false): BytePipe & { sent: string[] } {
  const closed = Promise.withResolvers<null>();
  const sent: string[] = [];
  return {
    sent,
    async read(target) {
      const piece = pieces.shift();
      if (piece === undefined) return hangs ? await closed.promise : null;
      target.set(hex(piece));
      return hex(piece).length;
    },
    write(bytes) {
      sent.push(toHex(bytes));
      return Promise.resolve(bytes.length);
    },
    close: () => closed.resolve(null),
  };
}

Deno.test("RawClient sends bytes and hex digits as they are", async () => {
  const pipe = scripted([]);
  await using client = new RawClient(pipe);
  await client.send("c0 00", Uint8Array.of(0xe0, 0));
  assertEquals(pipe.sent, ["c0 00 e0 00"]);
});

Deno.test("RawClient takes what it expects however it was split", async () => {
  await using client = new RawClient(scripted(["20", "0200", "00d0", "00"]));
  await client.expect("20020000");
  await client.expect("d000");
  await client.expectClose();
});

Deno.test("RawClient fails at the first wrong byte without waiting for the rest", async () => {
  await using client = new RawClient(scripted(["20 02 00 05"], true));
  await assertRejects(() => client.expect("20 02 00 00 d0 00"), Error, "another byte at 3");
});

Deno.test("RawClient tells what had come when its deadline passed", async () => {
  await using client = new RawClient(scripted(["20 02"], true), 10);
  await assertRejects(() => client.expect("20 02 00 00"), Error, "got 20 02");
});

Deno.test("RawClient reads whole frames", async () => {
  const long = "30 80 01" + "ab".repeat(128);
  await using client = new RawClient(scripted(["d0", "00 30", long.slice(2), "d000"]));
  assertEquals(toHex(await client.readFrame()), "d0 00");
  assertEquals(await client.readFrame(), hex(long));
  assertEquals(toHex(await client.readFrame()), "d0 00");
  await assertRejects(() => client.readFrame(), Error, "Instead came the end");
});

Deno.test("RawClient does not take bytes for a close", async () => {
  await using client = new RawClient(scripted(["e0 00"]));
  await assertRejects(() => client.expectClose(), Error, "Instead came bytes");
});

Deno.test("packets are built as the specification draws them", () => {
  const cases: [Uint8Array, string][] = [
    [packets.connect({ clientId: "a" }), "10 0d 0004 4d515454 04 02 0000 0001 61"],
    [packets.connect({ level: 3, clean: false }), "10 0e 0006 4d5149736470 03 00 0000 0000"],
    [
      packets.connect({
        level: 5,
        keepAliveSeconds: 60,
        properties: "21 0005",
        will: { topic: "w", payload: "x", qos: 1, retain: true, properties: "01 01" },
        username: "u",
        password: "p",
      }),
      "10 1f 0004 4d515454 05 ee 003c 03 21 0005 0000 02 01 01 0001 77 0001 78 0001 75 0001 70",
    ],
    [packets.publish("a/b", "hi"), "30 07 0003 612f62 6869"],
    [packets.publish("a", "", { qos: 2, packetId: 258, dup: true }), "3c 05 0001 61 0102"],
    [packets.publish("a", "", { level: 5, properties: "01 00" }), "30 06 0001 61 02 0100"],
    [packets.subscribe({ "#": 1 }, { packetId: 2 }), "82 06 0002 0001 23 01"],
    [packets.subscribe({ a: 0, b: 2 }, { level: 5 }), "82 0b 0001 00 0001 61 00 0001 62 02"],
    [packets.unsubscribe(["#"], { level: 5 }), "a2 06 0001 00 0001 23"],
    [packets.puback(1), "40 02 0001"],
    [packets.pubrec(1), "50 02 0001"],
    [packets.pubrel(1), "62 02 0001"],
    [packets.pubcomp(1), "70 02 0001"],
    [packets.pingreq(), "c0 00"],
    [packets.disconnect(), "e0 00"],
    [packets.disconnect(4), "e0 02 04 00"],
    [packets.varint(268_435_455), "ff ff ff 7f"],
    [packets.uint32(0x01020304), "01 02 03 04"],
  ];
  for (const [built, drawn] of cases) assertEquals(toHex(built), toHex(hex(drawn)));
});
