/** Ends what is left of bridges that were removed while the broker was stopped. */

/**
 * Every session of a bridge that outlives its connection subscribes to this topic, so that it is
 * known by it. Nothing is published there. A client that subscribes to it ends nothing but its own
 * session.
 */
export const SESSION_MARK = "$SYS/broker/bridges/session";

/** Sessions that are looked at in a turn. */
const SESSIONS_PER_TURN = 500;

/** What bridges see of any session. */
export interface SessionOfAny {
  /** The client identifier. */
  readonly clientId: string;
  /** Whether its client is connected. */
  readonly isConnected: boolean;
  /** How many subscriptions it has. */
  readonly subscriptionCount: number;
  /** The subscriptions. */
  subscriptions(): Iterable<{ readonly filter: string }>;
}

/** The sessions of a broker, as bridges need them. */
export interface SessionsHost {
  /** All sessions; some may be added and removed during the walk. */
  sessions(): Iterable<SessionOfAny>;
  /** Ends the session of a client. */
  endSession(clientId: string): void;
  /** Resolves in a later turn. */
  nextTurn(): Promise<void>;
}

/**
 * Ends the sessions of bridges that there are no more.
 *
 * @param isKnown Whether a client identifier is that of a bridge, or is to be left alone.
 * @returns The client identifiers of the sessions that were ended.
 */
export async function endRemoved(
  host: SessionsHost,
  isKnown: (clientId: string) => boolean,
): Promise<string[]> {
  const ended: string[] = [];
  let count = 0;
  for (const session of host.sessions()) {
    if (++count % SESSIONS_PER_TURN === 0) await host.nextTurn();
    if (session.isConnected || session.subscriptionCount === 0) continue;
    if (![...session.subscriptions()].some(({ filter }) => filter === SESSION_MARK)) continue;
    if (isKnown(session.clientId)) continue;
    host.endSession(session.clientId);
    ended.push(session.clientId);
  }
  return ended;
}
