/**
 * Pages of a list: sorted by a number and then by a key, so that a cursor stays valid while entries
 * come and go.
 *
 * @module
 */
import type { RequestPace } from "../http/request_pace.ts";
import { RequestError } from "../http/request_error.ts";
import { jsonText } from "../http/http_responses.ts";
import type { Fields, Values } from "../http/fields.ts";
import type { Route, Schema } from "../http/routes.ts";
import { type ListIndex, startAfter } from "./list_index.ts";
import { compare, type Place } from "./place.ts";
import type { Steps, TimeSlices } from "../time_slices.ts";

/** Entries of a page, at most. */
const PAGE_MAX = 1000;
const PAGE_INITIAL = 100;

/** The query parameters of every list. */
const PAGE_QUERY: Fields = {
  limit: {
    type: "integer",
    minimum: 1,
    maximum: PAGE_MAX,
    initial: PAGE_INITIAL,
    description: "How many entries the page has, at most",
  },
  cursor: {
    type: "string",
    lengthMax: 100_000,
    description: "Where the page begins: `meta.next` of the page before",
  },
  places: {
    type: "boolean",
    initial: false,
    description: "In lists that are sorted: whether `meta.places` has a cursor for each entry, " +
      "where a page begins behind it",
  },
};

/** The part of a list that a request asks for. */
export interface PageRequest {
  readonly limit: number;
  /** The last entry of the previous page; `null` for the first page. */
  readonly after: Place | null;
}

/** A part of a list. */
export interface Page<T> {
  readonly entries: readonly T[];
  /** Where they are in the list. */
  readonly places: readonly Place[];
  /** The cursor of the next page; `null` if this is the last one. */
  readonly next: string | null;
}

/**
 * Reads `limit` and `cursor`.
 *
 * @throws {RequestError} 400 if the cursor comes from no list.
 */
export function pageRequest({ limit, cursor }: Values): PageRequest {
  return { limit: limit as number, after: cursor === undefined ? null : placeOf(cursor as string) };
}

/**
 * Finds a page in entries in any order, one entry per step. It holds at most twice as many entries
 * as the page.
 *
 * @param place The place of an entry; `null` for one that does not belong to the list.
 */
export function* selectPage<T>(
  entries: Iterable<T>,
  place: (entry: T) => Place | null,
  { limit, after }: PageRequest,
): Steps<Page<T>> {
  let found: { readonly at: Place; readonly entry: T }[] = [];
  const shorten = () => {
    found = found.sort((a, b) => compare(a.at, b.at)).slice(0, limit + 1);
  };
  for (const entry of entries) {
    const at = place(entry);
    if (at !== null && (after === null || compare(after, at) < 0)) found.push({ at, entry });
    if (found.length >= 2 * (limit + 1)) shorten();
    yield;
  }
  shorten();
  const isLast = found.length <= limit;
  const shown = found.slice(0, limit);
  return {
    entries: shown.map(({ entry }) => entry),
    places: shown.map(({ at }) => at),
    next: isLast ? null : cursorOf(shown.at(-1)!.at),
  };
}

/** A list that is answered page by page. */
export interface PagedList<T> {
  readonly entries: Iterable<T>;
  /** The place of an entry; `null` for one that does not belong to the list. */
  place(entry: T): Place | null;
  /** An entry of the page as JSON. */
  view(entry: T): unknown;
}

/**
 * Answers with the page of a list that `limit` and `cursor` of a query ask for. The list is walked
 * in slices of time.
 *
 * @throws {RequestError} 400 if the cursor comes from no list.
 */
export async function answerPage<T>(
  slices: TimeSlices,
  query: Values,
  { entries, place, view }: PagedList<T>,
): Promise<Response> {
  const request = pageRequest(query);
  const page = await slices.run(selectPage(entries, place, request));
  return jsonText(await slices.run(pageText(page, query, view)));
}

/** The source of a list with a cached order. */
export interface IndexedParts {
  readonly slices: TimeSlices;
  readonly index: ListIndex;
  /** Limits the rate of large pages. */
  readonly pace: RequestPace;
}

/**
 * The same of a long list with an index: each page but the first costs what it shows.
 *
 * @param name What is selected, and how it is sorted.
 * @param get The entry with a key; `null` if it is gone, or does not belong to the list any more.
 */
export async function answerIndexedPage<T>(
  { slices, index, pace }: IndexedParts,
  query: Values,
  name: string,
  list: PagedList<T> & { get(key: string): T | null },
): Promise<Response> {
  const { limit, after } = pageRequest(query);
  if (limit > PAGE_INITIAL) await pace.wait();
  const { entries, place } = list;
  const places = await index.places(name, after === null, function* () {
    for (const entry of entries) yield place(entry);
  });
  if (places === null) return await answerPage(slices, query, list);
  const page = await slices.run(findPage(places, list.get, { limit, after }));
  return jsonText(await slices.run(pageText(page, query, list.view)));
}

/** Finds a page in a sorted list, one entry per step. */
function* findPage<T>(
  places: readonly Place[],
  get: (key: string) => T | null,
  { limit, after }: PageRequest,
): Steps<Page<T>> {
  const entries: T[] = [];
  const found: Place[] = [];
  let at = startAfter(places, after);
  for (; at < places.length && entries.length < limit; at++) {
    const entry = get(places[at]!.key);
    if (entry !== null) {
      entries.push(entry);
      found.push(places[at]!);
    }
    yield;
  }
  return { entries, places: found, next: at < places.length ? cursorOf(places[at - 1]!) : null };
}

/** A page as JSON, one entry per step. */
function* pageText<T>(
  { entries, places, next }: Page<T>,
  query: Values,
  view: (entry: T) => unknown,
): Steps<string> {
  const texts: string[] = [];
  for (const entry of entries) {
    texts.push(JSON.stringify(view(entry)));
    yield;
  }
  const { limit } = query;
  const meta = query.places ? { limit, next, places: places.map(cursorOf) } : { limit, next };
  return `{"data":[${texts.join(",")}],"meta":${JSON.stringify(meta)}}`;
}

/**
 * What all routes that list something share.
 *
 * @param query Query parameters beside those of every list.
 */
export function listOf(
  entry: Schema,
  query: Fields = {},
): Pick<Route, "method" | "scope" | "query" | "schema"> {
  return {
    method: "GET",
    scope: "read",
    query: { ...query, ...PAGE_QUERY },
    schema: pageSchema(entry),
  };
}

/** The schema of a page. */
export function pageSchema(entry: Schema): Schema {
  return {
    type: "object",
    required: ["data", "meta"],
    properties: {
      data: { type: "array", items: entry },
      meta: {
        type: "object",
        required: ["limit", "next"],
        properties: {
          limit: { type: "integer" },
          next: { type: ["string", "null"] },
          places: { type: "array", items: { type: "string" } },
        },
      },
    },
  };
}

/** The schema of an answer with one thing. */
export function dataSchema(data: Schema): Schema {
  return { type: "object", required: ["data"], properties: { data } };
}

/** A place as a cursor. */
export function cursorOf({ rank, key }: Place): string {
  const bytes = new TextEncoder().encode(JSON.stringify([rank, key]));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * The place that a cursor stands for.
 *
 * @throws {RequestError} 400 if it comes from no list.
 */
export function placeOf(cursor: string): Place {
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    const [rank, key, ...rest] = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof rank === "number" && typeof key === "string" && rest.length === 0) {
      return { rank, key };
    }
  } catch {
    // It is told below.
  }
  throw new RequestError(400, '"cursor" expects the meta.next of another page', "cursor");
}
