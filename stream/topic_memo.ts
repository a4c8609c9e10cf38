/** Remembers topics by their bytes. */
import { matchesFilter } from "../router/topic.ts";

/** The number of topics that are remembered; a power of two. */
const TOPICS_MAX = 256;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A topic that a reader has met. */
export interface KnownTopic {
  /** In UTF-8; never changes. */
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly isMatch: boolean;
  /** Data of the reader. */
  tag: unknown;
  /** The topic that was met after it the last time: often it is so again. */
  next: KnownTopic | null;
}

/** The topic of a reader that has not found a message yet. */
export const NO_TOPIC: KnownTopic = {
  bytes: new Uint8Array(0),
  name: "",
  isMatch: false,
  tag: null,
  next: null,
};

/** The topics that a reader found recently, by their bytes: a known topic is not decoded again. */
export class TopicMemo {
  readonly #filter: string | null;
  /** The topics by a hash of their bytes; made for the first topic. */
  readonly #topics: (KnownTopic | undefined)[] = [];
  #last = NO_TOPIC;

  /** @param filter The topic filter of the reader; `null` for all topics. */
  constructor(filter: string | null) {
    this.#filter = filter === "#" ? null : filter;
  }

  /** The topic whose name is in `bytes` from `start` to `end`, which are copied. */
  find(bytes: Uint8Array, start: number, end: number): KnownTopic {
    const last = this.#last;
    if (isSame(last.bytes, bytes, start, end)) return last;
    const { next } = last;
    if (next !== null && isSame(next.bytes, bytes, start, end)) return this.#last = next;
    const found = this.#lookUp(bytes, start, end);
    if (last !== NO_TOPIC) last.next = found;
    return this.#last = found;
  }

  #lookUp(bytes: Uint8Array, start: number, end: number): KnownTopic {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const place = (hash ^ hash >>> 15) & (TOPICS_MAX - 1);
    const known = this.#topics[place];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known;
    const own = bytes.slice(start, end);
    const name = decoder.decode(own);
    const isMatch = this.#filter === null || matchesFilter(this.#filter, name);
    return this.#topics[place] = { bytes: own, name, isMatch, tag: null, next: null };
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  // Topics differ at their ends more often than at their starts.
  for (let i = known.length - 1; i >= 0; i--) if (known[i] !== bytes[start + i]) return false;
  return true;
}
