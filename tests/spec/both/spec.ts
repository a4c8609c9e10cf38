/**
 * Registers the conversations that are the same in MQTT 3.1.1 and in MQTT 5. A test names a
 * statement as `[MQTT-…]` if it has the same number in both specifications, and otherwise as
 * `[v311 MQTT-…]` or `[v5 MQTT-…]`.
 *
 * @module
 */
import type { ConnectFields, Level } from "../../harness/packets.ts";
import { testsFor } from "../harness.ts";
import { properties } from "../v5/packets.ts";
import { packetsOf, type VersionPackets } from "./packets.ts";

/** One of the two versions. */
export interface VersionTests extends ReturnType<typeof testsFor> {
  /** The name in the titles of tests. */
  readonly version: string;
  readonly level: Level;
  /** CONNECT of a client whose session outlives its connection. */
  readonly lasting: ConnectFields;
  /** Its packets. */
  readonly packets: VersionPackets;
}

const LASTING = { clientId: "client", clean: false };

/** Both versions. */
export const BOTH: readonly VersionTests[] = [
  { version: "MQTT 3.1.1", level: 4, lasting: LASTING, packets: packetsOf(4), ...testsFor(4) },
  {
    version: "MQTT 5",
    level: 5,
    lasting: { ...LASTING, properties: properties.sessionExpiry(10_000) },
    packets: packetsOf(5),
    ...testsFor(5),
  },
];
