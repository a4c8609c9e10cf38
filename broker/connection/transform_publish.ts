/**
 * Applies the `transform` of the program to a message of a client.
 *
 * @module
 */
import { ReasonCode } from "../../codec/mod.ts";
import { topicNameFault } from "../../router/topic.ts";
import type { Route } from "../../router/route_cache.ts";
import { changedMessage } from "../base/changed_message.ts";
import type { Message } from "../base/message.ts";
import type { Transform, TransformResult } from "../base/transform.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientConnection } from "./client_connection.ts";

type MessageRefusal = { readonly reasonCode: number };
type MessageChange = Exclude<NonNullable<TransformResult>, MessageRefusal>;

/** A message, and its route. */
export interface RoutedMessage {
  readonly route: Route<Receiver>;
  readonly message: Message;
}

/**
 * If `reasonCode` is `null`, publishes the message that the program has returned. Otherwise sends
 * the Reason Code to the client.
 */
export type Settle = (
  message: RoutedMessage,
  reasonCode: number | null,
) => PromiseLike<void> | null;

/**
 * Asks the program about a message, and settles it.
 *
 * @returns A promise to wait for before the next packet; `null` for none. It never rejects because
 * of the program.
 */
export function transformPublish(
  connection: ClientConnection,
  transform: Transform,
  routed: RoutedMessage,
  settle: Settle,
): PromiseLike<void> | null {
  const { name: topic, payload, qos, retain } = routed.message;
  const result = attempt(connection, () => {
    return transform({ topic, payload, qos, retain }, connection.client!);
  });
  const settleWith = (known: TransformResult) => {
    if (!connection.isOpen) return null;
    if (known === null) return settle(routed, ReasonCode.Success);
    if (known !== undefined && "reasonCode" in known) return settle(routed, known.reasonCode);
    const changed = known === undefined
      ? routed
      : attempt(connection, () => applied(connection, routed, known));
    return "reasonCode" in changed ? settle(routed, changed.reasonCode) : settle(changed, null);
  };
  if (!(result instanceof Promise)) return settleWith(result);
  const refused = (error: unknown): TransformResult => refusal(connection, error);
  return inTime(connection, result).catch(refused).then((known) => settleWith(known) ?? undefined);
}

/** Calls the program, or applies its result. An error is reported, and the message is refused. */
function attempt<T>(connection: ClientConnection, call: () => T): T | MessageRefusal {
  try {
    return call();
  } catch (error) {
    return refusal(connection, error);
  }
}

function refusal({ context }: ClientConnection, error: unknown): MessageRefusal {
  context.reportError(error);
  return { reasonCode: ReasonCode.UnspecifiedError };
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
  { route, message }: RoutedMessage,
  change: MessageChange,
): RoutedMessage {
  const { topic, ...rest } = change;
  const to = topic === undefined ? route : routeOf(connection, topic);
  // The expiry counts the time that the program has taken.
  const nowMs = connection.context.clock.now();
  return { route: to, message: changedMessage(message, { ...rest, route: to }, nowMs) };
}

function routeOf({ host }: ClientConnection, topic: string): Route<Receiver> {
  const fault = topicNameFault(topic);
  const route = fault === null ? host.router.routeOf(topic) : null;
  if (route !== null) return route;
  throw new TypeError(`Cannot redirect a message to "${topic}": ${fault ?? "it is too long"}`);
}
