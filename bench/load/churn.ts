import { Link } from "./link.ts";
import { cpuBetween, usage } from "./proc.ts";
import { runName, type Target } from "./target.ts";

/** Settings of a churn run. */
export interface ChurnOptions {
  readonly target: Target;
  /** The number of concurrent clients. */
  readonly slots: number;
  /** The total number of clients. */
  readonly cycles: number;
  readonly pid?: number | null;
}

/** The result of a churn run. */
export interface ChurnResult {
  readonly cycles: number;
  readonly cyclesPerSecond: number;
  readonly brokerMicroseconds: number | null;
}

/** Clients connect, subscribe, send themselves a message, and disconnect after receiving it. */
export async function churn(options: ChurnOptions): Promise<ChurnResult> {
  const { target, slots, cycles, pid = null } = options;
  const name = runName();
  const before = usage(pid);
  const started = performance.now();
  let next = 0;
  const work = async () => {
    while (next < cycles) await cycle(target, `churn-${name}-${next++}`);
  };
  await Promise.all(Array.from({ length: slots }, work));
  const seconds = (performance.now() - started) / 1000;
  const cpu = cpuBetween(before, usage(pid));
  return {
    cycles,
    cyclesPerSecond: cycles / seconds,
    brokerMicroseconds: cpu === null ? null : cpu * 1e6 / cycles,
  };
}

async function cycle(target: Target, clientId: string): Promise<void> {
  const link = await Link.open(target, clientId, 256);
  try {
    const topic = `churn/${clientId}`;
    await link.subscribe([topic], 0);
    const echo = await link.ask({
      type: "publish",
      dup: false,
      qos: 0,
      retain: false,
      topic,
      packetId: 0,
      properties: {},
      payload: new Uint8Array(64),
    });
    if (echo.type !== "publish") throw new Error(`Expected a message, not ${echo.type}`);
    await link.tell({ type: "disconnect", reasonCode: 0, properties: {} });
  } finally {
    link.close();
  }
}
