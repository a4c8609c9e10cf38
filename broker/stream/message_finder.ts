/** Finds messages of a stream by their sequences. */
import { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";

/** Finds single messages of a stream by their sequences. */
export class MessageFinder {
  /** Has the message that was found last, until the next one. */
  readonly cursor: StreamCursor;

  /** @param filter What their topics match. */
  constructor(log: StreamLog, filter: string) {
    // It stands behind every message, and is told which one to look at.
    this.cursor = new StreamCursor(log, Number.MAX_SAFE_INTEGER, filter);
  }

  /** Looks for a message. What is `"unloaded"` must be loaded with the cursor first. */
  find(seq: number): "message" | "gone" | "unloaded" {
    const { cursor } = this;
    cursor.chosen = [seq];
    const found = cursor.next();
    cursor.missed = 0;
    cursor.gap = null;
    if (found === "unloaded") return found;
    return found === "message" ? found : "gone";
  }
}
