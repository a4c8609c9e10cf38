/**
 * A log that is served over HTTP, with no broker. Whoever appends is told the sequence when the disk
 * holds the message; whoever reads goes on after the last message received, as the `EventSource` of
 * a browser does by itself with `Last-Event-ID`:
 *
 *     deno run --allow-net --allow-read --allow-write examples/log_server.ts
 *     curl -d 21.5 http://localhost:8000/sensors/kitchen
 *     curl -N -H 'Last-Event-ID: 0' 'http://localhost:8000/sensors/%23'
 *     curl -N 'http://localhost:8000/sensors/%23?position=since=1h'
 *
 * @module
 */
import { SqliteStore } from "@fairway/mqtt/store";
import { type Stream, type StreamMessage, Streams } from "@fairway/mqtt/stream";

/** One message as an event: its sequence is what the reader sends back when it comes again. */
function event({ seq, timeMs, topic, payload }: StreamMessage): string {
  const time = new Date(timeMs).toISOString();
  const data = JSON.stringify({ topic, time, payload: new TextDecoder().decode(payload) });
  return `id: ${seq}\ndata: ${data}\n\n`;
}

/** Messages from a position on, those there are and those that come, as events. */
async function* events(
  log: Stream,
  request: Request,
  filter: string,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const last = request.headers.get("last-event-id");
  const position = new URL(request.url).searchParams.get("position") ?? "latest";
  const start = last === null ? { position } : { after: Math.min(Number(last), log.last) };
  try {
    yield ": this is the beginning\n\n";
    for await (const message of log.read({ ...start, filter, signal })) yield event(message);
  } catch (error) {
    if (!signal.aborted) yield `event: error\ndata: ${(error as Error).message}\n\n`;
  }
}

/** The body of an answer that goes on until the reader leaves. */
function bodyOf(log: Stream, request: Request, filter: string): ReadableStream<Uint8Array> {
  const leaving = new AbortController();
  const reading = events(log, request, filter, leaving.signal);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reading.next();
      if (done) controller.close();
      else controller.enqueue(new TextEncoder().encode(value));
    },
    cancel: (reason) => leaving.abort(reason),
  });
}

/** Answers a request: POST appends to the topic in the path, GET reads what its filter matches. */
export async function answer(log: Stream, request: Request): Promise<Response> {
  const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
  try {
    if (request.method === "POST") {
      return Response.json({ seq: await log.append(path, await request.bytes()) }, { status: 201 });
    }
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response(bodyOf(log, request, path), { headers });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return new Response(`${error.message}\n`, { status: 400 });
  }
}

if (import.meta.main) {
  await using streams = await Streams.open(await SqliteStore.open("log-data"));
  const log = await streams.declare("log", { maxAgeMs: 7 * 24 * 3_600_000, maxBytes: 1 << 30 });
  await Deno.serve({ hostname: "127.0.0.1", port: 8000 }, (request) => answer(log, request))
    .finished;
}
