import { assertEquals } from "@std/assert";
import type { QoS } from "../codec/mod.ts";
import { Random } from "../tests/harness/random.ts";
import { InterestTable } from "./interest_table.ts";

Deno.test("InterestTable knows the highest QoS of each filter, and reports each change of it", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const reported = new Map<string, QoS | null>();
    const table: InterestTable = new InterestTable((filter) => {
      reported.set(filter, table.qosOf(filter));
    });
    const open: [string, QoS][] = [];
    for (let step = 0; step < 300; step++) {
      if (open.length === 0 || random.chance(0.55)) {
        const one: [string, QoS] = [random.pick(["a", "1", "/1", "b/#"]), random.pick([0, 1, 2])];
        open.push(one);
        table.onAdded(...one);
      } else table.onRemoved(...open.splice(random.integer(0, open.length - 1), 1)[0]!);
      for (const filter of ["a", "1", "/1", "b/#"]) {
        const all = open.filter(([name]) => name === filter).map(([, qos]) => qos);
        const expected = all.length === 0 ? null : Math.max(...all) as QoS;
        assertEquals([table.qosOf(filter), reported.get(filter) ?? null], [expected, expected]);
      }
    }
    assertEquals(table.size, new Set(open.map(([filter]) => filter)).size);
  }
});

Deno.test("InterestTable tells of $SYS only what a node knows alone, and of that once", () => {
  const states = "$SYS/broker/connection/#";
  const log = "$SYS/broker/log/#";
  const presence = ["connected", "disconnected"].map((event) => `$SYS/broker/clients/+/${event}`);
  const expected: Record<string, string[]> = {
    "$SYS/#": [states, log, ...presence],
    "$SYS/broker/#": [states, log, ...presence],
    "$SYS/broker/log/E": ["$SYS/broker/log/E"],
    "$SYS/broker/+/E": [states, log],
    "$SYS/broker/clients/x/connected": ["$SYS/broker/clients/x/connected"],
    "$SYS/broker/clients/x/+": presence,
    "$SYS/broker/clients/+/connected/x": [],
    "$SYS/broker/clients/connected": [],
    "$SYS/broker/messages/#": [],
    "$SYS/+/connection/#": [states],
    "$SYS/broker/+/x/state": [states, log],
    "$SYS/broker/connection/x/state": ["$SYS/broker/connection/x/state"],
    "$SYS/broker/connection/#": [states],
    "$SYS/broker/connection": [],
    "$SYS/broker/clients/#": presence,
    "$SYS/+": [],
    "$SYS": ["$SYS"],
    "$SYSTEM/#": ["$SYSTEM/#"],
    "$share/g/$SYS/#": [],
    "$share/g/$SYS/broker/connection/+/state": ["$share/g/$SYS/broker/connection/+/state"],
  };
  for (const [filter, crossing] of Object.entries(expected)) {
    const table = new InterestTable(() => {});
    table.onAdded(filter, 1);
    assertEquals([...table.filters()], crossing, filter);
    table.onRemoved(filter, 1);
    assertEquals(table.size, 0, filter);
  }
  const table = new InterestTable(() => {});
  table.onAdded("$SYS/#", 0);
  table.onAdded(states, 2);
  assertEquals([table.size, table.qosOf(states)], [4, 2]);
  table.onRemoved(states, 2);
  assertEquals(table.qosOf(states), 0);
});
