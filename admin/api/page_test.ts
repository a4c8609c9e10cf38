import { assertEquals, assertThrows } from "@std/assert";
import { RequestError } from "../http/request_error.ts";
import { type Page, type PageRequest, pageRequest, selectPage } from "./page.ts";
import type { Place } from "./place.ts";

function pageOf(entries: readonly Place[], request: PageRequest): Page<Place> {
  const steps = selectPage(entries, (entry) => entry, request);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const place = (key: string, rank = 0): Place => ({ key, rank });
const keysOf = ({ entries }: Page<Place>) => entries.map(({ key }) => key).join("");

Deno.test("selectPage() sorts by rank, the highest first, and then by key", () => {
  const entries = [place("c"), place("b", 2), place("a"), place("z", 2)];
  assertEquals(keysOf(pageOf(entries, { limit: 10, after: null })), "bzac");
});

Deno.test("selectPage() goes on after the cursor, whatever has come and gone meanwhile", () => {
  const entries = "hgfedcba".split("").map((key) => place(key));
  const first = pageOf(entries, { limit: 3, after: null });
  assertEquals(keysOf(first), "abc");
  // The last entry of the page has gone, and another one has come before it.
  const changed = [...entries.filter(({ key }) => key !== "c"), place("aa")];
  const request = pageRequest({ limit: 3, cursor: first.next! });
  const second = pageOf(changed, request);
  assertEquals(keysOf(second), "def");
  const last = pageOf(changed, pageRequest({ limit: 3, cursor: second.next! }));
  assertEquals([keysOf(last), last.next], ["gh", null]);
});

Deno.test("selectPage() says that a page is the last one if nothing follows", () => {
  const entries = [place("a"), place("b")];
  assertEquals(pageOf(entries, { limit: 2, after: null }).next, null);
  assertEquals(pageOf([], { limit: 2, after: null }), { entries: [], places: [], next: null });
});

Deno.test("pageRequest() refuses a cursor that comes from no page", () => {
  for (const cursor of ["x", "!!", btoa("[1]"), btoa('["a","b"]'), btoa('[1,"a",2]')]) {
    assertThrows(() => pageRequest({ limit: 1, cursor }), RequestError, "meta.next");
  }
});
