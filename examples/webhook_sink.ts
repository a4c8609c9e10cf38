/**
 * A broker that posts what it gets to a webhook: batches as JSON, each at least once. The last
 * sequence is in a file, so that a restart goes on where it was:
 *
 *     deno run --allow-net --allow-read --allow-write examples/webhook_sink.ts https://…
 *
 * @module
 */
import { Broker } from "@fairway/mqtt";
import { SqliteStore } from "@fairway/mqtt/store";
import type { StreamMessage } from "@fairway/mqtt/stream";
import { feed, type Sink } from "./sink.ts";

/** Posts batches to `url`, and writes how far it has come to a file. */
export class WebhookSink implements Sink {
  constructor(readonly url: string, readonly file: string) {}

  async progress(): Promise<number> {
    try {
      return Number(await Deno.readTextFile(this.file));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  async take(batch: readonly StreamMessage[]): Promise<void> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(batch.map(({ seq, timeMs, topic, payload }) => {
        return { seq, timeMs, topic, payload: new TextDecoder().decode(payload) };
      })),
      signal: AbortSignal.timeout(10_000),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${this.url} says ${response.status}`);
    // A file is replaced at once or not at all. If it is not, the batch is posted once more.
    await Deno.writeTextFile(`${this.file}.new`, `${batch.at(-1)!.seq}`);
    await Deno.rename(`${this.file}.new`, this.file);
  }
}

if (import.meta.main) {
  const [url] = Deno.args;
  if (url === undefined || !URL.canParse(url)) {
    // deno-lint-ignore no-console
    console.error("Usage: webhook_sink.ts URL");
    Deno.exit(2);
  }
  await using broker = await Broker.open(await SqliteStore.open("fairway-data"));
  await broker.listen({ port: 1883 });
  const options = { name: "hook", filters: ["#"], maxAgeMs: 7 * 24 * 3_600_000, maxBytes: 1 << 30 };
  const stream = await broker.declareStream(options);
  const ending = new AbortController();
  Deno.addSignalListener("SIGINT", () => ending.abort());
  // deno-lint-ignore no-console
  const failed = (error: unknown) => console.error(`${error}`);
  await feed(stream, new WebhookSink(url, "hook-progress"), { failed, signal: ending.signal });
}
