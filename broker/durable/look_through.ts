/** How the waiting messages of a durable session are read in order without sending them. */
import {
  type BacklogLook,
  type BacklogPlace,
  isBehind,
  type WaitingMessage,
} from "../delivery/waiting_message.ts";
import type { Variant } from "../../router/variant.ts";
import type { DurableCursor } from "./durable_cursor.ts";
import { current, type DurableLog } from "./durable_log.ts";
import { LOST_VARIANT, type MessagePage } from "./message_page.ts";

/** A log that a session reads. */
interface Reader {
  readonly cursor: DurableCursor;
  /** The flags of its messages; `null` if its entries have them. */
  readonly variant: Variant | null;
}

/** One reader of a backlog during a look. */
interface Head {
  readonly look: BacklogLook;
  /** Its next message; `null` for none. */
  next: WaitingMessage | null;
}

/**
 * Looks through the logs that a session reads, in the order in which it will send their messages. A
 * message that another member of a shared subscription has handed over keeps the place that it had
 * there. So a look that begins behind that place skips it.
 *
 * @param after Begins behind this place; `null` for the beginning.
 */
export function* lookThrough(readers: readonly Reader[], after: BacklogPlace | null): BacklogLook {
  const heads: Head[] = [];
  for (const reader of [...readers]) {
    if (reader.cursor.lag <= 0) continue;
    const head: Head = { look: lookAt(reader, after), next: null };
    heads.push(head);
    yield* advance(head);
  }
  for (;;) {
    let first: Head | null = null;
    for (const head of heads) {
      if (head.next === null) continue;
      if (first === null || isBehind(first.next!.place, head.next.place)) first = head;
    }
    if (first === null) return;
    yield first.next;
    yield* advance(first);
  }
}

/** Goes on to the next message of a reader. */
function* advance(head: Head): BacklogLook {
  for (;;) {
    const { done, value } = head.look.next();
    head.next = null;
    if (done) return;
    if (value === null || value instanceof Promise) {
      yield value;
      continue;
    }
    head.next = value;
    return;
  }
}

/** Looks at the messages of one reader. Pages may be removed, and evicted, between two steps. */
function* lookAt({ cursor, variant }: Reader, after: BacklogPlace | null): BacklogLook {
  const { log, limit } = cursor;
  let { page, position } = cursor;
  for (;;) {
    page = current(page);
    position = Math.max(position, page.first);
    if (position >= limit) return;
    if (position >= page.end) {
      if (page.next === null) return;
      page = page.next;
      yield null;
    } else if (after !== null && isPassed(page, after)) position = page.end;
    else if (page.entries === null) yield loaded(log, page);
    else {
      const { entries, first } = page;
      for (const end = Math.min(page.end, limit); position < end; position++) {
        const entry = entries[position - first]!;
        const place: BacklogPlace = [entry.place.chunk.id, entry.place.index];
        const { message } = entry;
        if (message === null || entry.place.isRevoked || !isBehind(place, after)) yield null;
        else yield { place, message, variant: variant ?? entry.variant ?? LOST_VARIANT };
      }
    }
  }
}

/** Whether all entries of a page are before a place, as far as is known without loading it. */
function isPassed({ refs, entries }: MessagePage, [chunkId]: BacklogPlace): boolean {
  const last = entries === null ? refs?.at(-1) : entries.at(-1)?.place.chunk;
  return last !== undefined && last.id < chunkId;
}

function loaded(log: DurableLog, page: MessagePage): Promise<void> {
  return new Promise((resolve) => log.keeper.load(log, page, resolve));
}
