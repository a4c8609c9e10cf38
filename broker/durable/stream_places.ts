/** The QoS 2 messages of streams in flight as bytes in the row of their session. */
import type { PublishExchange } from "../../flow/outbound_window.ts";
import type { RecordReader, RecordWriter } from "../../store/record.ts";
import { StoreError } from "../../store/store.ts";
import type { InflightMessage } from "../session/inflight_message.ts";
import { StreamInflight } from "../stream/stream_inflight.ts";
import type { StreamPlace, StreamSource } from "../stream/stream_place.ts";

/** Where the messages in flight are found in their streams, by their packet identifiers. */
export function placesOf(
  exchanges: readonly PublishExchange<InflightMessage>[],
): Map<number, StreamPlace> {
  const places = new Map<number, StreamPlace>();
  for (const { packetId, phase, message: sent } of exchanges) {
    if (!(sent instanceof StreamInflight) || sent.place === null || phase !== "pubrec") continue;
    places.set(packetId, sent.place);
  }
  return places;
}

/**
 * Writes them, as the last part of a row; nothing if there are none. All messages of a subscription
 * share what is the same for them.
 */
export function writePlaces(
  writer: RecordWriter,
  places: ReadonlyMap<number, StreamPlace>,
): void {
  if (places.size === 0) return;
  const sources = new Map<StreamSource, number>();
  for (const { source } of places.values()) {
    if (!sources.has(source)) sources.set(source, sources.size);
  }
  writer.number(sources.size);
  for (const { key, stream, streamId, prefix, mountBytes } of sources.keys()) {
    writer.text(key).text(stream).number(streamId).text(prefix).number(mountBytes);
  }
  writer.number(places.size);
  for (const [packetId, { source, seq, gap }] of places) {
    writer.number(packetId).number(sources.get(source)!).number(seq).number(gap?.from ?? 0);
    if (gap !== null) writer.number(gap.to);
  }
}

/**
 * Reads them, by their packet identifiers. Rows of earlier versions have none.
 *
 * @throws {StoreError} If they make no sense.
 */
export function readPlaces(reader: RecordReader): Map<number, StreamPlace> {
  const places = new Map<number, StreamPlace>();
  if (reader.isAtEnd) return places;
  const sources: StreamSource[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const [key, stream] = [reader.text(), reader.text()];
    const [streamId, prefix] = [reader.number(), reader.text()];
    sources.push({ key, stream, streamId, prefix, mountBytes: reader.number() });
  }
  for (let left = reader.number(); left > 0; left--) {
    const packetId = reader.number();
    const source = sources[reader.number()];
    if (source === undefined) {
      throw new StoreError("A session in the store makes no sense: a message has no stream");
    }
    const [seq, from] = [reader.number(), reader.number()];
    places.set(packetId, { source, seq, gap: from === 0 ? null : { from, to: reader.number() } });
  }
  return places;
}
