/** How operators look through the waiting messages of a session. */
import type { Variant } from "../../router/variant.ts";
import type { Message } from "../base/message.ts";

/** A place in the backlog of a session: numbers in ascending order, compared one after the other. */
export type BacklogPlace = readonly [number, number];

/** A message that waits for a session. */
export interface WaitingMessage {
  /** It stays the same while messages before it are sent. */
  readonly place: BacklogPlace;
  readonly message: Message;
  readonly variant: Variant;
}

/**
 * A look through a backlog, oldest message first. It changes nothing. It yields `null` after some
 * work, and a promise for what has to be loaded first.
 */
export type BacklogLook = Generator<WaitingMessage | Promise<void> | null, void, void>;

/** What can be looked through. */
export interface LookedThrough {
  /**
   * Looks at what waits.
   *
   * @param after Begins behind this place; `null` for the oldest message.
   */
  look(after: BacklogPlace | null): BacklogLook;
}

/** Whether a place comes after another; `null` is before all. */
export function isBehind(place: BacklogPlace, other: BacklogPlace | null): boolean {
  if (other === null) return true;
  return place[0] > other[0] || (place[0] === other[0] && place[1] > other[1]);
}
