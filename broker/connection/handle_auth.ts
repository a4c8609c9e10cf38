/** Handles AUTH after CONNACK; checks and sends the AUTH packets of every authentication. */
import { exchangeOf, stepOf } from "../../auth/answer.ts";
import type { AuthenticationStep, ClientInfo, ConnectRequest } from "../../auth/authenticator.ts";
import { type AuthPacket, type Properties, ProtocolError, ReasonCode } from "../../codec/mod.ts";
import { ClientAccess } from "../session/client_access.ts";
import { reply } from "./responses.ts";
import type { ClientConnection } from "./client_connection.ts";
import { Granted } from "./credential_expiry.ts";
import { askAgain } from "./reauthorization.ts";

/** The reason string for a client whose authentication has expired. */
export const EXPIRED = "Authentication has expired";

/**
 * Handles an AUTH of a client that was accepted (§4.12.1).
 *
 * @param request The request with which the client was accepted.
 */
export async function reauthenticate(
  connection: ClientConnection,
  request: ConnectRequest,
  packet: AuthPacket,
): Promise<void> {
  const auth = connection.auth!;
  checkAuth(
    connection,
    packet,
    auth.exchange === null ? ReasonCode.ReAuthenticate : ReasonCode.ContinueAuthentication,
  );
  auth.exchange ??= exchangeOf(connection.policy.authenticator.begin?.(auth.method, request));
  if (auth.exchange === null) {
    return connection.disconnect(ReasonCode.BadAuthenticationMethod);
  }
  const step = stepOf(await auth.exchange.next(packet.properties.authenticationData ?? null));
  if (!connection.isOpen) return;
  if (step.kind === "failure") {
    return connection.disconnect(step.reasonCode, step.reasonString);
  }
  if (step.kind === "success") {
    auth.exchange = null;
    const { client } = connection;
    if (step.username !== undefined && step.username !== client!.username) {
      return connection.disconnect(ReasonCode.NotAuthorized, "Another user name");
    }
    if (!Granted.grant(connection, step)) {
      return connection.disconnect(ReasonCode.NotAuthorized, EXPIRED);
    }
    await permitAgain(connection, client!);
    if (!connection.isOpen) return;
  }
  sendAuth(connection, step.kind === "success" ? ReasonCode.Success : 0x18, step);
}

/**
 * Checks that an AUTH is the expected one.
 *
 * @throws {ProtocolError} If it has another reason code, or another method.
 */
export function checkAuth(
  connection: ClientConnection,
  packet: AuthPacket,
  expected: number,
): void {
  const { reasonCode, properties } = packet;
  if (reasonCode !== expected) {
    throw new ProtocolError(`AUTH with reason code ${reasonCode}`, 0, "MQTT-4.12.0-3");
  }
  if (properties.authenticationMethod !== connection.auth!.method) {
    throw new ProtocolError("AUTH with another method", 0, "MQTT-4.12.0-5");
  }
}

/** Sends the AUTH that is the result of one step of an authentication. */
export function sendAuth(
  connection: ClientConnection,
  reasonCode: number,
  step: AuthenticationStep,
): void {
  const properties: Properties = { authenticationMethod: connection.auth!.method };
  if (step.kind !== "failure" && step.data !== undefined) {
    properties.authenticationData = step.data;
  }
  reply(connection, { type: "auth", reasonCode, properties });
}

/** The permissions of a client by its grant; `null` for everything. */
export function accessOf(
  { context, authorizer }: ClientConnection,
  client: ClientInfo,
): ClientAccess | null {
  return authorizer === null ? null : new ClientAccess(context, authorizer, client);
}

/** Applies the permissions of a new authentication. */
async function permitAgain(connection: ClientConnection, client: ClientInfo): Promise<void> {
  const { host, session, isOpen } = connection;
  const access = accessOf(connection, client);
  if (!isOpen || session === null || (access === null && session.access === null)) return;
  session.permit(access);
  session.touch();
  if (access !== null) await askAgain(host, session, access);
}
