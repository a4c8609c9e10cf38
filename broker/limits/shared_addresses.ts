/** What all workers of a process count of each address, in shared memory. */
import { SharedLocks } from "./shared_locks.ts";

/** Addresses in the table. */
export const SHARED_ADDRESSES_MAX = 65_536;
/** Records of a bucket: an address is in one of those of its bucket. */
const BUCKET = 16;
const BUCKETS = SHARED_ADDRESSES_MAX / BUCKET;
/** The lock of the record of all addresses together, which is behind all others. */
const LOCK_OF_ALL = BUCKETS;

// The words of 32 bits of a record, and its numbers of 64 bits.
const IS_USED = 0;
const HIGH = 1;
const LOW = 2;
const USED_MS = 2;
const RATES = 3;
const RATE_NUMBERS = 4;
const HEAD_BYTES = 88;

/** A count of something that an address holds, and gives back. */
export type AddressCount = "connections" | "handshakes" | "delayed";
const COUNTS: readonly AddressCount[] = ["connections", "handshakes", "delayed"];

/** A rate of an address. */
export type AddressRate = "connects" | "failures";
const RATE_NAMES: readonly AddressRate[] = ["connects", "failures"];

/** A rate as its limits tell it: a token bucket. */
export interface RateLimit {
  /** Tokens that are added per second. */
  readonly perSecond: number;
  /** The maximum number of tokens. */
  readonly burst: number;
}

/** A held count, which has to be given back. */
export type HeldCount = number & { readonly held: unique symbol };

/**
 * A table of addresses in shared memory, of a fixed size. An address that is new takes the place of
 * the one of its bucket that holds nothing and was used least recently. Who may collide with whom
 * depends on a seed, so nobody can choose addresses that fill a bucket.
 *
 * A record is read and changed while its bucket is locked. Its counts have a cell for each worker,
 * that no other one writes: what a worker held that has died is given back by clearing its cells.
 */
export class SharedAddresses {
  readonly buffer: SharedArrayBuffer;
  readonly #nodes: number;
  readonly #node: number;
  readonly #seeds: Int32Array;
  readonly #locks: SharedLocks;
  /** Which buckets have had an address: the memory of the others was never used. */
  readonly #touched: Int32Array;
  /** The records, as words and as numbers. */
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #wordsEach: number;

  /**
   * @param node The worker that counts.
   * @param buffer That of the other workers; a new one by default.
   */
  constructor(nodes: number, node: number, buffer?: SharedArrayBuffer) {
    this.#nodes = nodes;
    this.#node = node;
    const recordBytes = HEAD_BYTES + Math.ceil(nodes * COUNTS.length / 2) * 8;
    const locksAt = 8;
    const touchedAt = locksAt + (BUCKETS + 1) * 4;
    const recordsAt = touchedAt + (BUCKETS + 1) * 4;
    const bytes = recordsAt + (SHARED_ADDRESSES_MAX + 1) * recordBytes;
    this.buffer = buffer ?? new SharedArrayBuffer(bytes);
    this.#seeds = new Int32Array(this.buffer, 0, 2);
    if (buffer === undefined) {
      this.#seeds.set(crypto.getRandomValues(new Int32Array(2)));
    }
    this.#locks = new SharedLocks(new Int32Array(this.buffer, locksAt, BUCKETS + 1), node);
    this.#touched = new Int32Array(this.buffer, touchedAt, BUCKETS + 1);
    this.#words = new Int32Array(this.buffer, recordsAt);
    this.#numbers = new Float64Array(this.buffer, recordsAt);
    this.#wordsEach = recordBytes / 4;
  }

