/**
 * Pings a broker from a thread of its own, so that what the attacker is busy with does not count.
 * Told where, it begins; told "take", it says how long the longest answer took since the last time,
 * and how much the broker's main thread has worked during one at most: what the machine does beside
 * does not count there.
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

/** Where the broker is. */
export interface Address {
  readonly port: number;
  readonly pid: number;
}

/** The longest wait of all, in milliseconds. */
export interface Longest {
  /** By the clock. */
  readonly waitMs: number;
  /** By what the broker's main thread has worked meanwhile; NaN where the system does not tell. */
  readonly workMs: number;
}

const thread = self as unknown as {
  onmessage: (event: MessageEvent<Address | "take">) => void;
  postMessage(longest: Longest): void;
};

let pid = 0;
let waitMs = 0;
let workMs = 0;
let since: Longest | null = null;

thread.onmessage = ({ data }) => {
  if (data !== "take") return void ping(data);
  // One that is still waited for counts, too.
  note();
  thread.postMessage({ waitMs, workMs });
  waitMs = workMs = 0;
};

/** Takes note of how long the ping under way has taken so far. */
function note(): void {
  if (since === null) return;
  waitMs = Math.max(waitMs, performance.now() - since.waitMs);
  workMs = Math.max(workMs, worked() - since.workMs);
}

/** How long the broker's main thread has run, in milliseconds. */
function worked(): number {
  if (Deno.build.os !== "linux") return NaN;
  return Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ")[0]) / 1e6;
}

async function ping(address: Address): Promise<void> {
  const { port } = address;
  pid = address.pid;
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const answer = new Uint8Array(16);
  await conn.write(CONNECT);
  await conn.read(answer);
  thread.postMessage({ waitMs, workMs });
  for (;;) {
    since = { waitMs: performance.now(), workMs: worked() };
    await conn.write(PINGREQ);
    if (await conn.read(answer) === null) throw new Error("The broker has closed the connection");
    note();
    since = null;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
