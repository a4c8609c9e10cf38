import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { Random } from "../../tests/harness/random.ts";
import { TimeSlices } from "../time_slices.ts";
import { inOrder, ListIndex, startAfter } from "./list_index.ts";
import { compare, type Place } from "./place.ts";

const place = (key: string, rank = 0): Place => ({ key, rank });

function sorted(entries: Iterable<Place | null>): Place[] {
  const steps = inOrder(entries);
  for (let count = 1;; count++) {
    const step = steps.next();
    if (step.done) return step.value!;
  }
}

/** An index on a clock that stands still, and how often its list was walked. */
function world() {
  const clock = new VirtualClock();
  const slices = new TimeSlices({ clock, nextTurn: () => Promise.resolve() });
  slices.close();
  const walks: string[] = [];
  const index = new ListIndex(clock, slices);
  const places = (name: string, isFirst: boolean, keys = "ab") =>
    index.places(name, isFirst, function* () {
      walks.push(name);
      for (const key of keys) yield place(key);
    });
  return { clock, index, places, walks };
}

Deno.test("inOrder() sorts as Array.sort() does, whatever the length, and leaves out what is not listed", () => {
  const random = new Random(7);
  for (const length of [0, 1, 15, 16, 17, 1000, 5000]) {
    const all = Array.from({ length }, () => {
      return place(`${random.integer(0, 2000)}`, random.integer(0, 3));
    });
    assertEquals(sorted([null, ...all, null]), all.toSorted(compare));
  }
});

Deno.test("startAfter() finds the first place behind another, which need not be there", () => {
  const places = [place("b", 2), place("a"), place("c"), place("e")];
  assertEquals(startAfter(places, null), 0);
  assertEquals(startAfter(places, place("b", 2)), 1);
  assertEquals(startAfter(places, place("b")), 2);
  assertEquals(startAfter(places, place("d")), 3);
  assertEquals(startAfter(places, place("z")), 4);
});

Deno.test("ListIndex walks a list for its first page, and not for the next ones", async () => {
  const { clock, index, places, walks } = world();
  await places("id", true);
  for (let i = 0; i < 10; i++) {
    await clock.advance(30_000);
    await places("id", false);
  }
  assertEquals(walks, ["id"]);
  await places("id", true);
  assertEquals(walks, ["id", "id"], "a first page is up to date");
  await places("id", true);
  assertEquals(walks.length, 2, "but within a second all share one");
  index.stop();
});

Deno.test("ListIndex walks once for all who ask meanwhile", async () => {
  const { index, places, walks } = world();
  await Promise.all([places("id", true), places("id", true), places("id", false)]);
  assertEquals(walks, ["id"]);
  index.stop();
});

Deno.test("ListIndex keeps few orders, and those that are used no more for a minute", async () => {
  const { clock, index, places, walks } = world();
  for (const name of ["1", "2", "3", "4", "1", "5"]) await places(name, true);
  assertEquals(index.size, 4);
  walks.length = 0;
  await places("1", false);
  await places("2", false);
  assertEquals(walks, ["2"], "the one that was used longest ago was dropped");
  await clock.advance(130_000);
  assertEquals(index.size, 0);
  assert(await places("1", false));
  index.stop();
});
