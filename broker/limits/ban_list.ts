/**
 * Clients that are refused until a time: by client identifier, user name or block of addresses.
 *
 * @module
 */
import { AddressList, hostOf } from "../../transport/cidr.ts";
import type { Clock } from "../base/clock.ts";

/** Bans at once. A ban beyond that is refused with an error. */
export const BANS_MAX = 10_000;
/** Bans of address blocks at once: each is compared for each connection. */
export const ADDRESS_BANS_MAX = 1000;

/** What a ban compares. */
export type BanKind = "clientId" | "username" | "address";

/** A client as a ban compares it. */
export interface BannedClient {
  readonly clientId: string;
  /** `null` for none. */
  readonly username: string | null;
  /** As in `PeerInfo`: with a port, or without. */
  readonly address: string;
}

/** One ban. */
export interface Ban {
  /** A number that no other ban of this broker has. */
  readonly id: number;
  readonly kind: BanKind;
  /** The client identifier, the user name, or the block of addresses. */
  readonly value: string;
  /** When it ends, by the broker's clock; `Infinity` for never. */
  readonly untilMs: number;
  /** Why, for operators; `""` if nobody has said. */
  readonly reason: string;
}

/** The bans of a broker. */
export class BanList {
  /**
   * Called with each ban that was added, replaced or ended, or has expired. Set by
   * `stored_bans.ts`.
   */
  onChanged: (ban: Ban) => void = () => {};
  readonly #clock: Clock;
  /** By {@linkcode keyOf}. */
  readonly #bans = new Map<string, Ban>();
  readonly #blocks = new Map<string, AddressList>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Every ban that is in effect, in the order in which they came. */
  all(): Ban[] {
    const now = this.#clock.now();
    for (const ban of this.#bans.values()) if (ban.untilMs <= now) this.#remove(ban);
    return [...this.#bans.values()];
  }

  /**
   * Adds a ban, or replaces the one of the same kind and value.
   *
   * @throws {RangeError} If there are too many.
   * @throws {TypeError} If the value is no address and no block of addresses.
   */
  add(ban: Omit<Ban, "id">): Ban {
    const key = keyOf(ban.kind, ban.value);
    const block = ban.kind === "address" ? new AddressList([ban.value]) : null;
    const { length } = this.all();
    const known = this.#bans.get(key);
    const isNew = known === undefined;
    if (isNew && length >= BANS_MAX) throw new RangeError(`There are ${BANS_MAX} bans already`);
    if (isNew && block !== null && this.#blocks.size >= ADDRESS_BANS_MAX) {
      throw new RangeError(`There are ${ADDRESS_BANS_MAX} bans of addresses already`);
    }
    if (!isNew) this.#remove(known);
    const added = { ...ban, id: ++this.#lastId };
    this.#bans.set(key, added);
    if (block !== null) this.#blocks.set(key, block);
    this.onChanged(added);
    return added;
  }

  /**
   * Adds a ban that was stored. Its kind and value must be those of no other one.
   *
   * @returns False if its time is over, or there are too many: it has no effect then.
   * @throws {TypeError} If the value is no address and no block of addresses.
   */
  restore(ban: Ban): boolean {
    if (ban.untilMs <= this.#clock.now() || this.#bans.size >= BANS_MAX) return false;
    const key = keyOf(ban.kind, ban.value);
    if (ban.kind === "address") {
      if (this.#blocks.size >= ADDRESS_BANS_MAX) return false;
      this.#blocks.set(key, new AddressList([ban.value]));
    }
    this.#bans.set(key, ban);
    this.#lastId = Math.max(this.#lastId, ban.id);
    return true;
  }

  /** Whether a ban is still there: nobody has ended or replaced it. */
  has({ id, kind, value }: Ban): boolean {
    return this.#bans.get(keyOf(kind, value))?.id === id;
  }

  /** Ends a ban. Returns `null` if there is none with this number. */
  delete(id: number): Ban | null {
    for (const ban of this.all()) {
      if (ban.id !== id) continue;
      this.#remove(ban);
      return ban;
    }
    return null;
  }

  /** Whether a client is banned now. */
  isBanned({ clientId, username, address }: BannedClient): boolean {
    if (this.#bans.size === 0) return false;
    if (this.#holds(keyOf("clientId", clientId))) return true;
    if (username !== null && this.#holds(keyOf("username", username))) return true;
    if (this.#blocks.size === 0) return false;
    const host = hostOf(address).split("%", 1)[0]!;
    for (const [key, block] of this.#blocks) {
      if (block.has(host) && this.#holds(key)) return true;
    }
    return false;
  }

  #holds(key: string): boolean {
    const ban = this.#bans.get(key);
    return ban !== undefined && ban.untilMs > this.#clock.now();
  }

  #remove(ban: Ban): void {
    const key = keyOf(ban.kind, ban.value);
    this.#bans.delete(key);
    this.#blocks.delete(key);
    this.onChanged(ban);
  }
}

function keyOf(kind: BanKind, value: string): string {
  return `${kind}:${value}`;
}
