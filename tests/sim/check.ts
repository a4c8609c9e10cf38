/**
 * The invariants of delivery, checked when everyone who was subscribed is connected and nothing
 * moves any more.
 *
 * @module
 */
import {
  concerns,
  type Delivery,
  type Ledger,
  mayHold,
  mustHold,
  NEVER,
  type Publication,
  type SessionRecord,
  type SubscriptionRecord,
} from "./ledger.ts";
import { checkGroups } from "./check_groups.ts";
import { POOL } from "./scenario.ts";
import { checkRetained } from "./check_retained.ts";
import { checkWills } from "./check_wills.ts";

/** What may have happened without any fault of the broker's. */
export interface Allowances {
  /** Whether QoS 0 messages were dropped for a subscriber that lagged. */
  readonly mayLag: boolean;
  /** Whether acknowledged messages were dropped for a session with a full backlog. */
  readonly mayDrop: boolean;
  /** Whether the broker has crashed, and with it every session that does not survive. */
  readonly hasCrashed: boolean;
  /** Whether a full backlog had messages refused: then what no client can send again is lost. */
  readonly mayRefuse: boolean;
  /**
   * Whether the broker may have got a QoS 1 message again from another node: subscribers get it
   * again without DUP. False by default.
   */
  readonly mayRepeat?: boolean;
}

/** Checks all that was delivered and all that should have been. */
export function checkDeliveries(ledger: Ledger, allowances: Allowances): void {
  for (const session of ledger.sessions) {
    const live = session.deliveries.filter(({ retain }) => !retain);
    const fault = (text: string, { id, topic, qos }: Publication) =>
      ledger.fault(
        `${session.clientId} got #${id} to ${topic}, published with QoS ${qos}, ${text}`,
      );
    for (const delivery of live) checkSubscribed(session, delivery, fault);
    checkCopies(session, live, allowances, fault);
    checkOrder(session, live, allowances, fault);
    checkComplete(ledger, session, live, allowances, fault);
    checkRetained(ledger, session, allowances);
  }
  checkGroups(ledger, allowances);
  checkWills(ledger, allowances);
}

type Fault = (text: string, publication: Publication) => void;

/** Nothing comes that was not subscribed to, nor with a QoS that was not granted. */
function checkSubscribed(session: SessionRecord, delivery: Delivery, fault: Fault): void {
  const { publication, qos, identifiers } = delivery;
  const { clientId, subscriptions } = session;
  const matching = subscriptions.filter((one) => concerns(one, clientId, publication));
  const possible = matching.filter((one) => mayHold(one, publication));
  if (possible.length === 0) return fault("which it did not subscribe to", publication);
  const most = Math.min(publication.qos, Math.max(...possible.map((one) => one.qos)));
  if (qos > most) fault(`with QoS ${qos}, of at most ${most}`, publication);
  // What a shared group hands over is sent as the subscription of another member says.
  const certain = matching.filter((one) => one.group === null && mustHold(one, publication));
  const least = Math.min(publication.qos, Math.max(0, ...certain.map((one) => one.qos)));
  if (qos < least) fault(`with QoS ${qos}, of at least ${least}`, publication);
  if (identifiers !== null) {
    checkIdentifiers(identifiers, possible, certain, (text) => fault(text, publication));
  }
}

function checkIdentifiers(
  identifiers: readonly number[],
  possible: readonly SubscriptionRecord[],
  certain: readonly SubscriptionRecord[],
  fault: (text: string) => void,
): void {
  for (const identifier of identifiers) {
    if (!possible.some((one) => one.identifier === identifier)) {
      fault(`for subscription ${identifier}, which it is not for`);
    }
  }
  for (const { identifier } of certain) {
    if (identifier > 0 && !identifiers.includes(identifier)) {
      fault(`without the subscription identifier ${identifier}`);
    }
  }
}

