/** The authorizer with lists of topic filters, such as the claims of a token. */
import {
  isDollarTopic,
  levelEnd,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
} from "../router/topic.ts";
import type { ClientInfo } from "./authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "./authorizer.ts";

/** The most filters of each kind. Every check goes through the list. */
export const ACL_FILTERS_MAX = 256;

/** The lists of a token or an answer: topic filters, with `%u` and `%c` for the client's names. */
interface TopicLists {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * Allows a client what lists of topic filters say, and nothing else.
 *
 * A subscription is allowed if one filter of the list matches every topic that the subscription
 * matches. Several filters together do not count.
 */
export class TopicAcl implements Authorizer {
  readonly #lists: TopicLists;
  /** The lists with the names of the last client filled in. It is usually the same client. */
  #named: TopicLists;
  #client: ClientInfo | null = null;

  /**
   * Reads `{ "publish": […], "subscribe": […] }`. A missing list allows nothing.
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

  /** Whether one filter of the list matches everything that the requested filter matches. */
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
 * Replaces `%u` and `%c` by names.
 *
 * @returns `null` if a name is missing, or would change the filter: a name with `+`, `#` or `/`, or
 * at the beginning of the filter one with `$`.
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
 * Whether a filter matches every topic that another one matches. Both must be valid, and not
 * shared.
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
      // The filter may continue with "/#", which also matches the parent.
      return end === filter.length || filter.slice(end) === "/#";
    }
    if (end === filter.length) return false;
    at = end;
    to = askedEnd;
  }
}
