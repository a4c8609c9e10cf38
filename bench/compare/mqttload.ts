import { figuresOf, type Measurement } from "./measurement.ts";
import { AHEAD, type Generator, type Job, PATIENCE, type Route, SIZE_BYTES } from "./generator.ts";

/** The used fields of the last line that `mqttload` prints. */
interface Report {
  readonly ok: boolean;
  readonly msgs_per_s?: number;
  readonly cycles_per_s?: number;
  readonly rtt_us?: { readonly p50: number; readonly p99: number };
  readonly broker?: { readonly cpu_us_per_msg?: number; readonly cpu_us_per_cycle?: number };
  readonly lost?: number;
  readonly dup?: number;
  readonly ooo?: number;
}

/** Creates load with `mqttload` at `path`. */
export function mqttload(path: string): Generator {
  return {
    name: "mqttload",
    async run(job, route) {
      const args = [...jobArgs(job), ...routeArgs(route)];
      const signal = AbortSignal.timeout(PATIENCE.timeoutMs + 20_000);
      const { stdout, stderr } = await new Deno.Command(path, { args, signal }).output();
      const last = new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1) ?? "";
      if (!last.startsWith("{")) {
        const said = new TextDecoder().decode(stderr).trim();
        throw new Error(`mqttload ${args.join(" ")} failed: ${said}`);
      }
      return read(JSON.parse(last));
    },
  };
}

function jobArgs(job: Job): string[] {
  const messages = ["-m", String(job.messages)];
  switch (job.mode) {
    case "churn":
      return ["churn", "-n", String(job.slots), ...messages];
    case "fanOut": {
      const wild = job.isWild ? ["--wild"] : [];
      return ["fanout", "-n", String(job.conns), ...messages, "--ahead", String(AHEAD), ...wild];
    }
    case "fanIn":
      return ["fanin", "-n", String(job.pairs), ...messages];
    default:
      return [job.mode, "-n", String(job.pairs), ...messages];
  }
}

function routeArgs({ port, pid, protocol, qos }: Route): string[] {
  return Object.entries({
    "-p": port,
    "-V": protocol,
    "-q": qos,
    "-s": SIZE_BYTES,
    "-t": PATIENCE.timeoutMs / 1000,
    "--idle": 1.5,
    ...(pid === null ? {} : { "--pid": pid }),
  }).flatMap(([flag, value]) => [flag, String(value)]);
}

function read(report: Report): Measurement {
  const { lost = 0, dup = 0, ooo = 0, ok } = report;
  const figures = figuresOf({
    rate: report.cycles_per_s === undefined ? report.msgs_per_s : undefined,
    cycles: report.cycles_per_s,
    cpu: report.broker?.cpu_us_per_msg,
    cpuCycle: report.broker?.cpu_us_per_cycle,
    p50: report.rtt_us?.p50,
    p99: report.rtt_us?.p99,
  });
  return { figures, faults: Math.max(lost + dup + ooo, ok ? 0 : 1) };
}
