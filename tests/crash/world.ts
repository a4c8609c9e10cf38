import { delay } from "@std/async";
import { ownerOf } from "../../cluster/client_owner.ts";
import type { Random } from "../harness/random.ts";
import { Ledger } from "./ledger.ts";
import { WORKERS } from "./workers.ts";

/** What all clients of a round share. */
export class World {
  readonly ledger: Ledger;
  /** What went wrong, a line each. */
  readonly faults: string[] = [];
  /** Whether publishers have more to say, and subscribers come and go. */
  isBusy = true;
  /** Whether the clients leave. */
  isOver = false;
  /**
   * Whether several workers accept connections. One that its client has dropped may then be handled
   * after the next one, and take that over.
   */
  readonly hasWorkers: boolean;
  /** What a payload is filled up to at most, in bytes. */
  readonly payloadBytesMax: number;
  #port: number | null = null;
  #changed = Promise.withResolvers<void>();
  readonly #end = new AbortController();

  constructor(payloadBytesMax: number, hasWorkers: boolean) {
    this.hasWorkers = hasWorkers;
    this.ledger = new Ledger(hasWorkers ? WORKERS : 1);
    this.payloadBytesMax = payloadBytesMax;
  }

  /** Whether a client lives where the streams are. */
  isWithStreams(clientId: string): boolean {
    return !this.hasWorkers || ownerOf(clientId, WORKERS) === 0;
  }

  /** Something is not as promised. */
  fault(line: string): void {
    this.faults.push(line);
  }

  /** A broker listens, or none does. */
  set port(port: number | null) {
    this.#port = port;
    this.#tell();
  }

  /** Waits for a broker; `null` when the round is over. */
  async broker(): Promise<number | null> {
    while (this.#port === null && !this.isOver) await this.#changed.promise;
    return this.isOver ? null : this.#port;
  }

  /** What has to be delivered is to be delivered now. */
  settle(): void {
    this.isBusy = false;
    this.#tell();
  }

  /** Everybody leaves. */
  finish(): void {
    this.isOver = true;
    this.#end.abort();
    this.#tell();
  }

  /** Lets some time go by, up to so many milliseconds; until the end at most. */
  async pause(random: Random, msMax: number): Promise<void> {
    // The end of the round is no reason to wait on.
    await delay(random.integer(0, msMax), { signal: this.#end.signal }).catch(() => {});
  }

  /** Pauses as {@linkcode pause}, or until there is nothing more to wait for. */
  async away(random: Random, msMax: number): Promise<void> {
    const settled = (async () => {
      while (this.isBusy && !this.isOver) await this.#changed.promise;
    })();
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, this.#end.signal]);
    await Promise.race([delay(random.integer(0, msMax), { signal }).catch(() => {}), settled]);
    enough.abort();
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}
