import type { Will } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import { Message } from "../base/message.ts";
import type { Receiver } from "../delivery/subscriber.ts";

/** The message that a will stands for; it carries the properties of the will [MQTT-3.1.3-10]. */
export function messageOfWill(
  { payload, properties, qos, retain }: Will,
  route: Route<Receiver>,
  publisher: string,
  nowMs: number,
): Message {
  return Message.of({ route, payload, properties, qos, retain, nowMs, publisher });
}
