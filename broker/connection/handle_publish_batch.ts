/** Publishes plain QoS 0 frames to one topic together, without decoding them. */
import type { Route } from "../../router/route_cache.ts";
import { PublishBatch } from "../delivery/publish_batch.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientConnection } from "./client_connection.ts";
import { handlePublish } from "./handle_publish.ts";
import { routeOf } from "./publish_route.ts";

/** First byte of a QoS 0 PUBLISH without RETAIN and DUP. */
const PLAIN_PUBLISH = 0x30;
/**
 * A batch ends with the frame that reaches this size, in bytes: it crosses to another node as a
 * whole, and of what has arrived there in part only so much is copied cheaply.
 */
const BATCH_BYTES_MAX = 15 * 1024;

/**
 * Shared by all connections: a call fills it in and reads it, and does not keep it. The reader of
 * packets sees to it that no call begins within another.
 */
const run = new PublishBatch();

/** The result of {@linkcode handlePublishBatch}. */
export interface BatchResult {
  /** The end of the published frames. */
  end: number;
  /** A promise to wait for before the next packet; `null` for none. */
  wait: PromiseLike<void> | null;
}

/** One object for all calls; the caller reads it before the next call. */
const result: BatchResult = { end: 0, wait: null };

/**
 * Publishes consecutive plain QoS 0 frames to one topic. An authorizer is asked once about all of
 * them, because its questions would be the same. If it refuses, or answers with a promise, only the
 * first frame is taken.
 *
 * @param start The start of the first frame in `bytes`.
 * @param end The end of the bytes that have arrived.
 * @returns Valid until the next call; `end` is `start` if the first frame is not plain.
 */
export function handlePublishBatch(
  connection: ClientConnection,
  bytes: Uint8Array,
  start: number,
  end: number,
): BatchResult {
  result.end = start;
  result.wait = null;
  const { context, host } = connection;
  if (context.settings.transform !== null) return result;
  const { access } = connection.session!;
  const v5 = connection.version === 5;
  const bytesMax = connection.policy.runBytesMax;
  let route: Route<Receiver> | null = null;
  let at = start;
  while (at + 4 < end && bytes[at] === PLAIN_PUBLISH) {
    // The Remaining Length, decoded inline: this is the innermost loop of the broker.
    let body = at + 2;
    let length = bytes[at + 1]!;
    if (length >= 0x80) {
      const second = bytes[body++]!;
      length = (length & 0x7f) | (second & 0x7f) << 7;
      // Longer ones, which are rare, and malformed ones are left to handlePublish().
      if (second >= 0x80 || second === 0) break;
    }
    const frameEnd = body + length;
    if (frameEnd > end || length < 3 || frameEnd - at > bytesMax) break;
    const topic = body + 2;
    const topicEnd = topic + (bytes[body]! << 8 | bytes[body + 1]!);
    const payload = v5 ? topicEnd + 1 : topicEnd;
    if (topicEnd === topic || payload > frameEnd || (v5 && bytes[topicEnd] !== 0)) break;
    if (route === null) {
      route = routeOf(connection, bytes, topic, topicEnd);
      // Topics that begin with $ need more checks, in handlePublish().
      if (route === null || route.isDollar) break;
      // handlePublish() returns LATER for it.
      if (!host.publisher.prepare(route, 0)) break;
      if (access !== null) {
        const may = access.mayPublish({ topic: route.topic, qos: 0, retain: false, will: false });
        if (may !== true || !connection.isOpen) {
          result.end = frameEnd;
          result.wait = handlePublish(connection, PLAIN_PUBLISH, bytes, body, frameEnd, may);
          return result;
        }
      }
      run.begin(route, connection.origin, v5, bytes, at);
    } else if (!route.isAt(bytes, topic, topicEnd)) break;
    run.add(frameEnd);
    at = frameEnd;
    if (at - start >= BATCH_BYTES_MAX) break;
  }
  if (at === start) return result;
  connection.counters.messagesReceived += run.frames;
  connection.counters.payloadBytesReceived += run.payloadBytes;
  result.wait = host.publisher.publishBatch(run);
  result.end = at;
  return result;
}
