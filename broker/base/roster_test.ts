import { assertEquals } from "@std/assert";
import { type Enlisted, Roster } from "./roster.ts";

interface Named extends Enlisted {
  readonly name: string;
}

function named(name: string): Named {
  return { name, rosterIndex: -1 };
}

Deno.test("Roster holds those that were added and not deleted", () => {
  const roster = new Roster<Named>();
  const [a, b, c] = [named("a"), named("b"), named("c")];
  for (const member of [a, b, c]) roster.add(member);
  assertEquals(roster.size, 3);
  roster.delete(a);
  assertEquals([...roster].map(({ name }) => name).sort(), ["b", "c"]);
  roster.delete(a);
  roster.delete(c);
  assertEquals([...roster], [b]);
  roster.add(a);
  roster.delete(b);
  roster.delete(a);
  assertEquals([roster.size, a.rosterIndex, b.rosterIndex], [0, -1, -1]);
});

Deno.test("Roster's members may come and go while it is walked", () => {
  const roster = new Roster<Named>();
  const members = ["a", "b", "c"].map(named);
  for (const member of members) roster.add(member);
  const seen: string[] = [];
  for (const member of roster) {
    seen.push(member.name);
    roster.delete(member);
    roster.add(named(`after ${member.name}`));
  }
  assertEquals([seen, roster.size], [["a", "b", "c"], 3]);
});
