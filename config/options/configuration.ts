/** The types of a parsed configuration. */
import type { BrokerLimits } from "../../broker/base/limits.ts";
import type { Place, Remark } from "../errors/errors.ts";
import type { GlobalValues, ListenerValues, SecurityValues } from "./options.ts";
import type { BridgeValues } from "./bridge_words.ts";
import type { StreamValues } from "./stream_words.ts";

/** Authentication and authorization, with all defaults filled in. */
export interface Security extends SecurityValues {
  readonly allow_anonymous: boolean;
}

/** One listener. */
export interface ListenerConfiguration {
  /** The place of its `listener` line. */
  readonly place: Place;
  /** The port; 0 for a Unix socket, or with an address for any free port. */
  readonly port: number;
  /** The address or host name to bind to; `null` for every address. */
  readonly host: string | null;
  /** The path of a Unix socket; `null` for TCP. */
  readonly path: string | null;
  /** The place of each option of the listener. */
  readonly places: ReadonlyMap<string, Place>;
  readonly settings: ListenerValues;
  /** The same for all listeners unless `per_listener_settings` is true. */
  readonly security: Security;
}

/** A name that stands in the configuration. */
export interface NamedPlace {
  readonly name: string;
  readonly place: Place;
}

/** One stream. */
export interface StreamConfiguration extends NamedPlace {
  /** The place of each of its options. */
  readonly places: ReadonlyMap<string, Place>;
  readonly settings: StreamValues;
}

/** One bridge. */
export interface BridgeConfiguration extends NamedPlace {
  /** The place of each of its options. */
  readonly places: ReadonlyMap<string, Place>;
  readonly settings: BridgeValues;
}

/** A whole configuration. Options have the same names as in the file. */
export interface Configuration {
  readonly global: GlobalValues;
  /** Limits that the configuration sets, by their names in the broker. */
  readonly limits: Partial<BrokerLimits>;
  /** At least one. */
  readonly listeners: readonly ListenerConfiguration[];
  readonly streams: readonly StreamConfiguration[];
  readonly bridges: readonly BridgeConfiguration[];
  /** Streams that are to be removed with all their messages. */
  readonly removedStreams: readonly NamedPlace[];
  /** The place of each option that does not belong to a listener or a stream. */
  readonly places: ReadonlyMap<string, Place>;
  /** Warnings for the operator about a valid configuration. */
  readonly notes: readonly Remark[];
}
