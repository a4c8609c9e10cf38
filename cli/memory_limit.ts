import { HEAP_SHARE } from "../broker/limits/memory_budget.ts";
import { systemHeap } from "../broker/base/heap_monitor.ts";
import type { Broker } from "../mod.ts";

/** The part of a container's memory that is the budget, unless it is told. */
const CONTAINER_SHARE = 0.5;
/** Where the kernel says how much memory a container may have, as of cgroups 2 and 1. */
const FILES = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/** cgroups 1 say that there is no limit with a number that no machine has, in bytes. */
const NO_LIMIT_BYTES = 2 ** 60;

/** What the container may have of memory, in bytes; `null` if there is no limit, or it may not be read. */
export async function containerBytes(files: readonly string[] = FILES): Promise<number | null> {
  for (const path of files) {
    const { state } = await Deno.permissions.query({ name: "read", path });
    if (state !== "granted") continue;
    const bytes = await numberIn(path);
    if (bytes !== null) return bytes;
  }
  return null;
}

async function numberIn(path: string): Promise<number | null> {
  try {
    const bytes = Number(await Deno.readTextFile(path));
    return bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : null;
  } catch {
    // There are no such cgroups.
    return null;
  }
}

/**
 * The budget of a server that was not told one, in bytes: the smaller of what the heap and the
 * container leave. Not everything that is counted is on the heap; all of it is in the container.
 *
 * @param heapBytes What the heap may grow to; 0 if unknown.
 * @returns 0 where the container makes no difference.
 */
export function defaultMemoryBytes(container: number | null, heapBytes: number): number {
  if (container === null) return 0;
  const bytes = Math.floor(container * CONTAINER_SHARE);
  return heapBytes > 0 && heapBytes * HEAP_SHARE <= bytes ? 0 : bytes;
}

/** The same for this process. */
export async function memoryBytesHere(): Promise<number> {
  return defaultMemoryBytes(await containerBytes(), systemHeap()?.read().limitBytes ?? 0);
}

/** The line that says at the start how much memory clients may take up. */
export function memoryLine(broker: Broker, isTold: boolean): string {
  const { stats: { memory: { bytesMax } }, limits } = broker;
  const why = isTold
    ? "as it was told"
    : limits.memoryBytesMax > 0
    ? "half of what the container may have"
    : "two fifths of what V8's heap may grow to; --v8-flags=--max-old-space-size=MEGABYTES changes it";
  return `At most ${megabytes(bytesMax)} MB of memory for what clients make it hold (${why})`;
}

/** How often a shortage is written down, in milliseconds. */
const TELL_MS = 60_000;

/** Writes down that memory is short: what is refused then may be a million things. */
export class MemoryShortage {
  readonly #write: (line: string) => void;
  #toldMs = -Infinity;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Something was refused to a client. */
  tell(clientId: string | null, nowMs: number = performance.now()): void {
    if (nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    const whom = clientId === null ? "" : `, now to client ${JSON.stringify(clientId)}`;
    this.#write(
      `WARNING: the memory is used up: what would take more is refused${whom} (memoryBytesMax)`,
    );
  }
}

function megabytes(bytes: number): string {
  const mb = bytes / 2 ** 20;
  return mb >= 10 ? mb.toFixed(0) : mb.toFixed(1);
}
