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
import { within } from "../harness/deadline.ts";
import { AdminStage } from "./_admin.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

/** A collector on this machine: what it was sent, as name, attributes and value. */
class Collector implements AsyncDisposable {
  readonly endpoint: string;
  readonly values = new Map<string, number>();
  /** How often something was sent. */
  exports = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #arrived = Promise.withResolvers<void>();

  constructor() {
    this.#server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (r) => {
      if (new URL(r.url).pathname === "/v1/metrics") this.#take(await r.json());
      return Response.json({});
    });
    this.endpoint = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** What the environment of the exporter has to be. */
  get environment(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: this.endpoint,
      OTEL_METRIC_EXPORT_INTERVAL: "100",
      OTEL_DENO_CONSOLE: "ignore",
    };
  }

  /** Waits until something was sent for which a condition holds. */
  async until(holds: (values: ReadonlyMap<string, number>) => boolean): Promise<void> {
    while (!holds(this.values)) {
      await within("the next export", this.#arrived.promise, 30_000);
    }
  }

  #take({ resourceMetrics }: Json): void {
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { scope, metrics } of scopeMetrics) {
        if (scope.name !== "fairway") continue;
        for (const { name, gauge, sum } of metrics) {
          for (const { attributes, asDouble, asInt } of (gauge ?? sum).dataPoints) {
            const labels = (attributes ?? []).map(({ key, value }: Json) =>
              `${key}=${value.stringValue}`
            );
            this.values.set([name, ...labels].join(" "), Number(asDouble ?? asInt));
          }
        }
      }
    }
    this.exports++;
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

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
