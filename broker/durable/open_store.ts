/** How a broker opens its store. */
import type { Store } from "../../store/store.ts";
import { AccountRows } from "./account_rows.ts";
import type { DurableHost } from "./durable_host.ts";
import type { JournalHost } from "./journal.ts";
import { MeasuredStore } from "./measured_store.ts";
import { restore } from "./restore.ts";

/**
 * Connects a broker with a store, and restores its contents.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function openStore(broker: DurableHost, store: Store): Promise<void> {
  const { commits, clock } = broker.context;
  const measured = new MeasuredStore(store, commits, clock);
  const journal = await restore(broker, measured, journalHostOf(broker));
  broker.accountRows = new AccountRows(store, journal);
  await broker.accountRows.check();
}

function journalHostOf(broker: DurableHost): JournalHost {
  const { context, publisher, retained, retainedDeletions } = broker;
  const { clock, scheduler, calendar, limits, stats } = context;
  return {
    clock,
    scheduler,
    calendar,
    get cacheBytesMax(): number {
      return broker.memory.pagesBytesMax;
    },
    get journalBytesMax(): number {
      return limits.journalBytesMax;
    },
    get storedBytesMax(): number {
      return limits.storedBytesMax;
    },
    endTurn: () => broker.endTurn(),
    needRoom: (room) => publisher.needRoom(room),
    onStoring: () => publisher.onStoring(),
    retainedOf: (topic) => retained.get(topic),
    retainedSince: (topic) => retained.sinceOf(topic),
    retainedVersion: (topic) => retained.versionOf(topic),
    retainedDeletion: (topic) => retainedDeletions.versionOf(topic),
    reportError: (error) => context.reportError(error),
    onExpired: (messages) => stats.dropped.expired += messages,
    onLost: (messages) => stats.messagesLost += messages,
    onCommitFailed: () => stats.commitsFailed++,
    onFull: (isFull, reason) => context.guard(() => context.hooks.storeFull?.(isFull, reason)),
  };
}
