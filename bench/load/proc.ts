/**
 * What Linux knows of a process: `/proc`. Elsewhere, and without permission to
 * read it, the answers are null.
 *
 * @module
 */

/** What a process has used up to now. */
export interface Usage {
  /** Seconds of processor time of all its threads. */
  readonly cpuSeconds: number;
  /** Resident memory, in bytes. */
  readonly residentBytes: number;
}

/** Ticks of `/proc/PID/stat` in a second, on every Linux there is. */
const TICKS = 100;

/** Reads what a process has used; null if that cannot be known. */
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

/** What a process has used between two readings, in seconds of processor time. */
export function cpuBetween(before: Usage | null, after: Usage | null): number | null {
  return before === null || after === null ? null : after.cpuSeconds - before.cpuSeconds;
}

/** In nanoseconds where the scheduler tells them, in ticks of ten milliseconds elsewhere. */
function cpuSeconds(pid: number): number {
  return scheduled(pid) ?? ticked(pid);
}

/** The sum over the threads; those that have ended are missing, which these programs' do not. */
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
  // The name of the program may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory once it falls no further: garbage takes its time to go. */
export async function settledBytes(pid: number, readings: number = 10): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < readings; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    least = Math.min(least, usage(pid)?.residentBytes ?? Infinity);
  }
  return least;
}
