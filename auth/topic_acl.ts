import {
  isDollarTopic,
  levelEnd,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
} from "../router/topic.ts";
import type { ClientInfo } from "./authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "./authorizer.ts";

/** Filters of each kind in one list, which is gone through for each question. */
export const ACL_FILTERS_MAX = 256;

/** What a token or an answer lists: topic filters, in which `%u` and `%c` may stand for names. */
interface TopicLists {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * Allows one client what a list of topic filters says, and nothing else.
 *
 * A subscription is allowed if one filter of the list matches everything that
 * it matches; that several do so together is not enough.
 */
export class TopicAcl implements Authorizer {
  readonly #lists: TopicLists;
  /** The lists with the names of the client who was asked about last, who is mostly the same. */
  #named: TopicLists;
  #client: ClientInfo | null = null;

  /**
   * Reads `{ "publish": […], "subscribe": […] }`; what is left out allows nothing.
   *
   * @throws {TypeError} If it is something else, naming what.
   */
  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new TypeError("ACL is not an object");
    }
    const { publish, subscribe, ...others } = value as Record<string, unknown>;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw new TypeError(`ACL has an unknown "${unknown}"`);
    this.#named = this.#lists = {
      publish: filtersOf("publish", publish),
      subscribe: filtersOf("subscribe", subscribe),
    };
  }

  /** Whether a filter of the list matches the topic. */
  mayPublish(client: ClientInfo, { topic }: PublishRequest): boolean {
    return this.#listsOf(client).publish.some((filter) => matchesFilter(filter, topic));
  }

  /** Whether a filter of the list matches everything that is asked for. */
  maySubscribe(client: ClientInfo, { filter: asked }: SubscribeRequest): boolean {
    return this.#listsOf(client).subscribe.some((filter) => coversFilter(filter, asked));
  }

  #listsOf(client: ClientInfo): TopicLists {
    if (client === this.#client) return this.#named;
    const expand = (filters: readonly string[]) =>
      filters.map((filter) => expandNames(filter, client)).filter((filter) => filter !== null);
    const { publish, subscribe } = this.#lists;
    this.#client = client;
    return this.#named = { publish: expand(publish), subscribe: expand(subscribe) };
  }
}

function filtersOf(name: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new TypeError(`ACL "${name}" is not a list`);
  if (value.length > ACL_FILTERS_MAX) {
    throw new TypeError(`ACL "${name}" has ${value.length} filters, of at most ${ACL_FILTERS_MAX}`);
  }
  return value.map((filter: unknown) => {
    if (typeof filter !== "string") throw new TypeError(`ACL "${name}" has something but texts`);
    const fault = topicFilterFault(filter);
    if (fault !== null) throw new TypeError(`ACL "${name}" has a filter that ${fault}`);
    if (parseSharedFilter(filter) !== null) {
      throw new TypeError(
        `ACL "${name}" has a shared filter: only what comes after the group counts`,
      );
    }
    return filter;
  });
}

/**
 * Puts names in the place of `%u` and `%c`.
 *
 * @returns `null` if a name is missing, or would make another filter of it: one
 * with `+`, `#` or `/`, and at the beginning one with `$`.
 */
export function expandNames(
  filter: string,
  names: Pick<ClientInfo, "username" | "clientId">,
): string | null {
  let isSafe = true;
  const expanded = filter.replace(/%[uc]/g, (mark, at: number) => {
    const name = mark === "%u" ? names.username : names.clientId;
    if (name === null || name === "" || /[+#/]/.test(name)) isSafe = false;
    else if (at === 0 && name.startsWith("$")) isSafe = false;
    return name ?? "";
  });
  return isSafe ? expanded : null;
}

/**
 * Tells whether a filter matches every topic that another one matches. Both
 * are valid and not shared.
 */
export function coversFilter(filter: string, asked: string): boolean {
  if (isDollarTopic(asked) && !isDollarTopic(filter)) return false;
  for (let at = 0, to = 0;; at++, to++) {
    const end = levelEnd(filter, at);
    const askedEnd = levelEnd(asked, to);
    const level = filter.slice(at, end);
    const askedLevel = asked.slice(to, askedEnd);
    if (level === "#") return true;
    if (askedLevel === "#") return false;
    if (level !== "+" && level !== askedLevel) return false;
    if (askedEnd === asked.length) {
      // The filter may go on with "/#", which matches the parent, too.
      return end === filter.length || filter.slice(end) === "/#";
    }
    if (end === filter.length) return false;
    at = end;
    to = askedEnd;
  }
}
