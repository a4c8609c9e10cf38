import type { BrokerOptions, BrokerStats } from "../../mod.ts";
import { brokers } from "../harness/brokers.ts";
import { Child } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import * as packets from "../harness/packets.ts";
import { joinSubscribed } from "./_clients.ts";

/** A start under load is slow. */
const START_DEADLINE_MS = 30_000;
const SCRIPT = new URL("./_broker.ts", import.meta.url).pathname;

/** A broker in a process of its own, with options, whose memory can be watched. */
export class MeasuredBroker implements AsyncDisposable {
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts one. */
  static async start(options: BrokerOptions): Promise<MeasuredBroker> {
    const args = ["run", "--no-prompt", "--allow-net", ...brokers.flags, SCRIPT];
    const child = new Child(Deno.execPath(), [...args, JSON.stringify(options)], {
      env: { NO_COLOR: "1" },
    });
    try {
      const [, port] = await child.waitFor(/127\.0\.0\.1:(\d+)/, "stdout", START_DEADLINE_MS);
      return new MeasuredBroker(child, Number(port));
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** What it has written to its standard error output: what failed inside. */
  get stderr(): string {
    return this.#child.stderr;
  }

  /** Resident memory, in bytes. */
  residentBytes(): Promise<number> {
    return residentBytes(this.#child.pid);
  }

  /** What it has counted. */
  async stats(): Promise<BrokerStats> {
    await using client = await joinSubscribed(this.port, { answer: 0 }, {}, START_DEADLINE_MS);
    await client.send(packets.publish("ask", ""));
    const frame = await within("an answer", client.readFrame());
    const text = new TextDecoder().decode(frame);
    return JSON.parse(text.slice(text.indexOf("{")));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.kill();
  }
}

/** Resident memory of a process, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
}
