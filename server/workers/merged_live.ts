/** The live views of several nodes as one: a snapshot a second, and one tree of topics. */
import { MergedTopics } from "./merged_topics.ts";

/** Characters of a line, at most: 250 topics with previews. */
const LINE_CHARACTERS_MAX = 4 * 1024 * 1024;

/** Bytes that wait for a page that reads slowly; past them its view ends, and it may begin anew. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes that wait before snapshots are skipped. */
const SNAPSHOT_BYTES_MAX = 256 * 1024;

// deno-lint-ignore no-explicit-any
type Snapshot = any;

/** What is the same for all nodes, or the most of them; the rest is added up. */
const MOST = new Set([
  "time",
  "clientsMost",
  "retained",
  "retainedBytes",
  "loopLagMs",
  "residentBytes",
]);

/** Merges the streams of all nodes. It ends when one of them ends; its reader begins anew. */
export function mergedLive(
  streams: readonly ReadableStream<Uint8Array>[],
): ReadableStream<Uint8Array> {
  const last: (Snapshot | null)[] = streams.map(() => null);
  const topics = new MergedTopics();
  const encoder = new TextEncoder();
  const readers = streams.map((stream) => stream.getReader());
  const end = () => Promise.allSettled(readers.map((reader) => reader.cancel()));
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const put = (line: unknown) => {
        if ((controller.desiredSize ?? 0) < SNAPSHOT_BYTES_MAX - WAITING_BYTES_MAX) {
          throw new Error("The page does not read");
        }
        controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      const take = (node: number, line: Snapshot) => {
        if (line.event === "topics-begin") topics.begin(node);
        else if (line.event === "topics") {
          const nodes = topics.take(node, line.nodes);
          if (nodes.length > 0) put({ event: "topics", nodes });
        } else {
          last[node] = line;
          const isTime = node === 0 && last.every((one) => one !== null);
          if (isTime && (controller.desiredSize ?? 0) > 0) put(mergeSnapshots(last));
        }
      };
      for (const [node, reader] of readers.entries()) {
        void eachLine(reader, (line) => take(node, JSON.parse(line))).catch(() => {}).finally(
          () => {
            void end();
            try {
              controller.close();
            } catch {
              // Another one has closed it, or the reader has left.
            }
          },
        );
      }
    },
    async cancel() {
      await end();
    },
  }, new ByteLengthQueuingStrategy({ highWaterMark: SNAPSHOT_BYTES_MAX }));
}

/** Merges the last snapshot of each node. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Snapshot {
  const [first, ...others] = snapshots;
  return others.reduce(mergeTwo, first);
}

function mergeTwo(a: Snapshot, b: Snapshot): Snapshot {
  const sum = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const before = sum[name];
    if (before === undefined) sum[name] = value;
    else if (typeof value === "number") {
      sum[name] = MOST.has(name) ? Math.max(before, value) : before + value;
    } else if (Array.isArray(value)) sum[name] = distinct([...before, ...value]);
    else if (typeof value === "object" && value !== null) sum[name] = mergeTwo(before, value);
  }
  return sum;
}

/** Troubles: what all nodes say is said once. */
function distinct(values: readonly unknown[]): unknown[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

async function eachLine(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_CHARACTERS_MAX) throw new Error("A line is too long");
    for (const line of lines) if (line !== "") take(line);
  }
}
