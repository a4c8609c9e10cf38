import type { Store } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { Deadline } from "../scheduler.ts";
import type { Journal, JournalHost } from "./journal.ts";
import { restore } from "./restore.ts";

/** How long between two looks at what has expired, in milliseconds. */
const SWEEP_MS = 1000;

/**
 * Has a broker keep in a store what must survive, and go on from what is there.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function openStore(core: Core, store: Store): Promise<void> {
  const journal = await restore(core, store, hostOf(core));
  sweepLater(core, journal);
}

function hostOf(core: Core): JournalHost {
  const { clock, scheduler, calendar, limits, stats, hooks } = core;
  return {
    clock,
    scheduler,
    calendar,
    cacheBytesMax: limits.storeCacheBytesMax,
    journalBytesMax: limits.journalBytesMax,
    storedBytesMax: limits.storedBytesMax,
    endTurn: () => core.endTurn(),
    congested: (room) => core.congested(room),
    retainedOf: (topic) => core.retained.get(topic),
    failed: (error) => core.failed(error),
    lost: (messages) => stats.messagesLost += messages,
    full: (isFull) => {
      if (isFull) stats.commitsFailed++;
      core.guard(() => hooks.storeFull?.(isFull));
    },
  };
}

/** What has expired is of no use to anyone, and must not fill the disk until somebody comes. */
function sweepLater(core: Core, journal: Journal): void {
  const { scheduler, clock, stats } = core;
  const sweep = new Deadline(() => {
    stats.dropped.expired += journal.dropExpired();
    scheduler.set(sweep, clock.now() + SWEEP_MS);
  });
  scheduler.set(sweep, clock.now() + SWEEP_MS);
}
