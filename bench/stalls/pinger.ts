/**
 * Pings a broker from a thread of its own, so that what the attacker is busy with does not count.
 * Told a port, it begins; told "take", it says how long the longest answer took since the last time.
 *
 * @module
 */

/** Milliseconds between an answer and the next ping. */
const PAUSE_MS = 2;

const CONNECT = Uint8Array.from([
  ...[0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 4],
  ...[0x70, 0x69, 0x6e, 0x67],
]);
const PINGREQ = Uint8Array.of(0xc0, 0);

const thread = self as unknown as {
  onmessage: (event: MessageEvent<number | "take">) => void;
  postMessage(longestMs: number): void;
};

let longestMs = 0;
let sinceMs: number | null = null;

thread.onmessage = ({ data }) => {
  if (typeof data === "number") return void ping(data);
  // One that is still waited for counts, too.
  if (sinceMs !== null) longestMs = Math.max(longestMs, performance.now() - sinceMs);
  thread.postMessage(longestMs);
  longestMs = 0;
};

async function ping(port: number): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const answer = new Uint8Array(16);
  await conn.write(CONNECT);
  await conn.read(answer);
  thread.postMessage(0);
  for (;;) {
    sinceMs = performance.now();
    await conn.write(PINGREQ);
    if (await conn.read(answer) === null) throw new Error("The broker has closed the connection");
    longestMs = Math.max(longestMs, performance.now() - sinceMs);
    sinceMs = null;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
