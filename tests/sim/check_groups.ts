import {
  type Delivery,
  type Ledger,
  NEVER,
  type Publication,
  type SessionRecord,
  type SubscriptionRecord,
} from "./ledger.ts";
import type { Allowances } from "./check.ts";
import { POOL } from "./scenario.ts";
import { concerns, mayHold, mustHold } from "./ledger.ts";

interface GroupDelivery extends Delivery {
  readonly session: SessionRecord;
}

/** Checks that every message reaches one member of each shared group, and only one. */
export function checkGroups(ledger: Ledger, allowances: Allowances): void {
  const names = new Set(
    ledger.sessions.flatMap(({ subscriptions }) => subscriptions.map(({ group }) => group)),
  );
  for (const name of names) if (name !== null) checkGroup(ledger, name, allowances);
}

function checkGroup(ledger: Ledger, name: string, allowances: Allowances): void {
  const { mayRefuse, hasCrashed, mayRepeat = false } = allowances;
  const members = ledger.sessions.filter(({ subscriptions }) =>
    subscriptions.some(({ group }) => group === name)
  );
  const all: GroupDelivery[] = members.flatMap((session) =>
    session.deliveries.map((delivery) => ({ ...delivery, session }))
  );
  const copies = Map.groupBy(all, ({ publication }) => publication);
  for (const publication of ledger.publications) {
    if (publication.sends === 0 || !publication.topic.startsWith(POOL)) continue;
    const found = copies.get(publication) ?? [];
    const where = `#${publication.id} to ${publication.topic} came to group ${name}`;
    const count = checkOnce(publication, found, hasCrashed, mayRepeat);
    if (count !== "") ledger.fault(`${where} ${count}`);
    const isLost = !mayRefuse && found.length === 0 &&
      isDue(members, publication, name, hasCrashed);
    if (isLost) ledger.fault(`${where} never`);
  }
}

/** Says what is wrong with the number of copies. */
function checkOnce(
  publication: Publication,
  found: readonly GroupDelivery[],
  hasCrashed: boolean,
  mayRepeat: boolean,
): string {
  // Of a member whose session has ended another gets what it had not acknowledged.
  const lasting = found.filter(({ session }) => session.endedAt === NEVER);
  const first = lasting.filter(({ dup }) => !dup).length;
  const most = publication.qos === 1 ? publication.sends : 1;
  if (first > most && !hasCrashed && !mayRepeat) return `${first} times without DUP`;
  // Nor does a clean session survive that had it before the crash, unacknowledged.
  const exact = (hasCrashed ? lasting : found).filter(({ qos }) => qos === 2).length;
  return exact > 1 ? `${exact} times with QoS 2` : "";
}

/**
 * Whether the group certainly had a member to be sent it. What was on its way to one whose session
 * ends goes to another with QoS 1, and to nobody with QoS 2 [MQTT-4.8.2-5].
 */
function isDue(
  members: readonly SessionRecord[],
  publication: Publication,
  name: string,
  hasCrashed: boolean,
): boolean {
  if (publication.qos === 0) return false;
  const isFor = (session: SessionRecord) => (one: SubscriptionRecord) =>
    one.group === name && concerns(one, session.clientId, publication);
  const possible = members.filter((session) =>
    session.subscriptions.some((one) => isFor(session)(one) && mayHold(one, publication))
  );
  const isSafe = possible.every(({ endedAt, subscriptions }) =>
    // What went to a session that does not survive a crash has gone with it.
    (endedAt === NEVER || (publication.qos === 1 && !hasCrashed)) &&
    subscriptions.every(({ group, qos }) => group !== name || qos > 0)
  );
  return isSafe &&
    possible.some((session) =>
      session.endedAt === NEVER &&
      session.subscriptions.some((one) =>
        isFor(session)(one) && mustHold(one, publication) && one.endRequestedAt === NEVER
      )
    );
}
