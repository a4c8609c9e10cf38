import { assertEquals, assertThrows } from "@std/assert";
import { matchesFilter } from "../router/topic.ts";
import { client, publication, subscription } from "./testdata/requests.ts";
import { ACL_FILTERS_MAX, coversFilter, expandNames, TopicAcl } from "./topic_acl.ts";

const names = { username: "ann", clientId: "c1" };

/** Every text of up to so many levels. */
function texts(levels: readonly string[], count: number): string[] {
  if (count === 1) return [...levels];
  return texts(levels, count - 1).flatMap((text) => [text, ...levels.map((l) => `${text}/${l}`)]);
}

Deno.test("coversFilter() never says yes where a topic would slip through", () => {
  const topics = [...new Set(texts(["a", "b", "", "$x"], 4))];
  const filters = [...new Set(texts(["a", "b", "+", "#", ""], 3))]
    .filter((filter) => !/#./.test(filter) && filter !== "");
  const withDollar = [...filters, "$x/#", "$x/+", "$x/a", "$x"];
  let covered = 0;
  for (const filter of withDollar) {
    for (const asked of withDollar) {
      const matched = topics.filter((topic) => topic !== "" && matchesFilter(asked, topic));
      const isCovered = matched.every((topic) => matchesFilter(filter, topic));
      if (coversFilter(filter, asked)) {
        covered++;
        assertEquals(isCovered, true, `${filter} does not cover ${asked}`);
      }
      // It says no where it could say yes only of filters that match the same in other words.
      if (isCovered && !asked.includes("#")) assertEquals(coversFilter(filter, asked), true);
    }
  }
  assertEquals(covered > 500, true);
});

Deno.test("coversFilter() keeps the system's topics apart [MQTT-4.7.2-1]", () => {
  assertEquals(coversFilter("#", "$SYS/#"), false);
  assertEquals(coversFilter("+/a", "$SYS/a"), false);
  assertEquals(coversFilter("$SYS/#", "$SYS/a"), true);
  assertEquals(coversFilter("#", "#"), true);
});

Deno.test("expandNames() never makes a filter match more than its pattern", () => {
  assertEquals(expandNames("users/%u/%c/#", names), "users/ann/c1/#");
  assertEquals(expandNames("%u", names), "ann");
  assertEquals(expandNames("a-%u-b/%%u", names), "a-ann-b/%ann");
  assertEquals(expandNames("a/%x", names), "a/%x");
  // What stands in a name stays: it is put in once.
  assertEquals(expandNames("%u/%c", { username: "%c", clientId: "x" }), "%c/x");
  for (const name of ["", "+", "#", "a/b", "a+", "#x", "/"]) {
    assertEquals(expandNames("users/%u/x", { username: name, clientId: "x" }), null);
    assertEquals(expandNames("users/%c/x", { username: "x", clientId: name }), null);
  }
  assertEquals(expandNames("%u/x", { username: "$SYS", clientId: "x" }), null);
  assertEquals(expandNames("a/%u", { username: "$SYS", clientId: "x" }), "a/$SYS");
  assertEquals(expandNames("a/%u", { username: null, clientId: "x" }), null);
  assertEquals(expandNames("a/$&/%u", { username: "$&$1", clientId: "x" }), "a/$&/$&$1");
});

Deno.test("TopicAcl allows what it lists and nothing else", () => {
  const acl = new TopicAcl({ publish: ["out/%u/#", "log"], subscribe: ["in/+", "b/#"] });
  const may = (topic: string) => acl.mayPublish(client, publication(topic));
  assertEquals(["out/ann", "out/ann/x", "log"].map(may), [true, true, true]);
  assertEquals(["out/bob", "out", "log/x", "in/a", "$SYS"].map(may), Array(5).fill(false));
  const maySubscribe = (filter: string) => acl.maySubscribe(client, subscription(filter));
  assertEquals(["in/a", "in/+", "b", "b/#", "b/+/c"].map(maySubscribe), Array(5).fill(true));
  assertEquals(["in/#", "in", "#", "+/a", "log"].map(maySubscribe), Array(5).fill(false));
  // The list is asked about somebody else.
  const bob = { ...client, username: "bob" };
  assertEquals(acl.mayPublish(bob, publication("out/bob")), true);
  assertEquals(acl.mayPublish(bob, publication("out/ann")), false);
  assertEquals(acl.mayPublish({ ...bob, username: "+" }, publication("out/bob")), false);
  assertEquals(may("out/bob"), false);
  const closed = new TopicAcl({ subscribe: ["#"] });
  assertEquals(closed.mayPublish(client, publication("a")), false);
  assertEquals(closed.maySubscribe(client, subscription("$SYS/#")), false);
});

Deno.test("TopicAcl names what is wrong with a list", () => {
  const faulty: [value: unknown, fault: string][] = [
    [null, "not an object"],
    [["a"], "not an object"],
    ["a", "not an object"],
    [{ publish: "a" }, '"publish" is not a list'],
    [{ publish: [1] }, "something but texts"],
    [{ subscribe: ["a/#/b"] }, "has # before its last level"],
    [{ subscribe: [""] }, "is empty"],
    [{ subscribe: ["$share/g/a"] }, "shared"],
    [{ read: [] }, 'unknown "read"'],
    [{ publish: Array(ACL_FILTERS_MAX + 1).fill("a") }, "257 filters, of at most 256"],
  ];
  for (const [value, fault] of faulty) {
    assertThrows(() => new TopicAcl(value), TypeError, fault);
  }
  new TopicAcl({ publish: Array(ACL_FILTERS_MAX).fill("a") });
});
