/** The states of all nodes, of which each is told those of the others. */
import { addCounts, addPast, noCounts, type SysCounts } from "../../admin/sys_counts.ts";

/** The last state of each node, and what those have counted that have died. */
export class NodeCounts {
  readonly #last = new Map<number, SysCounts>();
  #past: SysCounts | null = null;
  /** The most clients that all nodes had together, when one of them told its state. */
  #clientsMost = 0;

  /** Takes the state of a node. Returns that of all others. */
  take(node: number, counts: SysCounts): SysCounts {
    this.#last.set(node, counts);
    let others = this.#past ?? noCounts(counts);
    for (const [other, state] of this.#last) if (other !== node) others = addCounts(others, state);
    this.#clientsMost = Math.max(this.#clientsMost, counts.clients + others.clients);
    return { ...others, clientsMost: Math.max(others.clientsMost, this.#clientsMost) };
  }

  /** A node has died: its clients are gone, and what it has counted stays counted. */
  onDied(node: number): void {
    const last = this.#last.get(node);
    if (last === undefined) return;
    this.#last.delete(node);
    this.#past = addPast(this.#past ?? noCounts(last), last);
  }
}
