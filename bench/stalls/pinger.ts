/**
 * Pings a broker from its own thread, so that the work of the attacker does not count. It starts
 * with the address in a message. The message "take" requests the longest response time since the
 * last request, and the longest work of the broker's main thread during a ping, which does not
 * include other work of the machine.
 *
 * @module
 */

/** The pause between a response and the next ping, in milliseconds. */
const PAUSE_MS = 2;

const CONNECT = Uint8Array.from([
  ...[0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 4],
  ...[0x70, 0x69, 0x6e, 0x67],
]);
const PINGREQ = Uint8Array.of(0xc0, 0);

/** The address of the broker. */
export interface Address {
  readonly port: number;
  readonly pid: number;
}

/** The maxima over all pings. */
export interface Longest {
  /** The wait by the clock. */
  readonly waitMs: number;
  /** The work of the broker's main thread meanwhile; NaN if the system does not report it. */
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
  // A pending response counts, too.
  note();
  thread.postMessage({ waitMs, workMs });
  waitMs = workMs = 0;
};

/** Records the duration of the ping in progress. */
function note(): void {
  if (since === null) return;
  waitMs = Math.max(waitMs, performance.now() - since.waitMs);
  workMs = Math.max(workMs, worked() - since.workMs);
}

/** The run time of the broker's main thread, in milliseconds. */
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
