/**
 * `/api/v1/trace`: a live trace, bounded in time and rate.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { TRACES_MAX, TraceStream } from "../../admin/api/trace_stream.ts";
import { Broker } from "../../mod.ts";
import { VirtualClock } from "../harness/virtual_clock.ts";
import { AdminStage, statusOf } from "./_admin.ts";
import { join, listen } from "./_mqtt.ts";

const OPTIONS = { clientId: null, filter: "t/#", seconds: 60, rate: 2, showsPayload: false };

async function linesOf(stream: ReadableStream<Uint8Array>): Promise<Record<string, unknown>[]> {
  const text = await new Response(stream).text();
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("a trace tells what is published to a filter, no more than its rate, until its time", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  let hasEnded = false;
  const trace = new TraceStream(broker.inspection, OPTIONS, () => hasEnded = true);
  const lines = linesOf(trace.stream);
  for (const topic of ["t/1", "other", "t/2", "t/3"]) broker.publish(topic, "12");
  await clock.advance(1000);
  broker.publish("t/4", "12");
  await clock.advance(59_000);
  const events = (await lines).filter(({ event }) => event !== "alive");
  assertEquals(events.map(({ event, topic, bytes }) => [event, topic, bytes]), [
    ["begin", undefined, undefined],
    ["publish", "t/1", 2],
    ["publish", "t/2", 2],
    ["publish", "t/4", 2],
    ["end", undefined, undefined],
  ]);
  assertEquals([events.at(-1)!.skipped, hasEnded], [1, true]);
});

Deno.test("a trace says now and then that it goes on, and ends when its reader goes", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  let hasEnded = false;
  const trace = new TraceStream(broker.inspection, OPTIONS, () => hasEnded = true);
  const reader = trace.stream.getReader();
  await reader.read();
  await clock.advance(10_000);
  assertEquals(JSON.parse(new TextDecoder().decode((await reader.read()).value)).event, "alive");
  await reader.cancel();
  assert(hasEnded);
  broker.publish("t/1", "12");
});

Deno.test("a trace whose reader takes nothing holds a bounded number of bytes", async () => {
  const clock = new VirtualClock();
  await using broker = new Broker({ clock });
  const options = { ...OPTIONS, rate: 1000, showsPayload: true };
  const trace = new TraceStream(broker.inspection, options, () => {});
  const payload = "x".repeat(4096);
  for (let i = 0; i < 1000; i++) broker.publish("t/1", payload);
  trace.end();
  const lines = await linesOf(trace.stream);
  const { skipped } = lines.at(-1)!;
  assert(lines.length < 100 && Number(skipped) > 900, `${lines.length} lines, ${skipped} skipped`);
});

Deno.test("the trace of one client tells how it comes and goes, over HTTP", async () => {
  await using stage = await AdminStage.open();
  const port = await listen(stage);
  const response = await stage.fetch("/api/v1/trace?client=c&seconds=1");
  assertEquals(response.headers.get("content-type"), "application/x-ndjson");
  const lines = linesOf(response.body!);
  (await join(port, "other")).close();
  (await join(port, "c")).close();
  const events = (await lines).map(({ event, clientId }) => [event, clientId]);
  assertEquals(events.slice(0, -1), [
    ["begin", undefined],
    ["connect", "c"],
    ["disconnect", "c"],
  ]);
});

Deno.test("there is a bound to traces at once, and a trace of everything is refused", async () => {
  await using stage = await AdminStage.open();
  assertEquals(await statusOf(stage.fetch("/api/v1/trace")), 400);
  assertEquals(await statusOf(stage.fetch("/api/v1/trace?filter=a%23")), 400);
  const open: Response[] = [];
  for (let i = 0; i < TRACES_MAX; i++) open.push(await stage.fetch("/api/v1/trace?client=c"));
  assertEquals(await statusOf(stage.fetch("/api/v1/trace?client=c")), 429);
  for (const { body } of open) await body!.cancel();
});
