import type { Allowances } from "./check.ts";
import { concerns, type Delivery, type Ledger, NEVER, type Publication } from "./ledger.ts";
import type { SessionRecord, SubscriptionRecord } from "./ledger.ts";

/** Checks the retained messages that a session was sent for its subscriptions. */
export function checkRetained(
  ledger: Ledger,
  session: SessionRecord,
  { mayRefuse, mayRepeat = false }: Allowances,
): void {
  const retained = session.deliveries.filter(({ retain }) => retain);
  for (const delivery of retained) {
    const fault = faultOf(ledger, session, delivery, mayRepeat);
    const { id, topic } = delivery.publication;
    if (fault !== "") ledger.fault(`${session.clientId} got retained #${id} to ${topic} ${fault}`);
  }
  if (session.endedAt !== NEVER || mayRefuse) return;
  for (const subscription of session.subscriptions) {
    if (subscription.wantsRetained && subscription.qos > 0 && subscription.grantedAt !== NEVER) {
      checkSent(ledger, session, subscription, retained, mayRepeat);
    }
  }
}

/** What is wrong with a retained message; empty if nothing is. */
function faultOf(
  ledger: Ledger,
  session: SessionRecord,
  delivery: Delivery,
  mayLack: boolean,
): string {
  const { publication, qos, at } = delivery;
  if (!publication.retain) return "which was not to be retained";
  if (publication.isRefused && publication.sends === 1) return "which was refused";
  const possible = session.subscriptions.filter((one) =>
    one.mayGetRetained && one.requestedAt < at && concerns(one, session.clientId, publication)
  );
  if (possible.length === 0) return "which it did not ask for";
  const most = Math.min(publication.qos, Math.max(...possible.map((one) => one.qos)));
  if (qos > most) return `with QoS ${qos}, of at most ${most}`;
  const isCurrent = possible.some((one) =>
    isUnknown(one, publication, mayLack) || !isReplaced(ledger, publication, one.requestedAt)
  );
  return isCurrent ? "" : "which had been replaced";
}

/**
 * Whether what is retained at the node of the publisher may not be known at that of the subscriber:
 * while the link between them is cut.
 */
function isUnknown(
  { home }: SubscriptionRecord,
  publication: Publication,
  mayLack: boolean,
): boolean {
  return mayLack && home !== publication.home;
}

/** Whether a later message was retained in its place before `at`. */
function isReplaced(ledger: Ledger, { id, topic }: Publication, at: number): boolean {
  return ledger.publications.some((later) =>
    later.retain && later.topic === topic && later.id > id && later.ackedAt < at
  );
}

/** For every topic that had a retained message before the subscription, one has come since. */
function checkSent(
  ledger: Ledger,
  { clientId }: SessionRecord,
  subscription: SubscriptionRecord,
  retained: readonly Delivery[],
  mayLack: boolean,
): void {
  const before = ledger.publications.filter((publication) =>
    publication.retain && publication.ackedAt < subscription.requestedAt &&
    !isUnknown(subscription, publication, mayLack) && concerns(subscription, clientId, publication)
  );
  for (const topic of new Set(before.map((publication) => publication.topic))) {
    // Its publisher may have sent a QoS 0 message there since, and that may be lost.
    const isLoose = ledger.publications.some((one) => one.topic === topic && one.qos === 0);
    const hasCome = retained.some(({ publication, at }) =>
      publication.topic === topic && at > subscription.requestedAt
    );
    if (!hasCome && !isLoose) {
      ledger.fault(`${clientId} got nothing retained on ${topic} for ${subscription.filter}`);
    }
  }
}