  /**
   * Does something with the record of an address, while no other worker does. It must not wait.
   *
   * @param key As `addressKey()` tells it.
   * @param nowMs The wall clock, which all workers have in common.
   * @returns What it returned; `null` if all addresses of the bucket hold something, or the bucket
   * could not be locked.
   */
  use<T>(key: string, nowMs: number, use: (record: SharedAddress) => T): T | null {
    const [high, low] = wordsOf(key);
    const bucket = this.#bucketOf(high, low);
    if (!this.#locks.take(bucket)) return null;
    try {
      const at = this.#find(bucket, high, low) ?? this.#claim(bucket, high, low);
      if (at === null) return null;
      this.#numbers[at / 2 + USED_MS] = nowMs;
      return use(new SharedAddress(this.#record(at), nowMs));
    } finally {
      this.#locks.release(bucket);
    }
  }

  /** The same with the record of all addresses together. */
  useAll<T>(nowMs: number, use: (record: SharedAddress) => T): T | null {
    if (!this.#locks.take(LOCK_OF_ALL)) return null;
    try {
      return use(new SharedAddress(this.#record(SHARED_ADDRESSES_MAX * this.#wordsEach), nowMs));
    } finally {
      this.#locks.release(LOCK_OF_ALL);
    }
  }

  /** Gives a count back. */
  giveBack(held: HeldCount): void {
    Atomics.sub(this.#words, held, 1);
  }

  /** Gives back what a worker held. It must not run any more. */
  clear(node: number): void {
    const first = HEAD_BYTES / 4 + node * COUNTS.length;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (Atomics.load(this.#touched, bucket) === 0) continue;
      for (let i = 0; i < BUCKET; i++) {
        const at = first + (bucket * BUCKET + i) * this.#wordsEach;
        for (let cell = at; cell < at + COUNTS.length; cell++) Atomics.store(this.#words, cell, 0);
      }
    }
    this.#locks.clear(node);
  }

  #record(at: number): RecordPlace {
    return {
      words: this.#words,
      cells: at + HEAD_BYTES / 4,
      nodes: this.#nodes,
      node: this.#node,
      rates: this.#numbers.subarray(at / 2 + RATES, at / 2 + RATES + 2 * RATE_NUMBERS),
    };
  }

  #find(bucket: number, high: number, low: number): number | null {
    const words = this.#words;
    const first = bucket * BUCKET * this.#wordsEach;
    for (let i = 0, at = first; i < BUCKET; i++, at += this.#wordsEach) {
      if (words[at + HIGH] === high && words[at + LOW] === low && words[at + IS_USED] === 1) {
        return at;
      }
    }
    return null;
  }

  /** Makes a record, in the place of one that holds nothing. */
  #claim(bucket: number, high: number, low: number): number | null {
    let oldest: number | null = null;
    let usedMs = Infinity;
    const first = bucket * BUCKET * this.#wordsEach;
    for (let i = 0, at = first; i < BUCKET; i++, at += this.#wordsEach) {
      const atMs = this.#words[at + IS_USED] === 0 ? -1 : this.#numbers[at / 2 + USED_MS]!;
      if (atMs >= usedMs || this.#holds(at)) continue;
      oldest = at;
      usedMs = atMs;
    }
    if (oldest === null) return null;
    Atomics.store(this.#touched, bucket, 1);
    // A worker that dies between these leaves a free record.
    this.#words[oldest + IS_USED] = 0;
    this.#numbers.fill(0, oldest / 2 + USED_MS, oldest / 2 + HEAD_BYTES / 8);
    this.#words[oldest + HIGH] = high;
    this.#words[oldest + LOW] = low;
    this.#words[oldest + IS_USED] = 1;
    return oldest;
  }

  #holds(at: number): boolean {
    const cells = at + HEAD_BYTES / 4;
    for (let i = 0; i < this.#nodes * COUNTS.length; i++) {
      if (Atomics.load(this.#words, cells + i) !== 0) return true;
    }
    return false;
  }

  #bucketOf(high: number, low: number): number {
    const mixed = mix(mix(low ^ this.#seeds[0]!) ^ high ^ this.#seeds[1]!);
    return mixed % BUCKETS;
  }
}

/** Where a record is. */
interface RecordPlace {
  readonly words: Int32Array;
  /** The index of the cells of the first worker. */
  readonly cells: number;
  readonly nodes: number;
  readonly node: number;
  /** The numbers of its rates: rate, burst, tokens, and when they were counted. */
  readonly rates: Float64Array;
}

/** The record of an address, while its bucket is locked. */
export class SharedAddress {
  readonly #place: RecordPlace;
  readonly #nowMs: number;

  /** Created by the table. */
  constructor(place: RecordPlace, nowMs: number) {
    this.#place = place;
    this.#nowMs = nowMs;
  }

  /** How many the address holds, at all workers. */
  count(name: AddressCount): number {
    const { words, cells, nodes } = this.#place;
    let sum = 0;
    for (let i = 0; i < nodes; i++) {
      sum += Atomics.load(words, cells + i * COUNTS.length + COUNTS.indexOf(name));
    }
    return sum;
  }

  /** Counts one more, which `SharedAddresses.giveBack()` takes back. */
  hold(name: AddressCount): HeldCount {
    const { words, cells, node } = this.#place;
    const at = cells + node * COUNTS.length + COUNTS.indexOf(name);
    Atomics.add(words, at, 1);
    return at as HeldCount;
  }

  /** The tokens of a rate; negative for a debt. A rate whose limits have changed starts again. */
  tokens(name: AddressRate, { perSecond, burst }: RateLimit): number {
    const { rates } = this.#place;
    const at = RATE_NAMES.indexOf(name) * RATE_NUMBERS;
    const isMade = rates[at] === perSecond && rates[at + 1] === burst;
    // The wall clock may have been set back.
    const passedMs = Math.max(0, this.#nowMs - rates[at + 3]!);
    const tokens = isMade ? Math.min(burst, rates[at + 2]! + passedMs * perSecond / 1000) : burst;
    rates[at] = perSecond;
    rates[at + 1] = burst;
    rates[at + 2] = tokens;
    rates[at + 3] = this.#nowMs;
    return tokens;
  }

  /** Takes a token, even if there is none. Returns whether there was one. */
  spend(name: AddressRate, limit: RateLimit): boolean {
    const tokens = this.tokens(name, limit);
    this.#place.rates[RATE_NAMES.indexOf(name) * RATE_NUMBERS + 2] = tokens - 1;
    return tokens >= 1;
  }

  /** Takes a token if there is one. */
  take(name: AddressRate, limit: RateLimit): boolean {
    return this.tokens(name, limit) >= 1 && this.spend(name, limit);
  }
}

/** The words that an address is known by. No two keys have the same. */
function wordsOf(key: string): readonly [high: number, low: number] {
  if (key.includes(".")) {
    const [a, b, c, d] = key.split(".").map(Number) as [number, number, number, number];
    // The first half of an IPv6 address that nobody can have.
    return [0xffff, a << 24 | b << 16 | c << 8 | d];
  }
  const [a, b, c, d] = key.split(":").map((word) => parseInt(word, 16)) as [
    number,
    number,
    number,
    number,
  ];
  return [a << 16 | b, c << 16 | d];
}

/** Spreads the bits of a word over all of it. Each word has another result. */
function mix(word: number): number {
  let mixed = word ^ word >>> 16;
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ mixed >>> 16) >>> 0;
}
