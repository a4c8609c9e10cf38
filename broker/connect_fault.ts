import { type ConnectPacket, ReasonCode, type Will } from "../codec/mod.ts";
import { hasMoreLevels } from "../router/router.ts";
import { topicNameFault } from "../router/topic.ts";
import type { Core } from "./core.ts";

/** Why a client is not let in: a reason code, and the same in words. */
export type ConnectFault = readonly [reasonCode: number, text: string];

/** What is wrong with a CONNECT that is well-formed; `null` for nothing. */
export function faultOf(core: Core, packet: ConnectPacket): ConnectFault | null {
  if (core.isClosing) return [ReasonCode.ServerShuttingDown, "Broker is shutting down"];
  const { clientId, protocolVersion, cleanStart, will } = packet;
  const needsId = protocolVersion === 3 || (protocolVersion === 4 && !cleanStart);
  if (clientId === "" && needsId) {
    return [ReasonCode.ClientIdentifierNotValid, "Client identifier is empty"];
  }
  return will === null ? null : faultOfWill(core, will);
}

function faultOfWill({ settings, limits }: Core, will: Will): ConnectFault | null {
  const topicFault = topicNameFault(will.topic);
  if (topicFault !== null || hasMoreLevels(will.topic, limits.topicLevelsMax)) {
    return [ReasonCode.TopicNameInvalid, `Will topic: ${topicFault ?? "too many levels"}`];
  }
  if (will.qos > settings.maximumQoS) {
    return [ReasonCode.QoSNotSupported, `Will QoS is ${will.qos}`];
  }
  if (will.retain && !settings.retainAvailable) {
    return [ReasonCode.RetainNotSupported, "Will is to be retained"];
  }
  return null;
}
