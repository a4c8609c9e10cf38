/** Operations for operators that the program around a broker offers, such as a reload. */
import type { DynamicSecurity } from "../../auth/dynsec/dynamic_security.ts";
import type { BridgeStatus } from "../../bridge/status.ts";
import type { CertificateInfo } from "../metrics/instruments.ts";
import type { SysCounts } from "../sys_counts.ts";
import type { Line } from "../visible.ts";

/** The operations of a program. A request for a missing one gets 404. */
export interface Operations {
  /** The version that `/api/v1/version` reports; `"0.0.0"` by default. */
  readonly version?: string;
  /** Logs a line for each change by an operator; not logged without it. */
  readonly audit?: (line: Line) => void;
  /**
   * Reloads the configuration.
   *
   * @returns Its faults, one line each; empty if it is in effect.
   */
  readonly reload?: () => Promise<readonly string[]>;
  /** The configuration in effect, in its own language. */
  readonly configuration?: () => string;
  /** When the certificates of listeners expire. */
  readonly certificates?: () => readonly CertificateInfo[];
  /** The bridges to other brokers. */
  readonly bridges?: () => readonly BridgeStatus[];
  /** The accounts of dynamic security; `null` if there is none. */
  readonly accounts?: () => DynamicSecurity | null;
  /**
   * The state of other brokers that are one with this one for clients, for the values of `$SYS`;
   * `null`, the default, for none.
   *
   * @internal
   */
  readonly others?: () => SysCounts | null;
  /** The listeners, in the format of mosquitto's API. */
  readonly listeners?: () => readonly ListenerInfo[];
}

/** A listener, in the format of mosquitto's API. */
export interface ListenerInfo {
  /** The port; absent of a Unix socket. */
  readonly port?: number;
  /** The path of a Unix socket. */
  readonly path?: string;
  /** The protocol of the listener. */
  readonly protocol: "mqtt" | "websockets" | "httpapi";
  /** Whether it is encrypted. */
  readonly tls: boolean;
  /** Whether clients must show a certificate. */
  readonly mtls: boolean;
  /** Whether clients may connect without a user name. */
  readonly allow_anonymous: boolean;
}
