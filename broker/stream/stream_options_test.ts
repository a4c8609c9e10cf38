import { assertEquals, assertThrows } from "@std/assert";
import {
  covers,
  declarationOf,
  DELIVERIES_MAX,
  isExcluded,
  isExcludedFilter,
  isGroupName,
  type StreamOptions,
} from "./stream_options.ts";

const DAY: StreamOptions = { name: "day", filters: ["s/#"], maxMessages: 10 };

Deno.test("declarationOf() fills in the defaults", () => {
  assertEquals(declarationOf(DAY), {
    name: "day",
    filters: ["s/#"],
    exclude: [],
    store: "disk",
    dead: null,
    deadReasons: [],
    maxDeliver: DELIVERIES_MAX,
    exclusiveGroups: [],
  });
});

Deno.test("declarationOf() names what a stream cannot have", () => {
  const cases: [Partial<StreamOptions>, string][] = [
    [{ filters: ["a/#/b"] }, '"a/#/b": '],
    [{ filters: ["$SYS/#"] }, "topics that begin with $ are in no stream"],
    [{ filters: ["$share/g/a"] }, "which groups read later: use a"],
    [{ exclude: ["$share/g/a"] }, "which groups read later: use a"],
    [{ dead: "day" }, "it cannot be the stream itself"],
    [{ dead: "no/name" }, 'dead letters in "no/name"'],
    [{ dead: "lost", deadReasons: ["lag" as "backlog"] }, '"lag" is none of '],
    [{ deadReasons: ["backlog"] }, "deadReasons needs a stream for dead letters"],
    [{ maxDeliver: 0 }, "maxDeliver must be a whole number from 1 on, not 0"],
    [{ exclusiveGroups: ["a/b"] }, '"a/b" cannot be a group'],
  ];
  for (const [options, fault] of cases) {
    assertThrows(() => declarationOf({ ...DAY, ...options }), RangeError, fault);
  }
});

Deno.test("covers() tells whether a filter matches all that another one matches", () => {
  const cases: [wide: string, filter: string, isCovered: boolean][] = [
    ["#", "a/+/b", true],
    ["a/#", "a", true],
    ["a/#", "a/#", true],
    ["a/+", "a/b", true],
    ["a/+", "a/#", false],
    ["a/+", "a", false],
    ["a/b", "a/+", false],
    ["a/b", "a/b/c", false],
    ["+/b", "a/b", true],
  ];
  for (const [wide, filter, isCovered] of cases) {
    assertEquals(covers(wide, filter), isCovered, `${wide} ${filter}`);
  }
});

Deno.test("isExcluded() and isExcludedFilter() tell what a stream leaves out", () => {
  const declaration = declarationOf({ ...DAY, exclude: ["s/+/raw", "s/debug/#"] });
  const topics = ["s/1/raw", "s/1", "s/debug", "s/debug/x"];
  assertEquals(topics.map((topic) => isExcluded(declaration, topic)), [true, false, true, true]);
  const filters = ["s/#", "s/1/+", "s/1/+/x", "s/debug", "s/+"];
  assertEquals(filters.map((filter) => isExcludedFilter(declaration, filter)), [
    ...[true, true, false, true, true],
  ]);
});

Deno.test("isGroupName() takes what can be a ShareName [MQTT-4.8.2-2]", () => {
  const names = ["workers", "a b", "", "a/b", "a+", "#"];
  assertEquals(names.map(isGroupName), [true, true, false, false, false, false]);
});
