import { assertEquals, assertThrows } from "@std/assert";
import type { BridgeTopic } from "./options.ts";
import { bridgeTopicFault, renamed, topicMapOf } from "./topic_map.ts";

/** Topics, with what a topic is called on the other side: `-` where it does not go. */
const CASES: [string, BridgeTopic, out: [string, string][], into: [string, string][]][] = [
  ["a pattern is the same on both sides", { pattern: "a/#", direction: "both" }, [
    ["a/b", "a/b"],
    ["a", "a"],
    ["b", "-"],
  ], [["a/b/c", "a/b/c"]]],
  [
    "prefixes are exchanged",
    {
      pattern: "+/x",
      direction: "both",
      localPrefix: "L/",
      remotePrefix: "R/S/",
    },
    [["L/7/x", "R/S/7/x"], ["7/x", "-"], ["L/7/y", "-"]],
    [["R/S/7/x", "L/7/x"]],
  ],
  [
    "a prefix may end within a level",
    {
      pattern: "bar/#",
      direction: "both",
      localPrefix: "foo",
      remotePrefix: "",
    },
    [["foobar/x", "bar/x"]],
    [["bar/x", "foobar/x"]],
  ],
  [
    "an empty pattern maps one topic",
    {
      pattern: "",
      direction: "both",
      localPrefix: "here/one",
      remotePrefix: "there/other",
    },
    [["here/one", "there/other"], ["here/one/x", "-"]],
    [["there/other", "here/one"]],
  ],
  ["the default is out", { pattern: "#" }, [["a", "a"]], [["a", "-"]]],
  ["# matches no topic of $SYS", { pattern: "#", direction: "both" }, [["$SYS/a", "-"]], [[
    "$SYS/a",
    "-",
  ]]],
  [
    "${1} is the level of the first +",
    {
      pattern: "+/state",
      direction: "out",
      localPrefix: "hall/",
      remotePrefix: "plant/${1}/",
    },
    [["hall/7/state", "plant/7/7/state"]],
    [],
  ],
  [
    "${1} is turned around the other way",
    {
      pattern: "+/state/+",
      direction: "both",
      localPrefix: "hall/",
      remotePrefix: "${2}/plant/",
    },
    [["hall/7/state/on", "on/plant/7/state/on"]],
    [["on/plant/7/state/on", "hall/7/state/on"]],
  ],
  [
    "${1} in the local prefix",
    {
      pattern: "+/#",
      direction: "in",
      localPrefix: "from/${1}/",
      remotePrefix: "r/",
    },
    [],
    [["r/x/y/z", "from/x/x/y/z"], ["r/x", "from/x/x"]],
  ],
];

for (const [what, topic, out, into] of CASES) {
  Deno.test(`renamed(): ${what}`, () => {
    const map = topicMapOf([topic]);
    for (const [from, to] of out) {
      assertEquals(renamed(map.out, from)?.topic ?? "-", to);
    }
    for (const [from, to] of into) assertEquals(renamed(map.in, from)?.topic ?? "-", to);
  });
}

Deno.test("renamed() goes by the first rule that matches, as in mosquitto", () => {
  const map = topicMapOf([
    { pattern: "a/b", remotePrefix: "first/" },
    { pattern: "a/#", remotePrefix: "second/" },
  ]);
  assertEquals(renamed(map.out, "a/b")?.topic, "first/a/b");
  assertEquals(renamed(map.out, "a/c")?.topic, "second/a/c");
});

const FAULTS: [string, BridgeTopic, RegExp][] = [
  ["an empty pattern without prefixes", { pattern: "", localPrefix: "a" }, /needs both/],
  ["a wildcard in a prefix", { pattern: "a", localPrefix: "+/" }, /local prefix must have no/],
  ["a filter that is none", { pattern: "a/#/b" }, /a\/#\/b/],
  ["${1} without a +", { pattern: "#", remotePrefix: "${1}/" }, /\$\{1\} stands for a \+/],
  ["${2} with one +", { pattern: "+", remotePrefix: "${2}/" }, /which has 1/],
  ["${1} within a level that is subscribed to", {
    pattern: "+",
    direction: "both",
    remotePrefix: "x${1}/",
  }, /"x\+\/\+"/],
];

for (const [what, topic, fault] of FAULTS) {
  Deno.test(`bridgeTopicFault() refuses ${what}`, () => {
    assertEquals(
      fault.test(bridgeTopicFault(topic) ?? ""),
      true,
      bridgeTopicFault(topic) ?? "none",
    );
    assertThrows(() => topicMapOf([topic]), RangeError);
  });
}
