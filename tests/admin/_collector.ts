/** A collector of OpenTelemetry, for tests of what is exported. */
import { within } from "../harness/deadline.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

/** A collector on this machine: what it was sent, as name, attributes and value. */
export class Collector implements AsyncDisposable {
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
