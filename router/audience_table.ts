/** The audiences of all cached routes, found by the filters that they are made of. */
import { Audience } from "./audience.ts";
import type { FilterEntry } from "./filter_entry.ts";
import type { Subscriber, Subscription } from "./subscription.ts";

/** A larger audience is kept, because it is dear to put together. */
const ONCE_MEMBERS_MAX = 8;

/**
 * Creates audiences, and counts their memory. Topics that match the same filters share one
 * audience. It is kept as long as a route leads to it.
 */
export class AudienceTable<S extends Subscriber> {
  /**
   * Audiences of more than one filter, by the ids of their filters. A filter entry, or its only
   * subscription, holds the audience of that filter alone.
   */
  readonly #audiences = new Map<string, Audience<S>>();
  /** The audience of topics that no filter matches. It costs nothing. */
  readonly #nobody = new Audience<S>([]);
  #bytes = 0;

  /** Memory of the audiences, in bytes, as of when each was weighed last. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The audience of these filters; made if there is none. It keeps a copy of
   * them.
   */
  get(entries: readonly FilterEntry<S>[]): Audience<S> {
    if (entries.length === 0) return this.#nobody;
    if (entries.length === 1) return entries[0]!.solo ??= new Audience(entries);
    const key = keyOf(entries);
    let audience = this.#audiences.get(key);
    if (audience === undefined) this.#audiences.set(key, audience = new Audience([...entries]));
    return audience;
  }

  /** The audience of a subscription that is alone at its filter; made if there is none. */
  of(subscription: Subscription<S>): Audience<S> {
    let audience = soloOf(subscription);
    if (audience === null) subscription.solo = audience = new Audience(subscription);
    return audience;
  }

  /** An audience for now, like {@linkcode once}, of a subscription that is alone at its filter. */
  onceOf(subscription: Subscription<S>): Audience<S> {
    const kept = soloOf(subscription);
    if (kept === null) return Audience.ofOne(subscription);
    kept.refresh();
    return kept;
  }

  /**
   * An audience for now: it is not kept, and may not follow changes. It is that of other topics, if
   * there is one.
   *
   * @returns `null` if it would have to be made, and is wide, or has a shared group.
   */
  once(entries: readonly FilterEntry<S>[]): Audience<S> | null {
    if (entries.length === 0) return this.#nobody;
    const kept = entries.length === 1 ? entries[0]!.solo : null;
    if (kept !== null) {
      kept.refresh();
      this.weigh(kept);
      return kept;
    }
    const size = entries.reduce((sum, entry) => sum + entry.size, 0);
    const isPlain = size < ONCE_MEMBERS_MAX && entries.every(({ groups }) => groups === null);
    return isPlain ? new Audience([...entries]) : null;
  }

  /**
   * Counts the memory of an audience again, because its members may have changed.
   *
   * @returns Whether it costs anything.
   */
  weigh(audience: Audience<S>): boolean {
    if (audience === this.#nobody) return false;
    this.#bytes += audience.weigh();
    return true;
  }

  /** Removes an audience that has no route any more. Deliveries in progress still hold it. */
  remove(audience: Audience<S>): void {
    if (audience === this.#nobody) return;
    this.#bytes -= audience.unweigh();
    const { entries, only } = audience;
    if (only !== null) only.solo = null;
    else if (entries.length > 1) this.#audiences.delete(keyOf(entries));
    else if (entries.length === 1) entries[0]!.solo = null;
  }
}

/**
 * Moves the audience of a subscription that is no longer alone at its filter, or no longer there.
 *
 * @param heir The subscription of the same subscriber that replaces it, the entry of the filter, or
 * `null` for nothing.
 */
export function passSolo<S extends Subscriber>(
  subscription: Subscription<S>,
  heir: Subscription<S> | FilterEntry<S> | null,
): void {
  const audience = soloOf(subscription);
  if (audience === null) return;
  subscription.solo = null;
  if (heir !== null) heir.solo = audience;
  audience.become(heir);
}

function soloOf<S extends Subscriber>({ solo }: Subscription<S>): Audience<S> | null {
  return solo as Audience<S> | null;
}

function keyOf(entries: readonly { readonly id: number }[]): string {
  return entries.map((entry) => entry.id).sort((a, b) => a - b).join();
}
