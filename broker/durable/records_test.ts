import { assertEquals, assertThrows } from "@std/assert";
import type { QoS, Will } from "../../codec/mod.ts";
import type { SubscriptionOptions } from "../../router/subscription.ts";
import type { Variant } from "../../router/variant.ts";
import { RecordReader, RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { message, textOf, variant } from "../testdata/messages.ts";
import {
  readHead,
  readMessage,
  readNumbers,
  readOptions,
  readVariant,
  readWill,
  writeMessage,
  writeNumbers,
  writeOptions,
  writeVariant,
  writeWill,
} from "./records.ts";

/** The wall clock is this far ahead of the broker's clock, before a restart and after it. */
const BEFORE = { toWall: (ms: number) => ms + 1_000_000, toClock: (ms: number) => ms - 1_000_000 };
const AFTER = { toWall: (ms: number) => ms + 1_005_000, toClock: (ms: number) => ms - 1_005_000 };

/** What is read of what was written. */
function through<T>(
  write: (writer: RecordWriter) => void,
  read: (reader: RecordReader) => T,
): T {
  const writer = new RecordWriter();
  write(writer);
  const reader = new RecordReader(writer.bytes);
  const value = read(reader);
  assertEquals(reader.isAtEnd, true, "everything is read");
  return value;
}

function stored(source: Message): Message {
  return through(
    (writer) => writeMessage(writer, source, BEFORE),
    (reader) => readMessage(reader, AFTER),
  );
}

Deno.test("a message comes back from the store with all that its subscribers receive", () => {
  const route = { topic: "ä/b", bytes: new TextEncoder().encode("ä/b") };
  const properties = { contentType: "text", userProperties: [["k", "v"] as [string, string]] };
  const payload = new TextEncoder().encode("payload");
  for (const qos of [0, 1, 2] as const) {
    for (const retain of [false, true]) {
      const parts = { route, properties, payload, qos, retain, nowMs: 0, origin: Origin.program };
      const source = Message.of(parts);
      const read = stored(source);
      assertEquals([read.name, textOf(read), read.qos, read.retain], [
        "ä/b",
        "payload",
        qos,
        retain,
      ]);
      const headOf = (one: Message) => one.buffer.subarray(one.propertiesStart, one.propertiesEnd);
      assertEquals([headOf(read), read.weight], [headOf(source), source.weight]);
    }
  }
});

Deno.test("a message expires at the same time of day after a restart [MQTT-3.3.2-5]", () => {
  const read = stored(message("t", "x", { expirySeconds: 10, receivedMs: 2000 }));
  // The clock of the broker has begun again, 5 seconds later.
  assertEquals([read.expirySeconds, read.deadlineMs], [10, 12_000 - 5000]);
  assertEquals(stored(message("t", "x")).deadlineMs, Infinity);
  assertEquals(stored(message("t", "x", { expirySeconds: 0, receivedMs: 7000 })).deadlineMs, 2000);
});

Deno.test("a message from the store owns its bytes, and so is not copied again", () => {
  const writer = new RecordWriter();
  writeMessage(writer, message("t", "x"), BEFORE);
  const bytes = writer.bytes.slice();
  const read = readMessage(new RecordReader(bytes), AFTER);
  bytes.fill(0);
  const { buffer } = read;
  assertEquals([textOf(read), read.name, read.keep().buffer === buffer], ["x", "t", true]);
});

Deno.test("readHead() finds what readMessage() finds, without the message", () => {
  for (const options of [{}, { expirySeconds: 10, receivedMs: 2000 }]) {
    const source = message("a/b", "payload", options);
    const head = through(
      (writer) => writeMessage(writer, source, BEFORE),
      (reader) => readHead(reader, AFTER),
    );
    const { name, topic, expirySeconds, deadlineMs, weight } = stored(source);
    assertEquals(head, { name, topic, expirySeconds, deadlineMs, weight });
  }
});

Deno.test("the flags of a message come back from the store, in every combination", () => {
  for (const qos of [0, 1, 2] as const) {
    for (const retainAsPublished of [false, true]) {
      for (const retained of [false, true]) {
        for (const identifiers of [null, [1], [1, 268_435_455]]) {
          for (const shared of [null, "$share/g/ä/#"]) {
            const flags: Variant = { qos, retainAsPublished, retained, identifiers, shared };
            const read = through((writer) => writeVariant(writer, flags), readVariant);
            assertEquals(read, flags);
          }
        }
      }
    }
  }
});

Deno.test("the flags of most messages are one byte", () => {
  const writer = new RecordWriter();
  writeVariant(writer, variant({ qos: 1 }));
  assertEquals(writer.bytes.length, 1);
});

Deno.test("Subscription Options come back from the store, in every combination", () => {
  for (const qos of [0, 1, 2] as const) {
    for (const noLocal of [false, true]) {
      for (const retainAsPublished of [false, true]) {
        for (const retainHandling of [0, 1, 2] as const) {
          for (const identifier of [0, 1, 268_435_455]) {
            const options: SubscriptionOptions = {
              ...{ qos, noLocal, retainAsPublished, retainHandling, identifier },
            };
            const read = through((writer) => writeOptions(writer, options), readOptions);
            assertEquals(read, options);
          }
        }
      }
    }
  }
});

Deno.test("a damaged row gives no subscription identifier that no packet can hold [MQTT-3.8.2.1.2]", () => {
  const identifier = 268_435_456;
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const wrongOptions = (writer: RecordWriter) => writeOptions(writer, { ...options, identifier });
  const wrongVariant = (writer: RecordWriter) =>
    writeVariant(writer, variant({ identifiers: [identifier] }));
  assertThrows(() => through(wrongOptions, readOptions), StoreError, "268435456");
  assertThrows(() => through(wrongVariant, readVariant), StoreError, "268435456");
});

Deno.test("a damaged row gives no QoS and no Retain Handling that do not exist", () => {
  const read = through((writer) => writer.number(3 + 3 * 16).number(0), readOptions);
  assertEquals([read.qos, read.retainHandling], [2 as QoS, 2]);
  assertEquals(through((writer) => writer.number(3), readVariant).qos, 2);
});

Deno.test("numbers come back from the store in their order, also none", () => {
  for (const numbers of [[], [0], [65_535, 1, 300]]) {
    assertEquals(through((writer) => writeNumbers(writer, numbers), readNumbers), numbers);
  }
});

Deno.test("a will comes back from the store, with its client, and without its name where it has none", () => {
  const will: Will = {
    topic: "will/ä",
    payload: Uint8Array.of(0, 255),
    qos: 2,
    retain: true,
    properties: { willDelayInterval: 5, contentType: "text" },
  };
  for (const username of [null, "", "ada"]) {
    const record = { clientId: "a", username, will, dueWallMs: 1_700_000_000_000 };
    assertEquals(through((writer) => writeWill(writer, record), readWill), record);
  }
});

Deno.test("a row that ends too early is an error of the store", () => {
  const writer = new RecordWriter();
  writeMessage(writer, message("topic", "payload", { expirySeconds: 9 }), BEFORE);
  const whole = writer.bytes;
  for (let length = 0; length < whole.length; length++) {
    const reader = new RecordReader(whole.subarray(0, length));
    assertThrows(() => readMessage(reader, AFTER), StoreError);
  }
});
