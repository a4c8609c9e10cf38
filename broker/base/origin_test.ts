import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import { Origin } from "./origin.ts";

const ALL = [
  Origin.program,
  Origin.unknown,
  Origin.client("a"),
  Origin.client("link a"),
  Origin.bridge("a"),
  Origin.bridge("a b"),
  Origin.link("a"),
  Origin.link(""),
];

Deno.test("Origin.equals() holds for the same kind and name, whatever the object", () => {
  for (const [i, one] of ALL.entries()) {
    for (const [j, other] of ALL.entries()) assertEquals(one.equals(other), i === j);
  }
  assert(Origin.client("a").equals(Origin.client("a")));
  assert(Origin.link("a").equals(Origin.link("a")));
});

Deno.test("Origin has a client identifier if it is a client", () => {
  assertEquals(ALL.map(({ clientId }) => clientId), [
    ...[null, null],
    ...["a", "link a"],
    ...[null, null, null, null],
  ]);
  assert(Origin.client("a").isClient("a"));
  assertFalse(Origin.client("a").isClient("b"));
  assertFalse(Origin.link("a").isClient("a"));
});

Deno.test("Origin.parse() reads what toText() has made", () => {
  for (const origin of ALL) assert(Origin.parse(origin.toText()).equals(origin));
});

Deno.test("Origin keeps to the rows of earlier versions: a client identifier, or nothing", () => {
  assertEquals([Origin.client("a").toText(), Origin.program.toText()], ["a", ""]);
});

Deno.test("Origin.parse() takes what it does not know for unknown", () => {
  assertStrictEquals(Origin.parse("\0cloud a"), Origin.unknown);
  assertStrictEquals(Origin.parse("\0"), Origin.unknown);
});
