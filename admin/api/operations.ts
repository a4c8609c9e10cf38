/** What the program around a broker does for operators, such as a reload. */
import type { DynamicSecurity } from "../../auth/dynsec/dynamic_security.ts";
import type { CertificateInfo } from "../metrics/instruments.ts";
import type { Line } from "../visible.ts";

/** What a program can do beside its broker; what is missing is answered with 404. */
export interface Operations {
  /** What `/api/v1/version` says; `"0.0.0"` without. */
  readonly version?: string;
  /** Takes a line for each change that somebody makes; it is lost without. */
  readonly audit?: (line: Line) => void;
  /**
   * Has the configuration read again.
   *
   * @returns What is wrong with it, a line each; nothing if it is in effect.
   */
  readonly reload?: () => Promise<readonly string[]>;
  /** The configuration in effect, in its own language. */
  readonly configuration?: () => string;
  /** When the certificates of listeners expire. */
  readonly certificates?: () => readonly CertificateInfo[];
  /** The accounts of dynamic security; `null` if there is none. */
  readonly accounts?: () => DynamicSecurity | null;
  /** The listeners, as mosquitto's API tells them. */
  readonly listeners?: () => readonly ListenerInfo[];
}

/** A listener as mosquitto's API tells it. */
export interface ListenerInfo {
  /** The port; absent of a Unix socket. */
  readonly port?: number;
  /** The path of a Unix socket. */
  readonly path?: string;
  /** What is spoken there. */
  readonly protocol: "mqtt" | "websockets" | "httpapi";
  /** Whether it is encrypted. */
  readonly tls: boolean;
  /** Whether clients must show a certificate. */
  readonly mtls: boolean;
  /** Whether clients may connect that tell no name. */
  readonly allow_anonymous: boolean;
}
