/** How a session follows a shared log before it has read anything there. */
import type { MessageFollows } from "../delivery/backlog.ts";
import { type Reader, readerOf } from "./log_reader.ts";
import type { SharedStart } from "./shared_start.ts";

/**
 * A session that follows a log from a shared start on, and has no cursor of its own yet. Most sessions
 * that follow are away, so they need little more than to know where they will begin to read. A
 * session may have several joins, as a list: a join names the one before it.
 */
export class Join {
  constructor(
    readonly start: SharedStart,
    readonly follows: MessageFollows,
    readonly before: Join | null,
  ) {}

  /** The reader of the session, from now on with a cursor of its own. Called once. */
  toReader(): Reader {
    const { start, follows } = this;
    const reader = readerOf(start.takeCursor(), follows.variant, follows);
    reader.start = start;
    return reader;
  }
}

/** How many joins there are. */
export function joinsOf(last: Join | null): number {
  let joins = 0;
  for (let join = last; join !== null; join = join.before) joins++;
  return joins;
}

/** How many messages wait where a session has joined. */
export function joinedMessages(last: Join | null): number {
  let messages = 0;
  for (let join = last; join !== null; join = join.before) messages += join.start.lag;
  return messages;
}

/** Their weight, in bytes. */
export function joinedBytes(last: Join | null): number {
  let bytes = 0;
  for (let join = last; join !== null; join = join.before) bytes += join.start.lagWeight;
  return bytes;
}
