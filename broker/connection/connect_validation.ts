import { type ConnectPacket, type Properties, ReasonCode, type Will } from "../../codec/mod.ts";
import { topicNameFault } from "../../router/topic.ts";
import type { ClientConnection } from "./client_connection.ts";
import { isBeyondLimits } from "../limits/topic_limits.ts";

/** Why a client is not let in: a reason code, and the same in words. */
export type ConnectFault = readonly [reasonCode: number, text: string];

/** What is wrong with a CONNECT that is well-formed; `null` for nothing. */
export function faultOf(connection: ClientConnection, packet: ConnectPacket): ConnectFault | null {
  const { context, terms } = connection;
  if (context.isClosing) return [ReasonCode.ServerShuttingDown, "Broker is shutting down"];
  const { clientId, protocolVersion, cleanStart, will } = packet;
  if (!terms.protocolVersions.includes(protocolVersion)) {
    return [ReasonCode.UnsupportedProtocolVersion, "Version is not spoken here"];
  }
  const needsId = protocolVersion === 3 || (protocolVersion === 4 && !cleanStart);
  if (clientId === "" && needsId) {
    return [ReasonCode.ClientIdentifierNotValid, "Client identifier is empty"];
  }
  if (hasTooManyProperties(connection, packet.properties, will?.properties)) {
    return [ReasonCode.QuotaExceeded, "Too many user properties"];
  }
  return will === null ? null : faultOfWill(connection, will);
}

/** CONNECT has a limit of its own in bytes, so that they need only be counted. */
function hasTooManyProperties(
  connection: ClientConnection,
  ...all: (Properties | undefined)[]
): boolean {
  const { userPropertiesMax } = connection.context.limits;
  const hasTooMany = all.some((one) => (one?.userProperties?.length ?? 0) > userPropertiesMax);
  if (hasTooMany) connection.limited("user-properties");
  return hasTooMany;
}

function faultOfWill({ context, terms }: ClientConnection, will: Will): ConnectFault | null {
  const { mount } = terms;
  const topic = mount?.topic(will.topic) ?? will.topic;
  const topicFault = topicNameFault(will.topic) ??
    (isBeyondLimits(topic, context.limits) ? "too long, or too deep" : null) ??
    (mount?.isTooLong(will.topic) ? "too long" : null);
  if (topicFault !== null) {
    return [ReasonCode.TopicNameInvalid, `Will topic: ${topicFault}`];
  }
  if (will.payload.length > terms.payloadBytesMax) {
    return [ReasonCode.PacketTooLarge, `Will payload of ${will.payload.length} bytes`];
  }
  if (will.qos > terms.maximumQoS) {
    return [ReasonCode.QoSNotSupported, `Will QoS is ${will.qos}`];
  }
  if (will.retain && !terms.retainAvailable) {
    return [ReasonCode.RetainNotSupported, "Will is to be retained"];
  }
  return null;
}
