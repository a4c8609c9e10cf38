import { assertEquals } from "@std/assert";
import { addCounts, noCounts, sysCountsOf } from "../../admin/sys_counts.ts";
import { NOTHING } from "../../admin/metrics/session_totals.ts";
import { Broker } from "../../mod.ts";
import { NodeCounts } from "./node_counts.ts";

Deno.test("a node is told the state of the others; what a dead one has counted stays counted", async () => {
  await using broker = new Broker();
  const none = noCounts(sysCountsOf(broker, NOTHING));
  const counts = new NodeCounts();
  const first = counts.take(0, { ...none, clients: 1, bytesSent: 10 });
  assertEquals(first, { ...none, clientsMost: 1 });
  const others = counts.take(1, { ...none, clients: 2, bytesSent: 20, retainedMessages: 4 });
  assertEquals(others, { ...none, clients: 1, clientsMost: 3, bytesSent: 10 });
  assertEquals(
    counts.take(0, { ...none, clients: 1, bytesSent: 11 }),
    { ...none, clients: 2, clientsMost: 3, bytesSent: 20 },
  );
  counts.onDied(1);
  assertEquals(counts.take(0, none), { ...none, clientsMost: 3, bytesSent: 20 });
  counts.take(1, { ...none, clients: 1, bytesSent: 5 });
  assertEquals(counts.take(0, none), { ...none, clients: 1, clientsMost: 3, bytesSent: 25 });
});

Deno.test("the most clients are those that all nodes had at one time", async () => {
  await using broker = new Broker();
  const none = noCounts(sysCountsOf(broker, NOTHING));
  const counts = new NodeCounts();
  const mostAfter = (node: number, clients: number, clientsMost: number) => {
    const own = { ...none, clients, clientsMost };
    return addCounts(own, counts.take(node, own)).clientsMost;
  };
  assertEquals(mostAfter(0, 5, 5), 5);
  assertEquals(mostAfter(0, 0, 5), 5);
  assertEquals(mostAfter(1, 5, 5), 5, "not ten: they were not there at one time");
  assertEquals(mostAfter(0, 2, 5), 7);
  counts.onDied(1);
  assertEquals(mostAfter(0, 1, 5), 7);
});
