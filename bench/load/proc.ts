/**
 * Statistics of a process from Linux's `/proc`. On other systems, or without read permission, the
 * results are null.
 *
 * @module
 */

/** The resources that a process has used. */
export interface Usage {
  /** Processor time of all its threads, in seconds. */
  readonly cpuSeconds: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
}

/** Ticks of `/proc/PID/stat` per second, on every Linux system. */
const TICKS = 100;

/** Reads the used resources; null if unknown. */
export function usage(pid: number | null): Usage | null {
  if (pid === null) return null;
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const residentKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    return { cpuSeconds: cpuSeconds(pid), residentBytes: residentKb * 1024 };
  } catch {
    // Not Linux, no such process, or no permission.
    return null;
  }
}

/** The processor time between two readings, in seconds. */
export function cpuBetween(before: Usage | null, after: Usage | null): number | null {
  return before === null || after === null ? null : after.cpuSeconds - before.cpuSeconds;
}

/**
 * With the precision of nanoseconds if the scheduler provides it, otherwise of ten milliseconds.
 */
function cpuSeconds(pid: number): number {
  return scheduled(pid) ?? ticked(pid);
}

/** The sum over the threads. Ended threads are missing; these programs have none. */
function scheduled(pid: number): number | null {
  try {
    let nanoseconds = 0;
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const schedstat = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`);
      nanoseconds += Number(schedstat.split(" ", 1)[0]);
    }
    return nanoseconds / 1e9;
  } catch {
    // A kernel without these statistics, or a thread that has just ended.
    return null;
  }
}

function ticked(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name of the program may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory when it no longer decreases: garbage collection takes time. */
export async function settledBytes(pid: number, readings: number = 10): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < readings; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    least = Math.min(least, usage(pid)?.residentBytes ?? Infinity);
  }
  return least;
}
