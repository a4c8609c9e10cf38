/** The authentication of a client before CONNACK: by its CONNECT, or by AUTH packets (MQTT 5 §4.12). */
import { decisionOf, exchangeOf, stepOf } from "../../auth/answer.ts";
import type { ConnectRequest, Grant } from "../../auth/authenticator.ts";
import { type ConnectPacket, ReasonCode } from "../../codec/mod.ts";
import { isLoginFailure } from "../limits/login_limiter.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { Identity } from "./client_identity.ts";
import { ConnectRefusal } from "./connect_refusal.ts";
import { sendAuth } from "./handle_auth.ts";

/** The result of a successful authentication. */
export interface Authenticated {
  readonly grant: Grant;
  /** The last data of an enhanced authentication, for CONNACK. */
  readonly data?: Uint8Array | undefined;
}

/** `null` if the authentication continues with the next AUTH of the client. */
type AuthenticationResult = Promise<Authenticated | ConnectRefusal | null>;

/** The result if a certificate has authenticated the client. No authenticator is called. */
const CERTIFIED: Authenticated = { grant: {} };

/** The request that the authenticator receives. */
export function requestOf(
  { peer, policy }: ClientConnection,
  packet: ConnectPacket,
  identity: Identity,
): ConnectRequest {
  return {
    ...identity,
    password: packet.password,
    address: peer.address,
    listener: policy.name,
    certificate: peer.certificate ?? null,
    protocolVersion: packet.protocolVersion,
    userProperties: packet.properties.userProperties ?? [],
  };
}

/** Asks the authenticator about a CONNECT without Authentication Method. */
export async function authenticate(
  { policy }: ClientConnection,
  request: ConnectRequest,
): AuthenticationResult {
  if (policy.identityAsUsername || policy.subjectAsUsername) return CERTIFIED;
  const decision = decisionOf(await policy.authenticator.authenticate(request));
  if (decision.reasonCode !== ReasonCode.Success) {
    return new ConnectRefusal(decision.reasonCode, decision.reasonString);
  }
  return { grant: decision };
}

/** Begins an enhanced authentication, and takes its first step with the data of CONNECT. */
export async function beginAuthentication(
  connection: ClientConnection,
  request: ConnectRequest,
  method: string,
  data: Uint8Array | null,
): AuthenticationResult {
  const exchange = exchangeOf(connection.policy.authenticator.begin?.(method, request));
  if (exchange === null) {
    return new ConnectRefusal(ReasonCode.BadAuthenticationMethod, `Unknown method: ${method}`);
  }
  connection.auth = { method, exchange };
  return await continueAuthentication(connection, data);
}

/** Takes one step of an enhanced authentication, with the data of CONNECT or AUTH. */
export async function continueAuthentication(
  connection: ClientConnection,
  data: Uint8Array | null,
): AuthenticationResult {
  const auth = connection.auth!;
  const step = stepOf(await auth.exchange!.next(data));
  if (!connection.isOpen) return null;
  switch (step.kind) {
    case "continue":
      sendAuth(connection, ReasonCode.ContinueAuthentication, step);
      return null;
    case "failure":
      return new ConnectRefusal(step.reasonCode, step.reasonString);
    case "success":
      auth.exchange = null;
      return { grant: step, data: step.data };
  }
}

/**
 * Counts a refusal by the authenticator as a failed login, if it is one.
 *
 * @returns A delay to wait for before the answer, if logins from the address fail too often.
 */
export function countFailedLogin(
  { host }: ClientConnection,
  { address, clientId, username }: ConnectRequest,
  { reasonCode }: ConnectRefusal,
): PromiseLike<void> | null {
  if (!isLoginFailure(reasonCode)) return null;
  return host.limiters.logins.countFailure({ address, clientId, username, reasonCode });
}
