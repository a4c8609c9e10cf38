/** Publishes a run of QoS 0 frames that another node has sent. */
import { MalformedPacketError } from "../../codec/mod.ts";
import { NodeRunView } from "../delivery/node_run.ts";
import { PublishBatch } from "../delivery/publish_batch.ts";
import type { ClientConnection } from "./client_connection.ts";
import { LATER } from "./handle_publish.ts";
import { routeOf } from "./publish_route.ts";

/**
 * Shared by all connections: a call fills them in and reads them, and does not keep them. The reader
 * of packets sees to it that no call begins within another.
 */
const view = new NodeRunView();
const run = new PublishBatch();

/**
 * Publishes the run whose body is `bytes[start, end)`.
 *
 * @returns A promise to wait for before the next packet; `null` for none; `LATER` of
 * `handle_publish.ts` if the run was not published yet.
 */
export function handleNodeRun(
  connection: ClientConnection,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): PromiseLike<void> | null {
  view.read(first, bytes, start, end);
  const route = routeOf(connection, bytes, view.topicStart, view.topicEnd);
  if (route === null) throw new MalformedPacketError("A run without a topic", 0, "MQTT-3.3.2-1");
  const { publisher } = connection.host;
  if (!publisher.prepare(route, 0)) return LATER;
  run.begin(route, connection.origin, view.v5, bytes, view.start);
  run.addAll(view, end);
  connection.counters.messagesReceived += run.frames;
  connection.counters.payloadBytesReceived += run.payloadBytes;
  return publisher.publishBatch(run);
}
