import { assertEquals } from "@std/assert";
import { noCounts, sysCountsOf } from "../../admin/sys_counts.ts";
import { NOTHING } from "../../admin/metrics/session_totals.ts";
import { Broker } from "../../mod.ts";
import { NodeCounts } from "./node_counts.ts";

Deno.test("a node is told the state of the others; what a dead one has counted stays counted", async () => {
  await using broker = new Broker();
  const none = noCounts(sysCountsOf(broker, NOTHING));
  const counts = new NodeCounts();
  assertEquals(counts.take(0, { ...none, clients: 1, bytesSent: 10 }), none);
  const others = counts.take(1, { ...none, clients: 2, bytesSent: 20, retainedMessages: 4 });
  assertEquals(others, { ...none, clients: 1, bytesSent: 10 });
  assertEquals(
    counts.take(0, { ...none, clients: 1, bytesSent: 11 }),
    { ...none, clients: 2, bytesSent: 20 },
  );
  counts.onDied(1);
  assertEquals(counts.take(0, none), { ...none, bytesSent: 20 });
  counts.take(1, { ...none, clients: 1, bytesSent: 5 });
  assertEquals(counts.take(0, none), { ...none, clients: 1, bytesSent: 25 });
});
