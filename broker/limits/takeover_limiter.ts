/** Delays clients that take the same session from each other again and again. */
import type { BrokerContext } from "../base/context.ts";
import { AllowanceTable } from "./allowance_table.ts";

/**
 * Detects two clients with the same client identifier that disconnect each other repeatedly. Then
 * the new client has to wait, and the connected one stays meanwhile.
 */
export class TakeoverLimiter {
  readonly #context: BrokerContext;
  readonly #clients: AllowanceTable;

  constructor(context: BrokerContext) {
    this.#context = context;
    this.#clients = new AllowanceTable(context, {
      max: "takeOversMax",
      forgetMs: "takeOverForgetMs",
      namesMax: "flappingClientsMax",
      delayMs: "takeOverDelayMs",
    });
  }

  /** Applies changed limits; the counts for the old ones are dropped. */
  applyLimits(): void {
    this.#clients.applyLimits();
  }

  /** The memory of the records, in bytes. */
  get bytes(): number {
    return this.#clients.bytes;
  }

  /** Limits the memory of the records, in bytes. */
  limitBytes(bytesMax: number): void {
    this.#clients.limitBytes(bytesMax);
  }

  /**
   * Counts a take-over of a connected client's session.
   *
   * @returns A promise to wait for first; `null` for none; `"refused"` if another client already
   * waits.
   */
  takesOver(clientId: string, address: string): PromiseLike<void> | "refused" | null {
    const record = this.#clients.get(clientId);
    if (record === undefined) return null;
    const isHeld = record.delayed > 0;
    if (!isHeld && this.#clients.take(record)) return null;
    this.#context.reportLimit("take-overs", address, clientId);
    return isHeld ? "refused" : this.#clients.delay(record);
  }
}
