import { assertEquals } from "@std/assert";
import { parse } from "../../config/testdata/conf.ts";
import { nodeConfiguration } from "./node_configuration.ts";

const TEXT = `listener 0 127.0.0.1
max_connections 5
listener 0 /run/sock
global_max_connections 101
fairway_limit_sessions_max 7
fairway_limit_subscriptions_max 9
memory_limit 1000
persistence true
persistence_location /var/lib/mosquitto/
pid_file /run/pid
connection one
address example.org
topic # both
`;

async function parts() {
  const whole = await parse(TEXT);
  return [0, 1, 2].map((node) => nodeConfiguration(whole, { node, nodes: 3 }));
}

Deno.test("nodeConfiguration() divides the limits of all clients together, and no others", async () => {
  for (const { global, limits, listeners } of await parts()) {
    assertEquals(global.memory_limit, 333);
    // Counted over all workers.
    assertEquals(global.global_max_connections, 101);
    assertEquals(listeners.map(({ settings }) => settings.max_connections), [5, -1]);
    assertEquals([limits.sessionsMax, limits.subscriptionsMax], [3, 9]);
  }
});

Deno.test("nodeConfiguration() gives each worker a folder, and the first one what there is once", async () => {
  const [first, ...others] = await parts();
  assertEquals(first!.global.fairway_data_dir, "/var/lib/mosquitto/fairway/0");
  assertEquals([first!.global.pid_file, first!.bridges.length], ["/run/pid", 1]);
  assertEquals(others.map(({ global }) => global.fairway_data_dir), [
    "/var/lib/mosquitto/fairway/1",
    "/var/lib/mosquitto/fairway/2",
  ]);
  for (const { global, bridges } of others) assertEquals([global.pid_file, bridges], [null, []]);
});

Deno.test("nodeConfiguration() lets all workers listen on the same ports", async () => {
  for (const { listeners, global } of await parts()) {
    assertEquals([listeners.length, global.fairway_native_reuse_port], [2, true]);
  }
});
