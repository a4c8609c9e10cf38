/** Refuses to move sessions that read streams to where the streams are not. */
import type { Store } from "../../../store/store.ts";
import { isNodeClientId, pairOf } from "../../base/node_peer.ts";
import { readSession } from "../session_record.ts";
import { eachRow } from "./each_row.ts";

/**
 * Checks that no session has to do with streams on another node. Streams stay on the first node, and
 * what a session knows of its places in them cannot move away from there.
 *
 * @param ownerOf The new store of a client, by its client identifier.
 * @throws {Error} If there is such a session: it names the client.
 * @throws {StoreError} If a store cannot be read, or a row makes no sense.
 */
export async function refuseReaders(
  stores: readonly Store[],
  ownerOf: (clientId: string) => number,
): Promise<void> {
  for (const [node, store] of stores.entries()) {
    await eachRow(store, "sessions", (_key, value) => {
      const { clientId, replays, places } = readSession(value);
      const isReader = isNodeClientId(clientId)
        ? stores.every((_, other) => pairOf(other, clientId) === null)
        : (replays.length > 0 || places.size > 0) && (node > 0 || ownerOf(clientId) > 0);
      if (!isReader) return;
      const name = JSON.stringify(clientId.replace(/^\0/, ""));
      throw new Error(`client ${name} reads a stream, and its place in there cannot move yet`);
    });
  }
}
