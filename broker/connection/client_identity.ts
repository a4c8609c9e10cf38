import type { Grant } from "../../auth/authenticator.ts";
import { type ConnectPacket, ReasonCode } from "../../codec/mod.ts";
import { newClientId } from "./client_id.ts";
import type { ConnectFault } from "./connect_validation.ts";
import type { Connection } from "./connection.ts";

/** The names that a client goes by, as the rules of its listener have it. */
export interface Identity {
  readonly clientId: string;
  readonly username: string | null;
}

/** The names of a client before it was authenticated, or why it is not let in. */
export function identify(connection: Connection, packet: ConnectPacket): Identity | ConnectFault {
  const { terms } = connection;
  const certified = terms.identityAsUsername || terms.subjectAsUsername;
  const username = certified ? certifiedName(connection) : packet.username;
  if (certified && !username) {
    return [ReasonCode.BadUserNameOrPassword, "There is no name in a certificate"];
  }
  const isAnonymous = username === null && packet.properties.authenticationMethod === undefined;
  if (isAnonymous && !terms.allowAnonymous) {
    return [ReasonCode.NotAuthorized, "User name is missing"];
  }
  if (packet.clientId === "" && !terms.allowZeroLengthClientId) {
    return [ReasonCode.ClientIdentifierNotValid, "Client identifier is empty"];
  }
  const own = terms.usernameAsClientId ? username : packet.clientId;
  const clientId = own || newClientId(connection.host, terms.autoIdPrefix);
  const isFinal = !terms.usernameAsClientId;
  return (isFinal ? faultOfId(connection, clientId) : null) ?? { clientId, username };
}

/** The names of a client that was authenticated, which may have given it another user name. */
export function settle(
  connection: Connection,
  known: Identity,
  grant: Grant,
): Identity | ConnectFault {
  const username = grant.username ?? known.username;
  if (!connection.terms.usernameAsClientId) return { clientId: known.clientId, username };
  if (!username) return [ReasonCode.NotAuthorized, "User name is missing"];
  return faultOfId(connection, username) ?? { clientId: username, username };
}

/** Whether it is a fault, and no identity. */
export function isFault(result: Identity | ConnectFault): result is ConnectFault {
  return Array.isArray(result);
}

function certifiedName({ peer, terms }: Connection): string | null {
  const { certificate } = peer;
  if (!certificate) return null;
  return terms.identityAsUsername ? certificate.commonName : certificate.subject;
}

function faultOfId({ terms }: Connection, clientId: string): ConnectFault | null {
  const { clientIdPrefixes: prefixes } = terms;
  if (prefixes === null || prefixes.some((prefix) => clientId.startsWith(prefix))) return null;
  return [ReasonCode.NotAuthorized, "Client identifier has none of the prefixes that are let in"];
}
