/** The authentication of a client before CONNACK: by its CONNECT, or by AUTH packets (MQTT 5 §4.12). */
import { answered, decisionOf, exchangeOf, stepOf } from "../../auth/answer.ts";
import type {
  AuthenticationStep,
  ConnectRequest,
  Decision,
  Grant,
} from "../../auth/authenticator.ts";
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
export type AuthenticationResult = Authenticated | ConnectRefusal | null;

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
    // It is borrowed from the input, and the authenticator may take its time.
    password: packet.password?.slice() ?? null,
    address: peer.address,
    listener: policy.name,
    certificate: peer.certificate ?? null,
    protocolVersion: packet.protocolVersion,
    userProperties: packet.properties.userProperties ?? [],
  };
}

/** Asks the authenticator about a CONNECT without Authentication Method. */
export function authenticate(
  { policy }: ClientConnection,
  request: ConnectRequest,
): AuthenticationResult | Promise<AuthenticationResult> {
  if (policy.identityAsUsername || policy.subjectAsUsername) return CERTIFIED;
  const decision = answered(policy.authenticator.authenticate(request), decisionOf);
  return decision instanceof Promise ? decision.then(resultOf) : resultOf(decision);
}

function resultOf(decision: Decision): AuthenticationResult {
  return decision.reasonCode === ReasonCode.Success
    ? { grant: decision }
    : new ConnectRefusal(decision.reasonCode, decision.reasonString);
}

/** Begins an enhanced authentication, and takes its first step with the data of CONNECT. */
export function beginAuthentication(
  connection: ClientConnection,
  request: ConnectRequest,
  method: string,
  data: Uint8Array | null,
): AuthenticationResult | Promise<AuthenticationResult> {
  const exchange = exchangeOf(connection.policy.authenticator.begin?.(method, request));
  if (exchange === null) {
    return new ConnectRefusal(ReasonCode.BadAuthenticationMethod, `Unknown method: ${method}`);
  }
  connection.auth = { method, exchange };
  return continueAuthentication(connection, data);
}

/** Takes one step of an enhanced authentication, with the data of CONNECT or AUTH. */
export function continueAuthentication(
  connection: ClientConnection,
  data: Uint8Array | null,
): AuthenticationResult | Promise<AuthenticationResult> {
  const step = answered(connection.auth!.exchange!.next(data), stepOf);
  return step instanceof Promise
    ? step.then((later) => stepTaken(connection, later))
    : stepTaken(connection, step);
}

function stepTaken(connection: ClientConnection, step: AuthenticationStep): AuthenticationResult {
  if (!connection.isOpen) return null;
  switch (step.kind) {
    case "continue":
      sendAuth(connection, ReasonCode.ContinueAuthentication, step);
      return null;
    case "failure":
      return new ConnectRefusal(step.reasonCode, step.reasonString);
    case "success":
      connection.auth!.exchange = null;
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
