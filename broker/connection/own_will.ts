/** Copies a will out of the input buffer. */
import type { Will } from "../../codec/mod.ts";

/** A will with bytes of its own: those of a decoded CONNECT are borrowed from the input. */
export function ownWill(will: Will | null): Will | null {
  if (will === null) return null;
  const properties = { ...will.properties };
  if (properties.correlationData !== undefined) {
    properties.correlationData = properties.correlationData.slice();
  }
  return { ...will, payload: will.payload.slice(), properties };
}
