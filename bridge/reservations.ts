/** What a bridge has learned that the other broker does not take in a CONNECT. */
import { ReasonCode } from "../codec/mod.ts";
import { RefusedError } from "./leg.ts";

/** The return code of 3.x for an unacceptable protocol version. */
const UNACCEPTABLE_VERSION = 1;

/** What a bridge has learned that the other broker does not take in a CONNECT. */
export interface Reservations {
  /** Whether the bridge bit of 3.x is taken. */
  isPrivate: boolean;
  /** Whether a retained will is taken. */
  retains: boolean;
  /** The highest QoS of the will. */
  willQoS: 0 | 1;
}

/** Learns from a refusal what the other broker does not take. Returns whether it was something new. */
export function learn(reservations: Reservations, error: unknown): boolean {
  if (!(error instanceof RefusedError)) return false;
  const { reasonCode } = error;
  const { isPrivate, retains, willQoS } = reservations;
  if (reasonCode === UNACCEPTABLE_VERSION) reservations.isPrivate = false;
  if (reasonCode === ReasonCode.RetainNotSupported) reservations.retains = false;
  if (reasonCode === ReasonCode.QoSNotSupported) reservations.willQoS = 0;
  return isPrivate !== reservations.isPrivate || retains !== reservations.retains ||
    willQoS !== reservations.willQoS;
}
