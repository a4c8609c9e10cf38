/**
 * Decides, after the authentication, on the name and permissions of a client and on its CONNACK.
 */
import type { ClientInfo, ConnectRequest } from "../../auth/authenticator.ts";
import { type ConnackPacket, type ConnectPacket, packetSize, ReasonCode } from "../../codec/mod.ts";
import { targetOf } from "../base/delayed_topic.ts";
import { shownClientId } from "../base/stream_reader.ts";
import { isOffLimits } from "../limits/reserved_topics.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { ClientConnection } from "./client_connection.ts";
import { settle } from "./client_identity.ts";
import { agreeOn } from "./connack.ts";
import type { Authenticated } from "./connect_authentication.ts";
import { ConnectRefusal } from "./connect_refusal.ts";
import { Granted } from "./credential_expiry.ts";
import { accessOf, EXPIRED } from "./handle_auth.ts";

const WILL_NOT_ALLOWED = new ConnectRefusal(
  ReasonCode.NotAuthorized,
  "Will topic is not allowed",
);

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

/**
 * Decides on the name of the client, its permissions, and its CONNACK. The result is a promise only
 * if the answer of the authorizer is one.
 */
export function admit(
  connection: ClientConnection,
  packet: ConnectPacket,
  request: ConnectRequest,
  { grant, data }: Authenticated,
): Admission | ConnectRefusal | Promise<Admission | ConnectRefusal> {
  const identity = settle(connection, request, grant);
  if (identity instanceof ConnectRefusal) return identity;
  const { address, protocolVersion } = request;
  const { clientId, username } = identity;
  const listener = connection.policy.name;
  const client = { clientId, username, address, protocolVersion, listener };

  if (!Granted.grant(connection, grant)) {
    return new ConnectRefusal(ReasonCode.NotAuthorized, EXPIRED);
  }
  // What reads streams for a client of another node has the permissions of that client.
  const access = accessOf(connection, { ...client, clientId: shownClientId(clientId) });
  const decide = (mayWill: boolean | ConnectRefusal): Admission | ConnectRefusal => {
    if (mayWill !== true) return mayWill || WILL_NOT_ALLOWED;
    const { expirySeconds, keepAlive, connack } = agreeOn(connection, packet, clientId, data);
    if (packetSize(connack, protocolVersion) > connection.wire.packetBytesMax) {
      const text = "CONNACK is larger than the client takes";
      return new ConnectRefusal(ReasonCode.PacketTooLarge, text);
    }
    return { packet, client, access, expirySeconds, keepAlive, connack };
  };
  const mayWill = checkWillPermission(connection, packet, client, access);
  return mayWill instanceof Promise ? mayWill.then(decide) : decide(mayWill);
}

/** Whether the client may publish its will. No later packet could tell the client that it may not. */
function checkWillPermission(
  { isBridge, context }: ClientConnection,
  { will }: ConnectPacket,
  { clientId }: ClientInfo,
  access: ClientAccess | null,
): boolean | ConnectRefusal | Promise<boolean> {
  if (will === null) return true;
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
  return access === null || access.mayPublish({ topic, qos, retain, will: true });
}
