/** The checks of a CONNECT packet against the listener and the limits, before authentication. */
import { type ConnectPacket, type Properties, ReasonCode } from "../../codec/mod.ts";
import { topicNameFault } from "../../router/topic.ts";
import { isBeyondLimits } from "../limits/topic_limits.ts";
import type { ClientConnection } from "./client_connection.ts";
import { ConnectRefusal } from "./connect_refusal.ts";

/** The connection, as the checks need it. */
export type CheckedBy = Pick<ClientConnection, "context" | "policy" | "reportLimit">;

/** Returns the refusal, or `null`. */
type ConnectCheck = (by: CheckedBy, packet: ConnectPacket) => ConnectRefusal | null;

/** All checks in order. The first that refuses determines the reason code. */
const CHECKS: readonly ConnectCheck[] = [
  checkShutdown,
  checkVersion,
  checkClientId,
  checkUserProperties,
  checkWillTopic,
  checkWillPayload,
  checkWillQoS,
  checkWillRetain,
];

/**
 * Checks a CONNECT that is well-formed.
 *
 * @returns The refusal; `null` if the packet passes all checks.
 */
export function checkConnect(by: CheckedBy, packet: ConnectPacket): ConnectRefusal | null {
  for (const check of CHECKS) {
    const refusal = check(by, packet);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkShutdown({ context }: CheckedBy): ConnectRefusal | null {
  if (!context.isClosing) return null;
  return new ConnectRefusal(ReasonCode.ServerShuttingDown, "Broker is shutting down");
}

function checkVersion({ policy }: CheckedBy, packet: ConnectPacket): ConnectRefusal | null {
  if (policy.protocolVersions.includes(packet.protocolVersion)) return null;
  return new ConnectRefusal(
    ReasonCode.UnsupportedProtocolVersion,
    "Version is not spoken here",
  );
}

/** A client of 3.x needs an identifier for a session that can be resumed [MQTT-3.1.3-8]. */
function checkClientId(_by: CheckedBy, packet: ConnectPacket): ConnectRefusal | null {
  const { clientId, protocolVersion, cleanStart } = packet;
  const needsId = protocolVersion === 3 || (protocolVersion === 4 && !cleanStart);
  if (clientId !== "" || !needsId) return null;
  return new ConnectRefusal(ReasonCode.ClientIdentifierNotValid, "Client identifier is empty");
}

/** Only their number is checked: CONNECT has a limit of its own in bytes. */
function checkUserProperties(by: CheckedBy, packet: ConnectPacket): ConnectRefusal | null {
  const { userPropertiesMax } = by.context.limits;
  const isTooMany = (all: Properties | undefined) =>
    (all?.userProperties?.length ?? 0) > userPropertiesMax;
  if (!isTooMany(packet.properties) && !isTooMany(packet.will?.properties)) return null;
  by.reportLimit("user-properties");
  return new ConnectRefusal(ReasonCode.QuotaExceeded, "Too many user properties");
}

function checkWillTopic(by: CheckedBy, { will }: ConnectPacket): ConnectRefusal | null {
  if (will === null) return null;
  const { context, policy: { mount } } = by;
  const topic = mount?.topic(will.topic) ?? will.topic;
  const fault = topicNameFault(will.topic) ??
    (isBeyondLimits(topic, context.limits) ? "too long, or too deep" : null) ??
    (mount?.isTooLong(will.topic) ? "too long" : null);
  if (fault === null) return null;
  return new ConnectRefusal(ReasonCode.TopicNameInvalid, `Will topic: ${fault}`);
}

function checkWillPayload({ policy }: CheckedBy, { will }: ConnectPacket): ConnectRefusal | null {
  if (will === null || will.payload.length <= policy.payloadBytesMax) return null;
  return new ConnectRefusal(
    ReasonCode.PacketTooLarge,
    `Will payload of ${will.payload.length} bytes`,
  );
}

/** [MQTT-3.2.2-12] */
function checkWillQoS({ policy }: CheckedBy, { will }: ConnectPacket): ConnectRefusal | null {
  if (will === null || will.qos <= policy.maximumQoS) return null;
  return new ConnectRefusal(ReasonCode.QoSNotSupported, `Will QoS is ${will.qos}`);
}

/** [MQTT-3.2.2-13] */
function checkWillRetain({ policy }: CheckedBy, { will }: ConnectPacket): ConnectRefusal | null {
  if (will === null || !will.retain || policy.retainAvailable) return null;
  return new ConnectRefusal(ReasonCode.RetainNotSupported, "Will is to be retained");
}
