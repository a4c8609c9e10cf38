import type { Will } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import { Message } from "../base/message.ts";
import { encodeProperties } from "../base/message_properties.ts";
import type { Receiver } from "../delivery/subscriber.ts";

/** The message that a will stands for; it carries the properties of the will [MQTT-3.1.3-10]. */
export function messageOfWill(
  will: Will,
  route: Route<Receiver>,
  publisher: string,
  nowMs: number,
): Message {
  const { properties, payload } = will;
  const head = encodeProperties(properties);
  const buffer = new Uint8Array(head.length + payload.length);
  buffer.set(head);
  buffer.set(payload, head.length);
  return new Message(
    route.topic,
    route.bytes,
    buffer,
    0,
    head.length,
    head.length,
    buffer.length,
    will.qos,
    will.retain,
    properties.messageExpiryInterval ?? -1,
    nowMs,
    publisher,
  );
}
