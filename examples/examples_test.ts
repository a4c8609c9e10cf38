import { assertEquals, assertMatch } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { MemoryStore } from "@fairway/mqtt/store";
import { type Stream, Streams } from "@fairway/mqtt/stream";
import { DatabaseSink } from "./database_sink.ts";
import { answer } from "./log_server.ts";
import { feed, type Sink } from "./sink.ts";
import { WebhookSink } from "./webhook_sink.ts";

/** A stream in memory, for as long as a test lasts. */
async function withStream(act: (stream: Stream) => Promise<void>): Promise<void> {
  await using streams = await Streams.open(new MemoryStore());
  await act(await streams.declare("log", { maxMessages: 1000 }));
}

/** Appends messages `from` … `to`. */
async function fill(stream: Stream, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i++) await stream.append("t/1", `${i}`);
}

/** Reads events until there are `count`, and leaves. */
async function take(response: Response, count: number): Promise<string[]> {
  const found: string[] = [];
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const events = text.split("\n\n");
    text = events.pop()!;
    found.push(...events.filter((event) => event.startsWith("id: ")));
    if (found.length >= count) break;
  }
  return found.map((event) => {
    const [id, data] = event.split("\ndata: ");
    const { topic, payload } = JSON.parse(data!);
    return `${id!.slice(4)} ${topic} ${payload}`;
  });
}

Deno.test("log_server.ts: whoever reads goes on after the last message received", async () => {
  await withStream(async (log) => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (it) => answer(log, it),
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    const append = async (topic: string, body: string) => {
      const response = await fetch(`${url}/${topic}`, { method: "POST", body });
      return (await response.json()).seq;
    };
    const read = (last: number) =>
      fetch(`${url}/sensors/%23`, { headers: { "last-event-id": `${last}` } });
    assertEquals(await append("sensors/kitchen", "21"), 1);
    assertEquals(await append("other", "x"), 2);
    assertEquals(await append("sensors/hall", "18"), 3);
    assertEquals(await take(await read(0), 2), ["1 sensors/kitchen 21", "3 sensors/hall 18"]);
    // It is subscribed before there is anything to be read.
    const live = take(await read(3), 1);
    assertEquals(await append("sensors/kitchen", "22"), 4);
    assertEquals(await live, ["4 sensors/kitchen 22"]);
    const since = await fetch(`${url}/sensors/%23?position=last=1`);
    assertEquals(await take(since, 1), ["4 sensors/kitchen 22"]);
    const wrong = await fetch(`${url}/a/%23`, { method: "POST", body: "" });
    assertEquals([wrong.status, (await wrong.text()).includes('"a/#"')], [400, true]);
    const nowhere = await fetch(`${url}/sensors/%23?position=yesterday`);
    assertMatch(await nowhere.text(), /event: error\ndata: "yesterday" is no position/);
  });
});

Deno.test("sink.ts: batches are full, or what came in time; what fails is tried again, in order", async () => {
  await withStream(async (stream) => {
    await fill(stream, 1, 250);
    const ending = new AbortController();
    const tries: string[] = [];
    let failures = 3;
    const sink: Sink = {
      progress: () => Promise.resolve(5),
      take: (batch) => {
        tries.push(`${batch[0]!.seq}-${batch.at(-1)!.seq}`);
        if (tries.length > 1 && failures-- > 0) return Promise.reject(new Error("is down"));
        if (batch.at(-1)!.seq === 251) ending.abort();
        return Promise.resolve();
      },
    };
    const reasons: string[] = [];
    const failed = (error: unknown) => {
      reasons.push(`${error}`);
      if (reasons.length === 3) stream.append("t/1", "251");
    };
    await feed(stream, sink, {
      batchMax: 100,
      waitMs: 1,
      retryMs: 1,
      failed,
      signal: ending.signal,
    });
    assertEquals(tries.slice(0, 5), ["6-105", "106-205", "106-205", "106-205", "106-205"]);
    assertEquals(tries.at(-1)!.endsWith("-251"), true);
    assertEquals(reasons, Array(3).fill("Error: is down"));
  });
});

Deno.test("webhook_sink.ts: a webhook that is down, and a restart, lose nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withStream(async (stream) => {
      const posted: number[] = [];
      let isDown = true;
      let ending = new AbortController();
      let until = 3;
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          const batch: { seq: number }[] = await request.json();
          if (isDown) return new Response("", { status: 503 });
          posted.push(...batch.map(({ seq }) => seq));
          return new Response("");
        },
      );
      const run = async () => {
        ending = new AbortController();
        const hook = new WebhookSink(`http://127.0.0.1:${server.addr.port}/`, `${folder}/progress`);
        const sink: Sink = {
          progress: () => hook.progress(),
          take: async (batch) => {
            await hook.take(batch);
            if (posted.at(-1) === until) ending.abort();
          },
        };
        const failed = () => isDown = false;
        await feed(stream, sink, { waitMs: 1, retryMs: 1, failed, signal: ending.signal });
      };
      await fill(stream, 1, 3);
      await run();
      await fill(stream, 4, 5);
      until = 5;
      await run();
      assertEquals(posted, [1, 2, 3, 4, 5]);
      assertEquals(await Deno.readTextFile(`${folder}/progress`), "5");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("database_sink.ts: each message is a row once, also if a batch fails in the middle", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withStream(async (stream) => {
      const file = `${folder}/readings.db`;
      await fill(stream, 1, 10);
      using sink = new DatabaseSink(file);
      using other = new DatabaseSync(file);
      // A row that is in the way, until the sink has failed with it.
      other.exec("INSERT INTO readings VALUES (7, 0, 'x', 'x')");
      const ending = new AbortController();
      const failed = () => void other.exec("DELETE FROM readings WHERE topic = 'x'");
      const watched: Sink = {
        progress: () => sink.progress(),
        take: async (batch) => {
          await sink.take(batch);
          if (batch.at(-1)!.seq === 10) ending.abort();
        },
      };
      await feed(stream, watched, { waitMs: 1, retryMs: 1, failed, signal: ending.signal });
      const rows = other.prepare("SELECT seq, value FROM readings ORDER BY seq").all();
      assertEquals(rows.map(({ seq, value }) => `${seq} ${value}`), [
        ...Array.from({ length: 10 }, (_, i) => `${i + 1} ${i + 1}`),
      ]);
      assertEquals(await sink.progress(), 10);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
