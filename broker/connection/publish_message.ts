/** The message of a PUBLISH, as it was received. */
import { forwardedProperties, type PublishView } from "../../codec/mod.ts";
import type { Route } from "../../router/route_cache.ts";
import { Message } from "../base/message.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientConnection } from "./client_connection.ts";

/** The message of a PUBLISH, which borrows the bytes of the view. */
export function messageOf(
  view: PublishView,
  route: Route<Receiver>,
  { context, origin }: ClientConnection,
): Message {
  let { buffer, propertiesStart, propertiesEnd, payloadStart, end } = view;
  if (!view.forwardable) {
    // Some properties are not forwarded, so the others are encoded again.
    const properties = forwardedProperties(view);
    const whole = new Uint8Array(properties.length + end - payloadStart);
    whole.set(properties);
    whole.set(buffer.subarray(payloadStart, end), properties.length);
    buffer = whole;
    propertiesStart = 0;
    propertiesEnd = payloadStart = properties.length;
    end = whole.length;
  }
  return new Message(
    route.topic,
    route.bytes,
    buffer,
    propertiesStart,
    propertiesEnd,
    payloadStart,
    end,
    view.qos,
    view.retain,
    view.messageExpiryInterval,
    view.messageExpiryInterval < 0 ? 0 : context.clock.now(),
    origin,
  );
}
