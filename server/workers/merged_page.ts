/** Lists of several nodes as one list, page by page. */
import { compare } from "../../admin/api/place.ts";
import { placeOf } from "../../admin/api/page.ts";
import { json } from "../../admin/http/http_responses.ts";
import { RequestError } from "../../admin/http/request_error.ts";
import type { NodeAdmins, NodeRequest } from "./node_admins.ts";

/** A page of one node. */
interface NodePage {
  readonly data: readonly Record<string, unknown>[];
  readonly meta: {
    readonly limit: number;
    readonly next: string | null;
    readonly places: string[];
  };
}

/**
 * Answers with a page of the lists of all nodes. Its cursor says where each of them goes on.
 *
 * @throws {RequestError} 400 if the cursor is none of these.
 */
export async function mergedPage(admins: NodeAdmins, request: NodeRequest): Promise<Response> {
  const given = request.query.get("cursor");
  const cursors = given === null ? null : cursorsOf(given, admins.count);
  const responses = await admins.allOk((node) => {
    const query = new URLSearchParams(request.query);
    query.set("places", "true");
    query.delete("cursor");
    const cursor = cursors?.[node] ?? null;
    if (cursor !== null) query.set("cursor", cursor);
    return { ...request, query };
  });
  if (responses instanceof Response) return responses;
  const pages: NodePage[] = await Promise.all(responses.map((response) => response.json()));
  return json(mergePages(pages, cursors));
}

/** Merges pages: what happened last comes first, or each entry has its place. */
export function mergePages(pages: readonly NodePage[], cursors: readonly (string | null)[] | null) {
  const { limit } = pages[0]!.meta;
  const taken = pages.map(() => 0);
  const data: unknown[] = [];
  while (data.length < limit) {
    let first = -1;
    for (const [node, { data: entries }] of pages.entries()) {
      if (taken[node]! >= entries.length) continue;
      if (first < 0 || isBefore(pages[node]!, taken[node]!, pages[first]!, taken[first]!)) {
        first = node;
      }
    }
    if (first < 0) break;
    data.push(pages[first]!.data[taken[first]!++]);
  }
  const isLast = pages.every(({ data: entries, meta: { next } }, node) =>
    next === null && taken[node] === entries.length
  );
  const next = pages.map(({ meta: { places } }, node) =>
    taken[node] === 0 ? cursors?.[node] ?? null : places[taken[node]! - 1]!
  );
  return { data, meta: { limit, next: isLast ? null : cursorText(next) } };
}

function isBefore(a: NodePage, atA: number, b: NodePage, atB: number): boolean {
  const [timeA, timeB] = [a.data[atA]!.time, b.data[atB]!.time];
  // Entries with a time are numbered by each node for itself.
  if (typeof timeA === "string" && typeof timeB === "string") return timeA > timeB;
  return compare(placeOf(a.meta.places[atA]!), placeOf(b.meta.places[atB]!)) < 0;
}

function cursorText(cursors: readonly (string | null)[]): string {
  return btoa(JSON.stringify(cursors)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function cursorsOf(text: string, count: number): (string | null)[] {
  try {
    const cursors = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    const isOne = (one: unknown) => one === null || typeof one === "string";
    if (Array.isArray(cursors) && cursors.length === count && cursors.every(isOne)) return cursors;
  } catch {
    // It is told below.
  }
  throw new RequestError(400, '"cursor" expects the meta.next of another page', "cursor");
}
