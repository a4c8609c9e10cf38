/** The default memory budget of a server, and the line about it in the log. */
import { HEAP_SHARE } from "../broker/limits/memory_budget.ts";
import { systemHeap } from "../broker/base/heap_monitor.ts";
import type { Broker } from "../mod.ts";

/** The default budget, as a share of the container's memory. */
const CONTAINER_SHARE = 0.5;
/** The memory limit of a container, in cgroups 2 and 1. */
const FILES = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/** cgroups 1 express "no limit" as a huge number, in bytes. */
const NO_LIMIT_BYTES = 2 ** 60;

/** The memory limit of the container, in bytes; `null` if there is none, or it cannot be read. */
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
    // This version of cgroups is not in use.
    return null;
  }
}

/**
 * The default budget of a server, in bytes: the smaller of the shares of the heap and of the
 * container. Some of the counted memory is outside the heap, but all of it is in the container.
 *
 * @param heapBytes The maximum size of the heap; 0 if unknown.
 * @returns 0 if the container does not reduce the budget.
 */
export function defaultMemoryBytes(container: number | null, heapBytes: number): number {
  if (container === null) return 0;
  const bytes = Math.floor(container * CONTAINER_SHARE);
  return heapBytes > 0 && heapBytes * HEAP_SHARE <= bytes ? 0 : bytes;
}

/** The default budget of this process, in bytes. */
export async function memoryBytesHere(): Promise<number> {
  return defaultMemoryBytes(await containerBytes(), systemHeap()?.read().limitBytes ?? 0);
}

/** The line that reports the memory budget at start. */
export function memoryLine(broker: Broker, isTold: boolean): string {
  const { stats: { memory: { bytesMax } }, limits } = broker;
  const why = isTold
    ? "as it was told"
    : limits.memoryBytesMax > 0
    ? "half of the container's memory limit"
    : "two fifths of what V8's heap may grow to; --v8-flags=--max-old-space-size=MEGABYTES changes it";
  return `At most ${megabytes(bytesMax)} MB of memory for what clients make it hold (${why})`;
}

/** The minimum interval between log lines, in milliseconds. */
const TELL_MS = 60_000;

/**
 * Logs that memory is short. The interval between lines is limited, because many packets may be
 * refused.
 */
export class MemoryShortage {
  readonly #write: (line: string) => void;
  #toldMs = -Infinity;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Call when something was refused to a client. */
  tell(clientId: string | null, nowMs: number = performance.now()): void {
    if (nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    const whom = clientId === null ? "" : `, now to client ${JSON.stringify(clientId)}`;
    this.#write(
      `WARNING: the memory is used up: whatever needs more is refused${whom} (memoryBytesMax)`,
    );
  }
}

function megabytes(bytes: number): string {
  const mb = bytes / 2 ** 20;
  return mb >= 10 ? mb.toFixed(0) : mb.toFixed(1);
}
