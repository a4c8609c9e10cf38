import type { BrokerLimits } from "../broker/base/limits.ts";
import type { Place, Remark } from "./errors.ts";
import type { GlobalValues, ListenerValues, SecurityValues } from "./options.ts";

/** Who may, with nothing left open. */
export interface Security extends SecurityValues {
  readonly allow_anonymous: boolean;
}

/** One listener. */
export interface ListenerConfiguration {
  /** Where it was begun. */
  readonly place: Place;
  /** The port; 0 for a Unix socket, or with an address for any port that is free. */
  readonly port: number;
  /** The address or host name to bind to; `null` for every address. */
  readonly host: string | null;
  /** The path of a Unix socket; `null` for TCP. */
  readonly path: string | null;
  /** Where each of its words that was given stands. */
  readonly places: ReadonlyMap<string, Place>;
  readonly settings: ListenerValues;
  /** The same for all listeners unless `per_listener_settings` is true. */
  readonly security: Security;
}

/** Everything that a configuration says. Words have the names that they have in the file. */
export interface Configuration {
  readonly global: GlobalValues;
  /** Limits that were given, by their names in the broker. */
  readonly limits: Partial<BrokerLimits>;
  /** At least one. */
  readonly listeners: readonly ListenerConfiguration[];
  /** Where each word that was given and is of no listener stands. */
  readonly places: ReadonlyMap<string, Place>;
  /** What its operator should know, though it can be used. */
  readonly notes: readonly Remark[];
}
