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
}

/** The topic of a reader that has not found a message yet. */
export const NO_TOPIC: KnownTopic = {
  bytes: new Uint8Array(0),
  name: "",
  isMatch: false,
  tag: null,
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
    if (isSame(this.#last.bytes, bytes, start, end)) return this.#last;
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const place = (hash ^ hash >>> 15) & (TOPICS_MAX - 1);
    const known = this.#topics[place];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return this.#last = known;
    const own = bytes.slice(start, end);
    const name = decoder.decode(own);
    const isMatch = this.#filter === null || matchesFilter(this.#filter, name);
    return this.#last = this.#topics[place] = { bytes: own, name, isMatch, tag: null };
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
