import { moveStores } from "../../broker/durable/moving/move_stores.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { drainNodes } from "../../server/rehome/drain.ts";
import { MemoryStore, type StoreSnapshot } from "../../store/mod.ts";
import type { VirtualClock } from "../harness/virtual_clock.ts";
import { BEGAN_MS } from "../sim/life.ts";

/** Moves what is on some disks to other disks, as a server with another number of workers does. */
export async function move(
  disks: readonly StoreSnapshot[],
  count: number,
  clock: VirtualClock,
): Promise<StoreSnapshot[]> {
  const from = disks.map((disk) => MemoryStore.from(disk));
  const to = Array.from({ length: count }, () => new MemoryStore());
  await drainNodes(from, () => BEGAN_MS + clock.now());
  await moveStores(from, to, (clientId) => ownerOf(clientId, count));
  return to.map((store) => store.snapshot());
}
