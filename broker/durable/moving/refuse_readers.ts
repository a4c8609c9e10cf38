/** Refuses to move sessions away from the streams that can read them only where those are. */
import type { Store } from "../../../store/store.ts";
import { isReadElsewhere } from "../../session/session_replays.ts";
import { readSession } from "../session_record.ts";
import { eachRow } from "./each_row.ts";

/**
 * Checks that no session with No Local for a stream goes away from where the streams are.
 *
 * @param ownerOf The new store of a client, by its client identifier.
 * @throws {Error} If there is such a session: it names the client.
 * @throws {StoreError} If a store cannot be read, or a row makes no sense.
 */
export async function refuseReaders(
  stores: readonly Store[],
  ownerOf: (clientId: string) => number,
): Promise<void> {
  for (const store of stores) {
    await eachRow(store, "sessions", (_key, value) => {
      const { clientId, replays } = readSession(value);
      const isTied = replays.some((replay) => replay.noLocal && !isReadElsewhere(replay));
      if (!isTied || ownerOf(clientId) === 0) return;
      const name = JSON.stringify(clientId);
      throw new Error(
        `client ${name} reads a stream with No Local, so it cannot leave the first worker`,
      );
    });
  }
}
