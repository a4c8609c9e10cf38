import type { Allowances } from "./check.ts";
import { concerns, type Ledger, NEVER, type SessionRecord, type WillRecord } from "./ledger.ts";

/** Checks that the wills of the lost were published, and no others. */
export function checkWills(ledger: Ledger, { mayRefuse }: Allowances): void {
  for (const will of ledger.wills) {
    for (const session of ledger.sessions) {
      const hasCome = session.deliveries.some(({ publication }) =>
        publication === will.publication
      );
      const { id, publisher } = will.publication;
      const where = `${session.clientId} got #${id}, the will of ${publisher},`;
      if (hasCome && will.connection?.endedAt === NEVER) ledger.fault(`${where} who is alive`);
      if (!hasCome && !mayRefuse && isDue(will, session)) ledger.fault(`${where} never`);
    }
  }
}

/** Whether the client was certainly lost and the session certainly subscribed all the time. */
function isDue(will: WillRecord, session: SessionRecord): boolean {
  const { connection, isForgone, publication } = will;
  if (connection === null || connection.endedAt === NEVER || isForgone) return false;
  return session.endedAt === NEVER &&
    session.subscriptions.some((one) =>
      one.group === null && one.qos > 0 && concerns(one, session.clientId, publication) &&
      one.grantedAt < publication.sentAt && one.endRequestedAt === NEVER
    );
}