/** QoS 2 comes once; a message comes again only if it was sent again, on one side or the other. */
function checkCopies(
  session: SessionRecord,
  live: readonly Delivery[],
  { hasCrashed, mayRepeat = false }: Allowances,
  fault: Fault,
): void {
  const copies = Map.groupBy(live, ({ publication }) => publication);
  for (const [publication, deliveries] of copies) {
    const first = deliveries.filter(({ dup }) => !dup).length;
    // Nothing of what was sent on with a lower QoS survives a crash before the acknowledgement.
    let most = publication.qos === 1 || hasCrashed ? publication.sends : 1;
    // What one member left to another with QoS 1 may be left once more by one who was restored,
    // and a will be published once more: nobody had promised yet that it was.
    const { topic } = publication;
    if (mayRepeat || hasCrashed && (topic.startsWith(POOL) || topic.startsWith("will/"))) {
      most = Infinity;
    }
    if (first > most) fault(`${first} times without DUP`, publication);
    const exact = deliveries.filter(({ qos }) => qos === 2).length;
    if (exact > 1) fault(`${exact} times with QoS 2`, publication);
    const isLoose = deliveries.every(({ qos }) => qos === 0);
    if (isLoose && deliveries.length > most) fault(`${deliveries.length} times`, publication);
    if (publication.isRefused && publication.sends === 1) fault("which was refused", publication);
    if (publication.sentAt > session.endedAt) fault("after its session had ended", publication);
  }
}

/** Messages of one publisher to one topic with one QoS come in their order [MQTT-4.6.0-5]. */
function checkOrder(
  session: SessionRecord,
  live: readonly Delivery[],
  { mayRefuse, mayRepeat = false }: Allowances,
  fault: Fault,
): void {
  const last = new Map<string, number>();
  const seen = new Set<Publication>();
  for (const { publication, qos } of live) {
    const { publisher, topic, id, sends } = publication;
    // Where the first copy was refused or dropped, another has taken its place.
    if (seen.has(publication) || (mayRefuse && sends > 1)) continue;
    if (!hasPlace(session, publication, qos, mayRepeat)) continue;
    seen.add(publication);
    const key = `${publisher} ${publication.qos} ${qos} ${topic}`;
    const before = last.get(key) ?? -1;
    if (id < before) fault(`after #${before}`, publication);
    last.set(key, id);
  }
}

/**
 * Whether the first copy that came is the first that the broker got. Where the publisher, or its
 * node, has sent it twice, the first may have found nobody at home.
 */
function hasPlace(
  session: SessionRecord,
  publication: Publication,
  qos: number,
  mayRepeat: boolean,
): boolean {
  // Neither a group of members nor the ends of several connections have an order.
  if (publication.topic.startsWith(POOL) || publication.topic.startsWith("will/")) return false;
  const isRepeated = mayRepeat &&
    session.subscriptions.some(({ home }) => home !== publication.home);
  if (!isRepeated && (publication.sends === 1 || publication.qos === 2)) return true;
  return qos > 0 && isCertain(session, publication, 1);
}

/** Whether a session was certainly subscribed to a message with so high a QoS. */
function isCertain(session: SessionRecord, publication: Publication, qosMin: number): boolean {
  const { clientId, subscriptions } = session;
  return subscriptions.some((one) =>
    one.group === null && one.qos >= qosMin && concerns(one, clientId, publication) &&
    mustHold(one, publication)
  );
}

/** What had to come has come. */
function checkComplete(
  ledger: Ledger,
  session: SessionRecord,
  live: readonly Delivery[],
  allowances: Allowances,
  fault: Fault,
): void {
  if (session.endedAt !== NEVER) return;
  const got = new Set(live.map(({ publication }) => publication));
  for (const publication of ledger.publications) {
    if (got.has(publication) || publication.sends === 0) continue;
    const isDue = publication.qos > 0
      ? !allowances.mayDrop && isCertain(session, publication, 1)
      : !allowances.mayLag && isDueLoosely(session, publication);
    if (isDue) fault("never", publication);
  }
}

/** QoS 0 gets lost with a connection, and only with one. */
function isDueLoosely(session: SessionRecord, publication: Publication): boolean {
  const { clientId, subscriptions, connections } = session;
  const { sentAt, connection } = publication;
  if (connection!.endedAt !== NEVER) return false;
  const own = connections.at(-1)!;
  return own.endedAt === NEVER &&
    subscriptions.some((one) =>
      one.group === null && concerns(one, clientId, publication) && one.grantedAt < sentAt &&
      one.grantedAt > own.openedAt && one.endRequestedAt === NEVER
    );
}
