/** Moves the sessions of a data folder when the server has another number of workers. */
import { type Moved, moveStores } from "../../broker/durable/moving/move_stores.ts";
import { refuseReaders } from "../../broker/durable/moving/refuse_readers.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { type Store, StoreLockedError } from "../../store/mod.ts";
import { StartError } from "../start_error.ts";
import { storeFault } from "../stored_broker.ts";
import { drainNodes } from "./drain.ts";
import { FolderLocks } from "./folder_locks.ts";
import { DRAFT, PLACING, READY, type StoreFolder } from "./store_folder.ts";

/** What a move needs besides the folder. */
export interface RehomeTools {
  /** Opens a store in a folder. A damaged one is refused. */
  readonly open: (directory: string) => Promise<Store>;
  /** Takes lines for the operator. */
  readonly tell: (line: string) => void;
}

/**
 * Brings the stores of a folder to another number of workers. A process that ends meanwhile loses
 * nothing: until the new stores are complete, the old ones stay as they are, and the next start begins
 * again; from then on the next start goes on.
 *
 * 1. What waits for other workers is delivered: the old brokers run without listeners.
 * 2. New stores are filled, in a folder beside.
 * 3. That folder gets another name: at this moment the new stores replace the old ones.
 * 4. The old stores are removed, and the new ones are put in their places.
 *
 * @throws {StartError} If it cannot be done. Then everything is as before.
 */
export async function rehome(
  folder: StoreFolder,
  workers: number,
  tools: RehomeTools,
): Promise<void> {
  const { path, files } = folder;
  using locks = new FolderLocks();
  let from: number | null = null;
  let isDecided = false;
  try {
    locks.take(path);
    await finishMove(folder, locks);
    locks.releaseOthers(path);
    await files.remove(`${path}/${DRAFT}`);
    from = await folder.count();
    if (from === null || from === workers) return;
    const startMs = performance.now();
    tools.tell(`Moving the sessions in ${path} from ${storesOf(from)} to ${storesOf(workers)}`);
    // The store of a server without workers has the same lock.
    if (from === 1) locks.release(path);
    const { sessions, messages } = await fillDraft(folder, from, workers, tools);
    locks.take(path);
    await lockPlaces(folder, locks, from, workers);
    await files.rename(`${path}/${DRAFT}`, `${path}/${READY}`);
    await files.sync(path);
    isDecided = true;
    await finishMove(folder, locks);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const what = `sessions: ${sessions}, messages: ${messages}`;
    tools.tell(`Moved to ${storesOf(workers)} in ${seconds} s; ${what}`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(faultOf(path, isDecided ? null : from, workers, error), { cause: error });
  }
}

/** Fills the new stores. If that fails, nothing of them stays. */
async function fillDraft(
  folder: StoreFolder,
  from: number,
  to: number,
  { open }: RehomeTools,
): Promise<Moved> {
  const { path, files } = folder;
  const draft = `${path}/${DRAFT}`;
  for (const place of folder.places(to)) {
    // Only a folder that somebody has put there can have one.
    if (place === path || !folder.places(from).includes(place)) await mustBeFree(folder, place);
  }
  try {
    const moved = await withStores(folder.places(from), open, async (old) => {
      await refuseReaders(old, (clientId) => ownerOf(clientId, to));
      await drainNodes(old);
      await files.makeFolder(draft);
      const drafts = draftPlaces(folder, DRAFT, to);
      return await withStores(drafts, open, (fresh) => {
        return moveStores(old, fresh, (clientId) => ownerOf(clientId, to));
      });
    });
    for (const place of draftPlaces(folder, DRAFT, to)) await files.sync(place);
    await folder.writeCount(draft, to);
    await files.sync(path);
    return moved;
  } catch (error) {
    // A full disk gets its room back. What is left is removed by the next start.
    await files.remove(draft).catch(() => {});
    throw error;
  }
}

/** Continues a move whose new stores are complete. Every step may have been done before. */
async function finishMove(folder: StoreFolder, locks: FolderLocks): Promise<void> {
  const { path, files } = folder;
  const [ready, placing] = [`${path}/${READY}`, `${path}/${PLACING}`];
  const isReady = await files.has(ready);
  if (!isReady && !await files.has(placing)) return;
  // The folder says how many there were until everything is in its place.
  const from = await folder.count() ?? 1;
  const to = await folder.countIn(isReady ? ready : placing) ?? from;
  await lockPlaces(folder, locks, from, to);
  if (isReady) {
    for (const place of folder.places(from)) await folder.removeStore(place);
    await files.rename(ready, placing);
    await files.sync(path);
  }
  const places = folder.places(to);
  for (const [i, draft] of draftPlaces(folder, PLACING, to).entries()) {
    await folder.placeStore(draft, places[i]!);
  }
  for (const place of folder.places(from)) {
    if (place !== path && !places.includes(place)) await folder.removePlace(place);
  }
  await folder.takeCount(placing, to);
  await files.remove(placing);
  await files.sync(path);
}

/** Makes the folders of the old and the new stores, and keeps others out of them. */
async function lockPlaces(
  folder: StoreFolder,
  locks: FolderLocks,
  from: number,
  to: number,
): Promise<void> {
  for (const place of new Set([...folder.places(from), ...folder.places(to)])) {
    await folder.files.makeFolder(place);
    locks.take(place);
  }
}

/** The folders of the new stores before they are in their places. */
function draftPlaces({ path }: StoreFolder, name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${path}/${name}/${i}`);
}

async function mustBeFree(folder: StoreFolder, place: string): Promise<void> {
  if (!await folder.hasStore(place)) return;
  throw new StartError(
    `${place} has a store that does not belong to the others in ${folder.path}: move it away`,
  );
}

/** Opens stores, and closes them when their use is over. */
async function withStores<T>(
  directories: readonly string[],
  open: RehomeTools["open"],
  use: (stores: readonly Store[]) => Promise<T>,
): Promise<T> {
  const stores: Store[] = [];
  try {
    for (const directory of directories) stores.push(await open(directory));
    return await use(stores);
  } finally {
    for (const store of stores) await store.close();
  }
}

function storesOf(workers: number): string {
  return workers === 1 ? "one store" : `${workers} workers`;
}

/**
 * Why the stores cannot be moved, and what helps.
 *
 * @param from `null` if there is no way back: then the next start goes on.
 */
function faultOf(path: string, from: number | null, to: number, error: unknown): string {
  if (error instanceof StoreLockedError) return storeFault(path, false, error);
  const before = from === null
    ? ""
    : `; nothing was changed, and --workers ${from} starts as before`;
  return `cannot move the sessions in ${path} to ${storesOf(to)}: ` +
    `${storeFault(path, false, error)}${before}`;
}
