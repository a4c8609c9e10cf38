/**
 * The resources that this process uses.
 *
 * @module
 */

/** The resources of this process. */
export interface ProcessUse {
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  readonly residentBytes: number;
  /** The number of open files and sockets; `null` if unknown. */
  readonly openFds: number | null;
}

/** Measures this process. Counting its files takes `--allow-read`, on Linux. */
export async function processUse(): Promise<ProcessUse> {
  const { heapUsed, heapTotal, external, rss } = Deno.memoryUsage();
  return {
    heapUsedBytes: heapUsed,
    heapTotalBytes: heapTotal,
    externalBytes: external,
    residentBytes: rss,
    openFds: await countFds(),
  };
}

async function countFds(): Promise<number | null> {
  const { state } = await Deno.permissions.query({ name: "read", path: "/proc/self/fd" });
  if (state !== "granted") return null;
  try {
    let count = 0;
    for await (const _ of Deno.readDir("/proc/self/fd")) count++;
    // One of them was the folder itself.
    return count - 1;
  } catch {
    return null;
  }
}
