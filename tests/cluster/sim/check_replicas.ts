import { type Ledger, NEVER, type Publication } from "../../sim/ledger.ts";
import type { NodeWorld } from "./node_world.ts";

/**
 * Every node has the same retained messages, and none is older than the last that was acknowledged
 * to its publisher. Checked when nothing moves any more.
 */
export function checkReplicas(ledger: Ledger, nodes: readonly NodeWorld[]): void {
  const retained = ledger.publications.filter(({ retain }) => retain);
  for (const [topic, publications] of Map.groupBy(retained, (one) => one.topic)) {
    const promised = publications.findLast(({ ackedAt }) => ackedAt !== NEVER);
    const found = nodes.map((node) => retainedOf(ledger, node, topic));
    const [first] = found;
    for (const [node, one] of found.entries()) {
      const name = one === undefined ? "nothing" : `#${one.id}`;
      if (one !== first) {
        const other = first === undefined ? "nothing" : `#${first.id}`;
        ledger.fault(`node ${node} retains ${name} for ${topic}, node 0 ${other}`);
      }
      if (promised !== undefined && (one === undefined || one.id < promised.id)) {
        ledger.fault(`node ${node} retains ${name} for ${topic}, #${promised.id} was promised`);
      }
    }
  }
}

function retainedOf(ledger: Ledger, node: NodeWorld, topic: string): Publication | undefined {
  const content = node.broker.nodePort.retained.get(topic);
  return content === null ? undefined : ledger.publicationOf(content.payload);
}
