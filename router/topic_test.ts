import { assertEquals } from "@std/assert";
import {
  hasWildcard,
  isReservedTopic,
  matchesFilter,
  parseSharedFilter,
  topicFilterFault,
  topicNameFault,
} from "./topic.ts";
import {
  newSeed,
  randomFilter,
  randomFrom,
  randomTopic,
  slowlyMatches,
} from "./testdata/random_topics.ts";

/** Asserts that a filter matches all of the first topics and none of the second. */
function assertMatches(filter: string, yes: readonly string[], no: readonly string[] = []): void {
  assertEquals(topicFilterFault(filter), null, filter);
  for (const topic of [...yes, ...no]) {
    assertEquals(topicNameFault(topic), null, topic);
    assertEquals(matchesFilter(filter, topic), yes.includes(topic), `${filter} on ${topic}`);
  }
}

Deno.test("isReservedTopic() knows what is not for clients", () => {
  for (const topic of ["$SYS", "$SYS/", "$SYS/a", "$CONTROL", "$CONTROL/x/v1", "$replay/day"]) {
    assertEquals(isReservedTopic(topic), true, topic);
  }
  for (const topic of ["$SYSTEM", "$sys/a", "a/$SYS", "$", "SYS/a", "$CONTROLS/a", "$SYS\n"]) {
    assertEquals(isReservedTopic(topic), false, topic);
  }
});

Deno.test("topicNameFault() accepts every other character", () => {
  for (
    const topic of ["a", "/", "//", " ", "a/b c/é", "$SYS/x", "\ufeff", "😀/\u0001", "$share/g/t"]
  ) {
    assertEquals(topicNameFault(topic), null, topic);
  }
});

Deno.test("topicNameFault() rejects the empty name [MQTT-4.7.3-1]", () => {
  assertEquals(topicNameFault(""), "is empty");
});

Deno.test("topicNameFault() rejects wildcards anywhere [MQTT-4.7.0-1]", () => {
  for (const topic of ["+", "#", "a/+", "a/#", "a+", "#a/b"]) {
    assertEquals(topicNameFault(topic), "contains a wildcard", topic);
  }
});

Deno.test("topicNameFault() rejects U+0000 [MQTT-4.7.3-2]", () => {
  assertEquals(topicNameFault("a/\0"), "contains U+0000");
});

Deno.test("topicFilterFault() rejects the empty filter [MQTT-4.7.3-1]", () => {
  assertEquals(topicFilterFault(""), "is empty");
});

Deno.test("topicFilterFault() rejects U+0000 [MQTT-4.7.3-2]", () => {
  for (const filter of ["\0", "a/\0/#", "$share/g/\0", "$share/\0/t"]) {
    assertEquals(topicFilterFault(filter), "contains U+0000", filter);
  }
});

Deno.test("topicFilterFault() wants # alone in the last level [MQTT-4.7.1-1]", () => {
  for (const filter of ["#", "/#", "a/#", "+/#", "//#"]) {
    assertEquals(topicFilterFault(filter), null, filter);
  }
  for (const filter of ["a#", "#a", "a/b#", "##", "a/##", "+#", "#+"]) {
    assertEquals(topicFilterFault(filter), "has a wildcard that shares its level", filter);
  }
  for (const filter of ["#/", "#/a", "a/#/b", "#/#"]) {
    assertEquals(topicFilterFault(filter), "has # before its last level", filter);
  }
});

Deno.test("topicFilterFault() wants + alone in any level [MQTT-4.7.1-2]", () => {
  for (const filter of ["+", "/+", "+/", "+/+", "+/a/+", "a/+/b", "$SYS/+"]) {
    assertEquals(topicFilterFault(filter), null, filter);
  }
  for (const filter of ["a+", "+a", "a/b+/c", "++", "a/++"]) {
    assertEquals(topicFilterFault(filter), "has a wildcard that shares its level", filter);
  }
});

Deno.test("topicFilterFault() wants a ShareName [MQTT-4.8.2-1]", () => {
  assertEquals(topicFilterFault("$share/g/t"), null);
  assertEquals(topicFilterFault("$share//t"), "has an empty ShareName");
  assertEquals(topicFilterFault("$share/"), "has an empty ShareName");
  assertEquals(topicFilterFault("$share"), null, "is no shared filter at all");
  assertEquals(topicFilterFault("$shared/g"), null, "is no shared filter at all");
});

Deno.test("topicFilterFault() wants no wildcard in a ShareName, a filter after it [MQTT-4.8.2-2]", () => {
  for (const filter of ["$share/g//", "$share/g/#", "$share/g/+/a", "$share/$g/$SYS/#"]) {
    assertEquals(topicFilterFault(filter), null, filter);
  }
  for (const filter of ["$share/+/t", "$share/g+/t", "$share/#", "$share/g#/t"]) {
    assertEquals(topicFilterFault(filter), "has a wildcard in its ShareName", filter);
  }
  for (const filter of ["$share/g", "$share/g/"]) {
    assertEquals(topicFilterFault(filter), "has no filter after its ShareName", filter);
  }
  assertEquals(topicFilterFault("$share/g/a#"), "has a wildcard that shares its level");
});

