import type { VirtualClock } from "../harness/virtual_clock.ts";
import type { VirtualNetwork } from "../harness/virtual_network.ts";
import type { Ledger } from "./ledger.ts";
import type { Scenario } from "./scenario.ts";

/** The world, as far as clients see it. */
export interface ClientWorld {
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  /** By which they connect. */
  readonly network: VirtualNetwork;
  readonly scenario: Scenario;
  /** Whether the broker is being closed. */
  readonly isClosing: boolean;
  /** Whether the clients do nothing more, not even keep their connections alive. */
  readonly isOver: boolean;
  /** Resolves when the clock has moved on by `ms`. */
  delay(ms: number): Promise<void>;
}
