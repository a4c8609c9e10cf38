/**
 * Decides, after the authentication, on the name and permissions of a client and on its CONNACK.
 */
import type { ClientInfo, ConnectRequest } from "../../auth/authenticator.ts";
import { type ConnackPacket, type ConnectPacket, packetSize, ReasonCode } from "../../codec/mod.ts";
import { targetOf } from "../base/delayed_topic.ts";
import { isOffLimits } from "../limits/reserved_topics.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { ClientConnection } from "./client_connection.ts";
import { settle } from "./client_identity.ts";
import { agreeOn } from "./connack.ts";
import type { Authenticated } from "./connect_authentication.ts";
import { ConnectRefusal } from "./connect_refusal.ts";
import { Granted } from "./credential_expiry.ts";
import { accessOf, EXPIRED } from "./handle_auth.ts";

/** The result of the admission, which the following steps use. It does not change. */
export interface Admission {
  /** Its CONNECT; will, password and texts are borrowed from the input. */
  readonly packet: ConnectPacket;
  readonly client: ClientInfo;
  /** Its permissions; `null` for everything. */
  readonly access: ClientAccess | null;
  /** Session Expiry Interval in seconds. */
  readonly expirySeconds: number;
  /** Keep Alive in seconds; 0 for none. */
  readonly keepAlive: number;
  /** The CONNACK, but for Session Present. */
  readonly connack: ConnackPacket;
}

/** Decides on the name of the client, its permissions, and its CONNACK. */
export async function admit(
  connection: ClientConnection,
  packet: ConnectPacket,
  request: ConnectRequest,
  { grant, data }: Authenticated,
): Promise<Admission | ConnectRefusal> {
  const identity = settle(connection, request, grant);
  if (identity instanceof ConnectRefusal) return identity;
  const { address, protocolVersion } = request;
  const client = { ...identity, address, protocolVersion, listener: connection.policy.name };

  if (!Granted.grant(connection, grant)) {
    return new ConnectRefusal(ReasonCode.NotAuthorized, EXPIRED);
  }
  const access = accessOf(connection, client);
  const refusal = await checkWillPermission(connection, packet, client, access);
  if (refusal !== null) return refusal;

  const agreement = agreeOn(connection, packet, client.clientId, data);
  if (packetSize(agreement.connack, protocolVersion) > connection.wire.packetBytesMax) {
    const text = "CONNACK is larger than the client takes";
    return new ConnectRefusal(ReasonCode.PacketTooLarge, text);
  }
  return { packet, client, access, ...agreement };
}

/** Refuses a will that the client may not publish. No later packet could tell the client. */
async function checkWillPermission(
  { isBridge, context }: ClientConnection,
  { will }: ConnectPacket,
  { clientId }: ClientInfo,
  access: ClientAccess | null,
): Promise<ConnectRefusal | null> {
  if (will === null) return null;
  const { qos, retain } = will;
  const topic = targetOf(will.topic, context);
  if (topic === null) {
    return new ConnectRefusal(
      ReasonCode.TopicNameInvalid,
      "Will topic is no $delayed/SECONDS/TOPIC",
    );
  }
  if (isOffLimits(topic, { clientId, isBridge })) {
    return new ConnectRefusal(ReasonCode.NotAuthorized, "Will topic is not for clients");
  }
  if (access === null || await access.mayPublish({ topic, qos, retain, will: true })) return null;
  return new ConnectRefusal(ReasonCode.NotAuthorized, "Will topic is not allowed");
}
