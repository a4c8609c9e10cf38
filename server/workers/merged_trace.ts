/** The traces of several nodes as one: each tells what its own clients do. */

/** Bytes of lines that wait for their reader; past them lines are counted as skipped. */
const WAITING_BYTES_MAX = 256 * 1024;

/** Merges the streams of all nodes, line by line: one first line, and one last one. */
export function mergedTrace(
  streams: readonly ReadableStream<Uint8Array>[],
): ReadableStream<Uint8Array> {
  const readers = streams.map((stream) => stream.pipeThrough(new TextDecoderStream()).getReader());
  const encoder = new TextEncoder();
  let begun = false;
  let ended = 0;
  let skipped = 0;
  const stop = () => Promise.allSettled(readers.map((reader) => reader.cancel()));
  const linesOf = (lines: readonly string[]): string =>
    lines.map((line) => {
      const { event, ...rest } = JSON.parse(line);
      if (event === "begin") {
        if (begun) return "";
        begun = true;
      }
      if (event === "end") {
        skipped += rest.skipped;
        if (++ended < readers.length) return "";
        return `${JSON.stringify({ event, skipped })}\n`;
      }
      return `${line}\n`;
    }).join("");
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const pass = async (reader: ReadableStreamDefaultReader<string>) => {
        let rest = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          const lines = (rest + value).split("\n");
          rest = lines.pop()!;
          const text = linesOf(lines);
          if (text === "") continue;
          const isEnd = ended === readers.length;
          if ((controller.desiredSize ?? 0) > 0 || isEnd) controller.enqueue(encoder.encode(text));
          else skipped += lines.length;
        }
      };
      void Promise.all(readers.map(pass)).catch(stop).then(() => {
        try {
          controller.close();
        } catch {
          // The reader has left.
        }
      });
    },
    async cancel() {
      await stop();
    },
  }, new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES_MAX }));
}
