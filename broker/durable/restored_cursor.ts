/** The reading on of a log from where a session stood when its row was written. */
import type { DurableCursor } from "./durable_cursor.ts";
import type { DurableLog } from "./durable_log.ts";
import type { ReaderRecord } from "./session_record.ts";

/** Makes the cursor of a reader from the store, before its log begins. */
export function cursorOf(
  log: DurableLog,
  record: Omit<ReaderRecord, "logId" | "doubtEnd">,
): DurableCursor {
  const cursor = log.cursor();
  const { variant } = record;
  // Nothing will be appended to a log that was shared. That of a session alone has no end, even if a
  // damaged row says so.
  const isOwn = variant === null;
  const end = isOwn ? Infinity : Math.min(record.end, log.end);
  const endWeight = isOwn ? Infinity : Math.min(record.endWeight, log.weight);
  // The last pages may be lost. New entries at their positions must not be skipped.
  const position = Math.min(record.position, log.end);
  const weight = Math.min(record.weight, log.weight);
  cursor.restore(log.pageAt(position), position, weight, end, endWeight);
  return cursor;
}
