/** A link between two nodes: two byte pipes. */
import type { Transport } from "../transport/transport.ts";

/**
 * A link to another node. Whoever joins the nodes makes it, and makes another one when it has ended
 * ({@linkcode ./cluster.ts | Cluster.join}). Both pipes keep the order of their bytes and lose none:
 * one that cannot go on ends. If one of them ends, the link closes both.
 */
export interface Link {
  /** Carries MQTT packets, in both directions: messages and their acknowledgements. */
  readonly messages: Transport;
  /** Carries the frames of `frames.ts`: what the nodes tell each other about themselves. */
  readonly control: Transport;
}
