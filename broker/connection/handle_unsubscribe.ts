/** Handles UNSUBSCRIBE: ends subscriptions, and answers with UNSUBACK. */
import { ReasonCode, type UnsubscribePacket } from "../../codec/mod.ts";
import { topicFilterFault } from "../../router/topic.ts";
import type { ClientAccess } from "../session/client_access.ts";
import type { ClientConnection } from "./client_connection.ts";
import { eachInTurns, invalidFilter, then } from "./handle_subscribe.ts";
import { endSubscription, mayUnsubscribe } from "../session/subscriptions.ts";
import { replyAfter } from "./responses.ts";

/**
 * The cost of asking an authorizer. Its time is unknown, so this makes the turn budget read the
 * clock.
 */
const UNITS_PER_QUESTION = 64;

/** Handles an UNSUBSCRIBE (§3.10). */
export function unsubscribe(
  connection: ClientConnection,
  packet: UnsubscribePacket,
): PromiseLike<void> | null {
  const { access } = connection.session!;
  if (access === null || !access.checksUnsubscribe) return endAll(connection, packet, null);
  return askToEnd(connection, access, packet)
    .then((mayEnd) => endAll(connection, packet, mayEnd) ?? undefined);
}

/** Asks the authorizer about each valid filter. Invalid filters are refused anyway. */
async function askToEnd(
  connection: ClientConnection,
  access: ClientAccess,
  { filters }: UnsubscribePacket,
): Promise<boolean[]> {
  const { turns } = connection.context;
  const mayEnd: boolean[] = [];
  for (const filter of filters) {
    const isValid = topicFilterFault(filter) === null;
    const may = !isValid || mayUnsubscribe(access, mounted(connection, filter));
    mayEnd.push(typeof may === "boolean" ? may : await may);
    if (turns.spend(UNITS_PER_QUESTION)) await turns.next();
    if (!connection.isOpen) break;
  }
  return mayEnd;
}

/**
 * Ends subscriptions, and sends UNSUBACK.
 *
 * @param mayEnd Whether the client may end each of them; `null` for all.
 */
function endAll(
  connection: ClientConnection,
  packet: UnsubscribePacket,
  mayEnd: readonly boolean[] | null,
): PromiseLike<void> | null {
  if (!connection.isOpen) return null;
  const session = connection.session!;
  const reasonCodes: number[] = [];
  const step = (filter: string, i: number) => {
    if (topicFilterFault(filter) !== null) {
      reasonCodes.push(invalidFilter(connection, filter));
      return;
    }
    if (mayEnd !== null && !mayEnd[i]) {
      reasonCodes.push(ReasonCode.NotAuthorized);
      return;
    }
    const known = mounted(connection, filter);
    const isReplay = session.replays?.remove(filter) || session.replays?.remove(known);
    const existed = isReplay || endSubscription(connection.host, session, known);
    reasonCodes.push(existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted);
  };
  return then(eachInTurns(connection, packet.filters, step), () => {
    const respond = () => {
      if (!connection.isOpen) return;
      const commit = session.durableAfter();
      const { packetId } = packet;
      replyAfter(connection, commit, { type: "unsuback", packetId, reasonCodes, properties: {} });
    };
    // Meanwhile other packets are handled: the other node may wait for an acknowledgement.
    const removed = session.replays?.whenRemoved() ?? null;
    if (removed === null) respond();
    else void removed.then(respond);
    return null;
  });
}

/** A filter with the mount point. */
function mounted({ policy }: ClientConnection, filter: string): string {
  return policy.mount?.filter(filter) ?? filter;
}
