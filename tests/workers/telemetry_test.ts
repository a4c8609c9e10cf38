/**
 * OpenTelemetry with workers: a collector gets the instruments of each, and can tell them apart.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Collector } from "../admin/_collector.ts";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { Site } from "../harness/server_site.ts";
import { CONFIG, portOf } from "./_configured.ts";
import { connected, DEADLINE_MS, idOn, listening, test } from "./_server.ts";

const PERMISSIONS = [...CONFIG_PERMISSIONS, "--allow-ffi"];

/** The clients that each of two workers has told of. */
function clients(values: ReadonlyMap<string, number>): (number | undefined)[] {
  return [0, 1].map((worker) => values.get(`fairway_clients worker=${worker}`));
}

test("each worker exports its metrics, with its number (OTEL_DENO=true)", async () => {
  await using collector = new Collector();
  const flags = ["--native-sockets", "--port", "0", "--workers", "2"];
  await using server = startServer(flags, PERMISSIONS, collector.environment);
  const port = await listening(server);
  const all = await Promise.all([idOn(0, "a"), idOn(1, "b"), idOn(1, "c")].map((clientId) => {
    return connected(port, clientId);
  }));
  await collector.until((values) => clients(values).join() === "1,2");
  for (const client of all) client.close();
  assertEquals(collector.values.get("fairway_clients"), undefined);
});

test("workers with a configuration export as well", async () => {
  await using collector = new Collector();
  await using site = await Site.make({
    "fairway.conf": `${CONFIG}listener 0 127.0.0.1\nallow_anonymous true\n`,
  });
  await using server = startServer(["-c", site.path], PERMISSIONS, collector.environment);
  const port = await portOf(server);
  const client = await connected(port, idOn(1, "a"));
  await collector.until((values) => clients(values).join() === "0,1");
  client.close();
  server.signal("SIGTERM");
  assertEquals((await server.outcome(DEADLINE_MS)).code, 0);
});
