/**
 * Applies the `transform` of the program to a message of a client.
 *
 * @module
 */
import { ReasonCode } from "../../codec/mod.ts";
import { topicNameFault } from "../../router/topic.ts";
import type { Route } from "../../router/route_cache.ts";
import { Message } from "../base/message.ts";
import type { MessageChange, Transform, TransformResult } from "../base/transform.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientConnection } from "./client_connection.ts";

/** What becomes of a message. */
export interface Transformed {
  readonly route: Route<Receiver>;
  readonly message: Message;
  /** `null` if the message is published; otherwise the Reason Code that the client is told. */
  readonly reasonCode: number | null;
}

/** Asks the program about a message. The promise never rejects. */
export function transformPublish(
  connection: ClientConnection,
  transform: Transform,
  route: Route<Receiver>,
  message: Message,
): Transformed | Promise<Transformed> {
  const { name: topic, payload, qos, retain } = message;
  const resultOf = (result: TransformResult) => applied(connection, route, message, result);
  const failed = (error: unknown): Transformed => {
    connection.context.failed(error);
    return { route, message, reasonCode: ReasonCode.UnspecifiedError };
  };
  try {
    const result = transform({ topic, payload, qos, retain }, connection.client!);
    if (!(result instanceof Promise)) return resultOf(result);
    return inTime(connection, result).then(resultOf).catch(failed);
  } catch (error) {
    return failed(error);
  }
}

/** Waits for a result, but no longer than `transformTimeoutMs`. */
async function inTime(
  { context: { clock, settings } }: ClientConnection,
  result: Promise<TransformResult>,
): Promise<TransformResult> {
  const { transformTimeoutMs } = settings;
  const late = Promise.withResolvers<never>();
  const cancel = clock.schedule(clock.now() + transformTimeoutMs, () => {
    late.reject(new Error(`transform has taken more than ${transformTimeoutMs} ms`));
  });
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    cancel();
  }
}

/** @throws {TypeError} If the new topic is not a valid topic name. */
function applied(
  connection: ClientConnection,
  route: Route<Receiver>,
  message: Message,
  result: TransformResult,
): Transformed {
  if (result === undefined) return { route, message, reasonCode: null };
  if (result === null) return { route, message, reasonCode: ReasonCode.Success };
  if ("reasonCode" in result) return { route, message, reasonCode: result.reasonCode };
  const changedRoute = result.topic === undefined ? route : routeOf(connection, result.topic);
  return {
    route: changedRoute,
    message: changed(connection, changedRoute, message, result),
    reasonCode: null,
  };
}

function routeOf({ host }: ClientConnection, topic: string): Route<Receiver> {
  const fault = topicNameFault(topic);
  const route = fault === null ? host.router.routeOf(topic) : null;
  if (route !== null) return route;
  throw new TypeError(`Cannot redirect a message to "${topic}": ${fault ?? "it is too long"}`);
}

function changed(
  { context: { clock } }: ClientConnection,
  route: Route<Receiver>,
  message: Message,
  { payload = message.payload, retain = message.retain, properties }: MessageChange,
): Message {
  const { qos, publisher } = message;
  const nowMs = clock.now();
  if (properties !== undefined) {
    return Message.of({ route, payload, properties, qos, retain, nowMs, publisher });
  }
  const head = message.buffer.subarray(message.propertiesStart, message.propertiesEnd);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return new Message(
    route.topic,
    route.bytes,
    bytes,
    0,
    head.length,
    head.length,
    bytes.length,
    qos,
    retain,
    message.expirySeconds,
    nowMs,
    publisher,
  );
}
