/** How a message in flight stays in its log until it is acknowledged. */
import { current, type DurableLog } from "./durable_log.ts";
import type { Entry, MessagePage } from "./message_page.ts";

/** Keeps a message in flight in its log until it is acknowledged. */
export class MessageHold {
  constructor(readonly log: DurableLog, readonly page: MessagePage, readonly position: number) {
    log.hold(page);
  }

  /** The entry; `null` while it is not loaded, or if it has expired. */
  get entry(): Entry | null {
    const page = current(this.page);
    return page.entries?.[this.position - page.first] ?? null;
  }

  /** Whether the entry was removed. */
  get isRemoved(): boolean {
    return current(this.page).first > this.position;
  }

  /** Loads the entry, and calls `done`. */
  load(done: () => void): void {
    this.log.keeper.load(this.log, current(this.page), done);
  }

  /** The message was acknowledged. */
  release(): void {
    this.log.release(this.page);
  }
}