Deno.test("parseSharedFilter() splits at the second slash only", () => {
  assertEquals(parseSharedFilter("$share/g/a/+/#"), { group: "g", filter: "a/+/#" });
  assertEquals(parseSharedFilter("$share/g//"), { group: "g", filter: "/" });
  assertEquals(parseSharedFilter("$share/g"), { group: "g", filter: "" });
  assertEquals(parseSharedFilter("$share/"), { group: "", filter: "" });
  assertEquals(parseSharedFilter("$share"), null);
  assertEquals(parseSharedFilter("a/$share/g/t"), null);
});

Deno.test("hasWildcard() finds + and #", () => {
  for (const filter of ["+", "#", "a/+", "a/#", "+/a"]) assertEquals(hasWildcard(filter), true);
  for (const filter of ["a", "/", "a/b", "$SYS/a"]) assertEquals(hasWildcard(filter), false);
});

Deno.test("matchesFilter() compares exact levels, empty ones too", () => {
  assertMatches("a/b", ["a/b"], ["a", "a/", "a/b/", "a/b/c", "/a/b", "a/bc", "a/B"]);
  assertMatches("a/", ["a/"], ["a", "a//", "a/b", "/a"]);
  assertMatches("/a", ["/a"], ["a", "//a", "/a/"]);
  assertMatches("/", ["/"], ["//", "a", "a/", "/a"]);
  assertMatches("$SYS/a", ["$SYS/a"], ["SYS/a", "$SYS"]);
});

Deno.test("matchesFilter() lets # match the parent and everything below [MQTT-4.7.1-1]", () => {
  assertMatches("#", ["a", "/", "a/b", "//", "/$"]);
  assertMatches("a/#", ["a", "a/", "a/b", "a//", "a/b/c"], ["ab", "b", "/a", "b/a", "ab/c"]);
  assertMatches("/#", ["/", "/a", "//", "/a/b"], ["a", "a/", "a/b"]);
  assertMatches("a//#", ["a/", "a//", "a//b"], ["a", "a/b"]);
});

Deno.test("matchesFilter() lets + match exactly one level, even an empty one [MQTT-4.7.1-2]", () => {
  assertMatches("+", ["a", "ab", "\ufeff"], ["/", "/a", "a/", "a/b"]);
  assertMatches("/+", ["/", "/a"], ["a", "//", "/a/b"]);
  assertMatches("+/+", ["/", "/a", "a/", "a/b"], ["a", "//", "a/b/c"]);
  assertMatches("a/+/b", ["a//b", "a/x/b"], ["a/b", "a/x/y/b", "a/x/b/"]);
  assertMatches("a/+", ["a/", "a/b"], ["a", "a/b/", "a/b/c"]);
});

Deno.test("matchesFilter() lets a/+/# match its parent a/b [MQTT-4.7.1-2]", () => {
  assertMatches("a/+/#", ["a/b", "a/", "a/b/", "a/b/c/d"], ["a", "b/b"]);
  assertMatches("+/#", ["a", "a/b", "/", "a/b/c"]);
});

Deno.test("matchesFilter() keeps first-level wildcards off $ topics [MQTT-4.7.2-1]", () => {
  assertMatches("#", [], ["$SYS", "$SYS/a", "$", "$/"]);
  assertMatches("+", [], ["$SYS", "$"]);
  assertMatches("+/a", ["x/a"], ["$SYS/a"]);
  assertMatches("+/#", ["x/a"], ["$SYS/a", "$SYS"]);
  assertMatches("$SYS/#", ["$SYS", "$SYS/", "$SYS/a/b"], ["$SY", "SYS/a"]);
  assertMatches("$SYS/+", ["$SYS/a", "$SYS/$"], ["$SYS"]);
  assertMatches("a/+", ["a/$SYS"]);
});

Deno.test("matchesFilter() normalises nothing [MQTT-4.7.3-4]", () => {
  assertMatches("é", ["é"], ["e\u0301", "É"]);
  assertMatches("\ufeffa", ["\ufeffa"], ["a"]);
  assertMatches("a/+", ["a/😀", "a/\ufeff"], ["a/😀/"]);
});

Deno.test("matchesFilter() walks topics of 65,535 levels", () => {
  const slashes = "/".repeat(65_534);
  assertMatches("#", [slashes]);
  assertMatches(slashes, [slashes], [slashes.slice(1)]);
  assertMatches("+/".repeat(32_766) + "#", [slashes, "/".repeat(32_765)], ["/".repeat(32_764)]);
  assertMatches("+/".repeat(32_767) + "+", ["/".repeat(32_767)], [slashes]);
});

Deno.test("matchesFilter() agrees with the slow way on 200,000 random pairs", () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  for (let pair = 0; pair < 200_000; pair++) {
    const filter = randomFilter(random);
    const topic = randomTopic(random);
    if (matchesFilter(filter, topic) !== slowlyMatches(filter, topic)) {
      throw new Error(`Cannot agree on ${filter} and ${topic}: seed ${seed}`);
    }
  }
});
