import { assertEquals, assertThrows } from "@std/assert";
import { PublishExchange } from "../../flow/outbound_window.ts";
import type { Variant } from "../../router/variant.ts";
import { RecordReader, RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import { StreamInflight } from "../stream/stream_inflight.ts";
import type { StreamPlace, StreamSource } from "../stream/stream_place.ts";
import { placesOf, readPlaces, writePlaces } from "./stream_places.ts";

const VARIANT: Variant = {
  qos: 2,
  identifiers: null,
  retainAsPublished: false,
  retained: false,
  shared: null,
};

function source(key: string): StreamSource {
  return { key, stream: "day", streamId: 3, prefix: "", mountBytes: 0 };
}

function exchange(packetId: number, place: StreamPlace | null, phase: "pubrec" | "pubcomp") {
  const sent = new StreamInflight(null, VARIANT, 2, "t");
  sent.place = place;
  return new PublishExchange<InflightMessage>(packetId, phase, packetId, sent);
}

Deno.test("places of messages in flight come back from a row", () => {
  const [a, b] = [source("a/#"), source("b/#")];
  const places: StreamPlace[] = [
    { source: a, seq: 7, gap: null },
    { source: b, seq: 9, gap: { from: 2, to: 8 } },
    { source: a, seq: 1_000_000, gap: null },
  ];
  const writer = new RecordWriter();
  const exchanges = places.map((place, i) => exchange(i + 1, place, "pubrec"));
  const others = [exchange(9, places[0]!, "pubcomp"), exchange(10, null, "pubrec")];
  writePlaces(writer, placesOf([...exchanges, ...others]));
  const read = readPlaces(new RecordReader(writer.bytes));
  assertEquals([...read], places.map((place, i) => [i + 1, place]));
});

Deno.test("without such messages a row is as before, and one that makes no sense is refused", () => {
  const writer = new RecordWriter();
  writePlaces(writer, placesOf([exchange(1, null, "pubrec")]));
  assertEquals(writer.bytes.length, 0);
  assertEquals(readPlaces(new RecordReader(writer.bytes)).size, 0);
  // No source, and a message of the first one.
  writer.number(0).number(1).number(5).number(0).number(1).number(0);
  assertThrows(() => readPlaces(new RecordReader(writer.bytes)), StoreError, "no stream");
});
