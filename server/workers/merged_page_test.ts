import { assertEquals } from "@std/assert";
import { cursorOf } from "../../admin/api/page.ts";
import { mergePages } from "./merged_page.ts";

/** A page of a list of names. */
function page(names: readonly string[], limit: number, next: string | null) {
  const places = names.map((key) => cursorOf({ rank: 0, key }));
  return { data: names.map((id) => ({ id })), meta: { limit, next, places } };
}

Deno.test("mergePages() merges by the places of entries, and goes on where each node was left", () => {
  const first = [page(["a", "d"], 2, cursorOf({ rank: 0, key: "d" })), page(["b", "c"], 2, null)];
  const { data, meta } = mergePages(first, null);
  assertEquals(data, [{ id: "a" }, { id: "b" }]);
  const cursors = JSON.parse(atob(meta.next!.replaceAll("-", "+").replaceAll("_", "/")));
  assertEquals(cursors, [cursorOf({ rank: 0, key: "a" }), cursorOf({ rank: 0, key: "b" })]);
  const second = mergePages([page(["d", "e"], 2, null), page(["c"], 2, null)], cursors);
  assertEquals(second.data, [{ id: "c" }, { id: "d" }]);
  const last = mergePages([page(["e"], 2, null), page([], 2, null)], cursors);
  assertEquals([last.data, last.meta.next], [[{ id: "e" }], null]);
});

Deno.test("mergePages() merges what has a time by the time, the latest first", () => {
  const timed = (times: readonly string[]) => ({
    data: times.map((time) => ({ time })),
    meta: { limit: 3, next: null, places: times.map((_, i) => cursorOf({ rank: 9 - i, key: "" })) },
  });
  const { data } = mergePages([timed(["05", "01"]), timed(["04", "03"])], null);
  assertEquals(data, [{ time: "05" }, { time: "04" }, { time: "03" }]);
});
