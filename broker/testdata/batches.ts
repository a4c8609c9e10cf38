/**
 * Batches of QoS 0 frames as they come in.
 *
 * @module
 */
import { encodePacket } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import type { Origin } from "../base/origin.ts";
import { PublishBatch } from "../delivery/publish_batch.ts";
import type { Receiver } from "../delivery/subscriber.ts";

const encoder = new TextEncoder();

/** Frames of one protocol version to one topic. Their buffer is the caller's to overwrite. */
export function batch(
  route: Route<Receiver>,
  texts: readonly string[],
  origin: Origin,
  v5 = true,
): PublishBatch {
  const frames = texts.map((text) =>
    encodePacket({
      type: "publish",
      topic: route.topic,
      payload: encoder.encode(text),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      properties: {},
    }, v5 ? 5 : 4)
  );
  const buffer = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  const made = new PublishBatch();
  made.begin(route, origin, v5, buffer, 0);
  for (const frame of frames) {
    buffer.set(frame, made.end);
    made.add(made.end + frame.length);
  }
  return made;
}
