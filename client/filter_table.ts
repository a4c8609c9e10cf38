/** Finds the subscriptions of a client that a message is for. */
import { hasWildcard, matchesFilter, parseSharedFilter } from "../router/topic.ts";
import type { ClientMessage } from "./message.ts";
import type { SubscriptionRecord } from "./subscription.ts";

/** A filter. The server knows it once, however many subscriptions have it. */
interface FilterEntry {
  /** The filter without `$share/…`, which topics are matched with. */
  readonly pattern: string;
  /** The Subscription Identifier of the last SUBSCRIBE; 0 for none. */
  identifier: number;
  readonly records: Set<SubscriptionRecord>;
}

/** Finds the subscriptions that a message is for. */
export class FilterTable {
  readonly #entries = new Map<string, FilterEntry>();
  /** Entries with wildcards. */
  readonly #patterns = new Set<FilterEntry>();
  readonly #byIdentifier = new Map<number, Set<FilterEntry>>();

  /** Whether a subscription has this filter. */
  has(filter: string): boolean {
    return this.#entries.has(filter);
  }

  /** Whether a subscription has this identifier. */
  hasIdentifier(identifier: number): boolean {
    return this.#byIdentifier.has(identifier);
  }

  /** Adds a subscription. */
  add(record: SubscriptionRecord): void {
    for (const filter of record.filters) {
      const entry = this.#entries.get(filter) ?? this.#newEntry(filter);
      entry.records.add(record);
      this.#identify(entry, record.settings.identifier);
    }
  }

  /** Removes a subscription. */
  remove(record: SubscriptionRecord): void {
    for (const filter of record.filters) {
      const entry = this.#entries.get(filter);
      entry?.records.delete(record);
      if (entry === undefined || entry.records.size > 0) continue;
      this.#entries.delete(filter);
      this.#patterns.delete(entry);
      this.#identify(entry, 0);
    }
  }

  /**
   * The subscriptions that a message is for. A server may send a copy for each matching
   * subscription. If a copy has Subscription Identifiers, it is for those subscriptions only.
   * Otherwise the topic decides.
   */
  match({ topic, properties }: ClientMessage): Set<SubscriptionRecord> {
    const found = new Set<SubscriptionRecord>();
    for (const identifier of properties.subscriptionIdentifiers ?? []) {
      for (const entry of this.#byIdentifier.get(identifier) ?? []) collect(entry, topic, found);
    }
    if (found.size > 0) return found;
    const exact = this.#entries.get(topic);
    if (exact !== undefined) collect(exact, topic, found);
    for (const entry of this.#patterns) collect(entry, topic, found);
    return found;
  }

  #newEntry(filter: string): FilterEntry {
    const pattern = parseSharedFilter(filter)?.filter ?? filter;
    const entry: FilterEntry = { pattern, identifier: 0, records: new Set() };
    this.#entries.set(filter, entry);
    if (pattern !== filter || hasWildcard(filter)) this.#patterns.add(entry);
    return entry;
  }

  #identify(entry: FilterEntry, identifier: number): void {
    const known = this.#byIdentifier.get(entry.identifier);
    known?.delete(entry);
    if (known?.size === 0) this.#byIdentifier.delete(entry.identifier);
    entry.identifier = identifier;
    if (identifier === 0) return;
    const entries = this.#byIdentifier.get(identifier);
    if (entries === undefined) this.#byIdentifier.set(identifier, new Set([entry]));
    else entries.add(entry);
  }
}

function collect(entry: FilterEntry, topic: string, found: Set<SubscriptionRecord>): void {
  if (!matchesFilter(entry.pattern, topic)) return;
  for (const record of entry.records) found.add(record);
}
