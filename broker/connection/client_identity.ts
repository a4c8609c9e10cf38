/** The client identifier and user name of a client, by the rules of its listener. */
import type { Grant } from "../../auth/authenticator.ts";
import { type ConnectPacket, ReasonCode } from "../../codec/mod.ts";
import type { ClientConnection, ConnectionHost } from "./client_connection.ts";
import { ConnectRefusal } from "./connect_refusal.ts";

/** Characters of an identifier that the broker assigns. */
const ID_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** The length of such an identifier: about 103 bits. */
const ID_LENGTH = 20;

/** The client identifier and user name of a client, by the rules of its listener. */
export interface Identity {
  readonly clientId: string;
  readonly username: string | null;
}

/** The names of a client before its authentication, or the refusal. */
export function identify(
  connection: ClientConnection,
  packet: ConnectPacket,
): Identity | ConnectRefusal {
  const { policy } = connection;
  if (policy.peer !== null) {
    return { clientId: policy.peer.clientId, username: policy.peer.reader?.username ?? null };
  }
  const certified = policy.identityAsUsername || policy.subjectAsUsername;
  const username = certified ? certifiedName(connection) : packet.username;
  if (certified && !username) {
    return new ConnectRefusal(
      ReasonCode.BadUserNameOrPassword,
      "There is no name in a certificate",
    );
  }
  const isAnonymous = username === null && packet.properties.authenticationMethod === undefined;
  if (isAnonymous && !policy.allowAnonymous) {
    return new ConnectRefusal(ReasonCode.NotAuthorized, "User name is missing");
  }
  if (packet.clientId === "" && !policy.allowZeroLengthClientId) {
    return new ConnectRefusal(ReasonCode.ClientIdentifierNotValid, "Client identifier is empty");
  }
  const own = policy.usernameAsClientId ? username : packet.clientId;
  const clientId = own || newClientId(connection.host, policy.autoIdPrefix);
  const isFinal = !policy.usernameAsClientId;
  return (isFinal ? checkPrefix(connection, clientId) : null) ?? { clientId, username };
}

/**
 * The names of a client after its authentication, which may have changed the user name, or the
 * refusal.
 */
export function settle(
  connection: ClientConnection,
  known: Identity,
  grant: Grant,
): Identity | ConnectRefusal {
  const identity = named(connection, known, grant);
  if (identity instanceof ConnectRefusal) return identity;
  const { host: { limiters }, peer: { address } } = connection;
  return limiters.bans.isBanned({ ...identity, address })
    ? new ConnectRefusal(ReasonCode.Banned, "Banned")
    : identity;
}

function named(
  connection: ClientConnection,
  known: Identity,
  grant: Grant,
): Identity | ConnectRefusal {
  const username = grant.username ?? known.username;
  if (!connection.policy.usernameAsClientId) return { clientId: known.clientId, username };
  if (!username) return new ConnectRefusal(ReasonCode.NotAuthorized, "User name is missing");
  return checkPrefix(connection, username) ?? { clientId: username, username };
}

function certifiedName({ peer, policy }: ClientConnection): string | null {
  const { certificate } = peer;
  if (!certificate) return null;
  return policy.identityAsUsername ? certificate.commonName : certificate.subject;
}

function checkPrefix({ policy }: ClientConnection, clientId: string): ConnectRefusal | null {
  const { clientIdPrefixes: prefixes } = policy;
  if (prefixes === null || prefixes.some((prefix) => clientId.startsWith(prefix))) return null;
  return new ConnectRefusal(
    ReasonCode.NotAuthorized,
    "Client identifier has none of the prefixes that are let in",
  );
}

/** Assigns an identifier that no session has [MQTT-3.2.2-16], of a client that lives here. */
function newClientId(
  { context, sessions }: Pick<ConnectionHost, "context" | "sessions">,
  prefix: string,
): string {
  const { settings, home } = context;
  for (;;) {
    let id = prefix;
    for (let i = 0; i < ID_LENGTH; i++) {
      id += ID_CHARACTERS[Math.floor(settings.random() * ID_CHARACTERS.length)];
    }
    if (sessions.get(id) === undefined && home?.owns(id) !== false) return id;
  }
}
