/** What a month of traffic leaves on the disk and in memory, by each limit, on a virtual clock. */
import type { StreamOptions } from "../../mod.ts";
import { Broker } from "../../mod.ts";
import { SqliteStore } from "../../store/mod.ts";
import { Random } from "../../tests/harness/random.ts";
import { VirtualClock } from "../../tests/harness/virtual_clock.ts";
import { timeChart } from "../compare/charts.ts";

const HOUR = 3_600_000;
const DAYS = 30;
const MEBIBYTE = 1024 ** 2;
/** Bytes in front of a payload in a record, with a topic of three bytes. */
const RECORD_BYTES = 25;
const PICTURE = new URL("../../docs/img/streams-month.svg", import.meta.url);

interface Point {
  readonly series: string;
  /** Days. */
  readonly x: number;
  /** Mebibytes. */
  readonly y: number;
}

/** Measures; draws the picture if that is wanted. */
export async function month(draw: boolean): Promise<string[]> {
  const limits: [string, Partial<StreamOptions>][] = [
    ["max_age 3d", { maxAgeMs: 72 * HOUR }],
    ["max_bytes 16M", { maxBytes: 16 * MEBIBYTE }],
    ["max_messages 10000", { maxMessages: 10_000 }],
  ];
  const lines: string[] = [];
  const points: Point[] = [];
  for (const [series, limit] of limits) lines.push(await play(series, limit, points));
  if (draw) {
    const svg = await timeChart({
      title: "A month of traffic: what a stream takes on the disk",
      x: "days",
      y: "MiB",
      points,
    });
    await Deno.writeTextFile(PICTURE, svg);
  }
  return lines;
}

async function play(
  series: string,
  limit: Partial<StreamOptions>,
  points: Point[],
): Promise<string> {
  const directory = await Deno.makeTempDir();
  const store = await SqliteStore.open(directory);
  const clock = new VirtualClock();
  const random = new Random(12);
  const wallClock = () => 1_800_000_000_000 + clock.now();
  const most = { disk: 0, memory: 0, beyond: 0 };
  let published = 0;
  let bytesPublished = 0;
  {
    const limits = { streamCacheBytesMax: MEBIBYTE };
    await using broker = await Broker.open(store, { clock, wallClock, limits });
    const stream = await broker.declareStream({ name: "log", filters: ["t/#"], ...limit });
    const { maxBytes = Infinity, maxMessages = Infinity } = limit;
    for (let hour = 0; hour < DAYS * 24; hour++) {
      // Nights with little, a week with nothing, and hours with five times as much.
      const isOff = hour > 300 && hour < 400;
      const busy = (hour % 24 < 6 ? 10 : 150) * (hour % 29 === 0 ? 5 : 1);
      const count = isOff ? 0 : random.integer(0, 2 * busy);
      let stored: unknown = null;
      for (let i = 0; i < count; i++) {
        const payload = new Uint8Array(random.integer(50, 2000));
        stored = broker.publish(`t/${random.integer(0, 9)}`, payload, { qos: 1 });
        published++;
        bytesPublished += payload.length + RECORD_BYTES;
        const isBeyond = stream.messages > maxMessages || stream.bytes > maxBytes;
        if (isBeyond) most.beyond++;
      }
      await stored;
      // What is too old goes by itself, with a commit that nobody waits for.
      await clock.advance(HOUR);
      await broker.publish("hour", "", { qos: 1 });
      const { bytes, freeBytes } = await store.size();
      most.disk = Math.max(most.disk, bytes - freeBytes);
      most.memory = Math.max(most.memory, broker.stats.memory.pages);
      if (hour % 6 === 0) {
        points.push({ series, x: hour / 24, y: (bytes - freeBytes) / MEBIBYTE });
      }
    }
    clock.advance(10_000);
    await broker.close({ graceMs: 0 });
  }
  await Deno.remove(directory, { recursive: true });
  const mebibytes = (bytes: number) => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
  return `${series}: ${published} messages, ${mebibytes(bytesPublished)} in ${DAYS} days; ` +
    `on the disk at most ${mebibytes(most.disk)}, in memory ${
      mebibytes(most.memory)
    }, of which 1 MiB is what readers share; ` +
    `beyond the limit at ${most.beyond} moments`;
}
