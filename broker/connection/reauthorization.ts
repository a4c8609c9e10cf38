/** Asks again whether clients may keep their subscriptions and connections. */
import { ReasonCode } from "../../codec/mod.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { ClientConnection, ConnectionHost } from "./client_connection.ts";
import type { Session } from "../session/session.ts";
import { isReadElsewhere } from "../session/session_replays.ts";
import { endSubscription, maySubscribe } from "../session/subscriptions.ts";

/** The maximum number of sessions that are asked about at the same time. */
const SESSIONS_AT_ONCE = 16;
/**
 * The cost of asking an authorizer. Its time is unknown, so this makes the turn budget read the
 * clock.
 */
const UNITS_PER_QUESTION = 64;
/** The cost of a session about which nothing is asked. */
const UNITS_PER_SESSION = 1;

/**
 * Asks about all subscriptions of a session. Ends and counts those that are no longer allowed.
 *
 * @returns How many subscriptions have ended.
 * @throws What the authorizer throws. Subscriptions that were not asked about yet stay.
 */
export async function askAgain(
  host: ConnectionHost,
  session: Session,
  access: ClientAccess,
): Promise<number> {
  let ended = 0;
  for (const { filter, options } of session.subscriptions.values()) {
    const may = maySubscribe(access, filter, options.qos);
    const isAllowed = typeof may === "boolean" ? may : await may;
    if (!isAllowed && !session.hasEnded && endSubscription(host, session, filter)) {
      host.context.stats.subscriptionsRevoked++;
      ended++;
    }
    if (host.context.turns.spend(UNITS_PER_QUESTION)) await host.context.turns.next();
  }
  for (const record of session.replays?.records() ?? []) {
    // The node that reads it asks.
    if (isReadElsewhere(record)) continue;
    const { key, stream, filter, qos, group } = record;
    // The name of a group has the mount point before the name that its members use.
    const share = group === "" ? "" : `$share/${group.slice(group.lastIndexOf("/") + 1)}/`;
    const isAllowed = await maySubscribe(access, share + filter, qos) &&
      await maySubscribe(access, `${share}$replay/${stream}/${filter}`, qos);
    if (!isAllowed && !session.hasEnded && session.replays?.remove(key)) {
      host.context.stats.subscriptionsRevoked++;
      ended++;
    }
  }
  return ended;
}

/**
 * Asks again about every connected client and every subscription of every session, after a change
 * of accounts or permissions. For deliveries the change takes effect at once.
 *
 * @returns How many subscriptions have ended.
 */
export async function reauthorize(host: ConnectionHost): Promise<number> {
  const { context } = host;
  context.accessVersion++;
  host.router.uncheck();
  for (const connection of host.connections) context.guard(() => askToStay(connection));
  const sessions = host.sessions.values();
  let ended = 0;
  const ask = async () => {
    for (const session of sessions) {
      // Not `ended += await …`, which would read the sum before the wait.
      const count = await askSafely(host, session);
      ended += count;
      if (context.turns.spend(UNITS_PER_SESSION)) await context.turns.next();
    }
  };
  await Promise.all(Array.from({ length: SESSIONS_AT_ONCE }, ask));
  return ended;
}

/** Disconnects a client whose account is gone. A client with a certificate has no account. */
function askToStay(connection: ClientConnection): void {
  const { client, policy } = connection;
  const isCertified = policy.identityAsUsername || policy.subjectAsUsername;
  if (client === null || isCertified || policy.authenticator.mayStay === undefined) return;
  if (!policy.authenticator.mayStay(client)) connection.disconnect(ReasonCode.NotAuthorized);
}

async function askSafely(host: ConnectionHost, session: Session): Promise<number> {
  const { access } = session;
  if (access === null || session.hasEnded) return 0;
  try {
    const ended = await askAgain(host, session, access);
    // The read access filter of a wide audience may have the old answer.
    if (session.isRestricted) session.touch();
    return ended;
  } catch (error) {
    host.context.reportError(error);
    // Its rights are unknown. When the client returns, the authorizer is asked again.
    session.link?.disconnect(ReasonCode.NotAuthorized);
    return 0;
  }
}
