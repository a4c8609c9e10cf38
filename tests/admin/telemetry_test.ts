/**
 * OpenTelemetry: the instruments of `/metrics`, as a collector gets them from Deno.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Telemetry } from "../../admin/mod.ts";
import { Broker } from "../../mod.ts";
import { SERVER_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { Site } from "../harness/server_site.ts";
import { AdminStage } from "./_admin.ts";
import { Collector } from "./_collector.ts";

/** The series of the text format, as the collector names them. */
function seriesOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line)!;
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) =>
      `${key}=${value}`
    );
    return [name, ...pairs].join(" ");
  });
}

Deno.test("with OTEL_DENO=true a collector gets the instruments of /metrics, and what clients do", async () => {
  await using collector = new Collector();
  await using server = startServer(["--port", "0"], SERVER_PERMISSIONS, collector.environment);
  const [, port] = await server.waitFor(/listening on 127\.0\.0\.1:(\d+)/, "stdout", 30_000);
  const connection = await Deno.connect({ port: Number(port) });
  await collector.until((values) => values.get("fairway_connections") === 1);
  connection.close();
  await collector.until((values) => values.get("fairway_connections") === 0);
  await using stage = await AdminStage.open();
  const text = await (await stage.fetch("/metrics")).text();
  // Those that differ, or come later: what the admin listener has answered, and files that are open.
  const late = /^fairway_(info|admin_\w+|open_fds|commit_)|listener=/;
  const wanted = seriesOf(text).filter((series) => !late.test(series));
  assert(wanted.length > 100);
  const missing = () => wanted.filter((series) => !collector.values.has(series));
  const last = collector.exports + 10;
  await collector.until(() => missing().length === 0 || collector.exports >= last);
  assertEquals(missing(), []);
});

Deno.test("a server with a configuration exports as well, and stops as fast", async () => {
  await using collector = new Collector();
  await using site = await Site.make({
    "fairway.conf": "log_dest stdout\nlistener 0 127.0.0.1\nallow_anonymous true\n",
  });
  await using server = startServer(
    ["-c", site.path],
    [...SERVER_PERMISSIONS, "--allow-sys=networkInterfaces,uid"],
    collector.environment,
  );
  await collector.until((values) => values.get("fairway_ready") === 1);
  server.signal("SIGTERM");
  assertEquals((await server.outcome(30_000)).code, 0);
});

Deno.test("without OTEL_DENO nothing is exported", async () => {
  await using broker = new Broker();
  assertEquals(Telemetry.start(broker), null);
});
