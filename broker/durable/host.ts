import type { Store } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { JournalHost } from "./journal.ts";
import { restore } from "./restore.ts";

/**
 * Has a broker keep in a store what must survive, and go on from what is there.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function openStore(core: Core, store: Store): Promise<void> {
  await restore(core, store, hostOf(core));
}

function hostOf(core: Core): JournalHost {
  const { clock, scheduler, calendar, limits, stats, hooks } = core;
  return {
    clock,
    scheduler,
    calendar,
    get cacheBytesMax(): number {
      return core.memory.pagesBytesMax;
    },
    journalBytesMax: limits.journalBytesMax,
    storedBytesMax: limits.storedBytesMax,
    endTurn: () => core.endTurn(),
    congested: (room) => core.congested(room),
    retainedOf: (topic) => core.retained.get(topic),
    failed: (error) => core.failed(error),
    expired: (messages) => stats.dropped.expired += messages,
    lost: (messages) => stats.messagesLost += messages,
    commitFailed: () => stats.commitsFailed++,
    full: (isFull) => core.guard(() => hooks.storeFull?.(isFull)),
  };
}
