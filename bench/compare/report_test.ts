import { assert, assertEquals } from "@std/assert";
import { NATIVE } from "./brokers.ts";
import { median, medians } from "./measurement.ts";
import { benchmarksPage } from "./report.ts";
import type { Results, Row } from "./results.ts";

const ROW: Row = {
  title: "QoS 0",
  metrics: ["cpu", "rate"],
  brokers: {
    Fairway: { figures: { cpu: 2, rate: 100 }, faults: 0 },
    other: { figures: { cpu: 1, rate: 2000 }, faults: 3 },
    old: { figures: {}, faults: 0 },
  },
};

const RESULTS: Results = {
  date: "2026-01-31",
  machine: {
    cpu: "A processor",
    cores: 2,
    memoryBytes: 2 ** 30,
    kernel: "Linux 6",
    system: "Debian",
  },
  command: "deno task bench:compare",
  generator: "our own tools",
  brokers: ["Fairway", "other", "old"].map((name) => ({ name, version: `${name} 1` })),
  runs: 3,
  minutes: 1,
  groups: [{ id: "load", title: "Load", rows: [ROW] }],
  growth: [{
    id: "table",
    title: "A table",
    x: "rows",
    y: "µs",
    digits: 1,
    points: [{ broker: "Fairway", x: 1000, y: 2.25 }, { broker: "other", x: 10, y: 1 }],
  }],
  remarks: ["other: late"],
};

Deno.test("benchmarksPage() shows where Fairway loses like everything else", () => {
  const lines = benchmarksPage(RESULTS).split("\n");
  assert(lines.includes("| QoS 0 | CPU per message, µs | 2.00 | 1.00 ¹ | – | **0.50** | – |"));
  assert(lines.includes("|  | messages, per second | 100 | 2,000 ¹ | – | **0.05** | – |"));
  assert(lines.includes("- other: late"));
});

Deno.test("benchmarksPage() has native sockets in a column of their own, and compares with the usual ones", () => {
  const [fairway, ...others] = RESULTS.brokers;
  const native = { name: NATIVE, version: "1" };
  const brokers = { ...ROW.brokers, [NATIVE]: { figures: { cpu: 1.5, rate: 120 }, faults: 0 } };
  const groups = [{ id: "load", title: "Load", rows: [{ ...ROW, brokers }] }];
  const page = benchmarksPage({ ...RESULTS, brokers: [fairway!, native, ...others], groups });
  const lines = page.split("\n");
  assert(lines.includes(`|  |  | Fairway | ${NATIVE} | other | old | × other | × old |`));
  assert(
    lines.includes("| QoS 0 | CPU per message, µs | 2.00 | 1.50 | 1.00 ¹ | – | **0.50** | – |"),
  );
  assert(page.includes("compare other and old with Fairway"));
});

Deno.test("benchmarksPage() has a line for each size, whoever was measured at it", () => {
  const lines = benchmarksPage(RESULTS).split("\n");
  const first = lines.indexOf("| 10 | – | 1.0 |");
  assert(first > 0);
  assertEquals(lines[first + 1], "| 1,000 | 2.3 | – |");
});

Deno.test("median() takes the middle", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 2, 3]), 2.5);
});

Deno.test("medians() takes each metric by itself, and the worst of the faults", () => {
  const runs = [
    { figures: { cpu: 1, rate: 30 }, faults: 0 },
    { figures: { cpu: 3, rate: 10 }, faults: 2 },
    { figures: { cpu: 2 }, faults: 0 },
  ];
  assertEquals(medians(runs), { figures: { cpu: 2, rate: 20 }, faults: 2 });
});
