/** Finds messages of a stream by their sequences. */
import { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";

/** Finds single messages of a stream by their sequences. */
export class MessageFinder {
  /** Points to the message that was found last. */
  readonly cursor: StreamCursor;

  /** @param filter The filter of their topics. */
  constructor(log: StreamLog, filter: string) {
    // The cursor is at the end, and moves only to messages that are asked for.
    this.cursor = new StreamCursor(log, Number.MAX_SAFE_INTEGER, filter);
  }

  /** Looks for a message. If the result is `"unloaded"`, load it with the cursor first. */
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
