/** The data folder of a server, ready for its workers: with another number of them, sessions move. */
import { say } from "../../cli/terminal.ts";
import { diskFiles, type FolderFiles } from "../rehome/folder_files.ts";
import type { RehomeTools } from "../rehome/rehome.ts";
import { StoreFolder } from "../rehome/store_folder.ts";
import { SqliteStore } from "../../store/mod.ts";

/** What the folder is worked on with. A test has others than the disk. */
export interface NodeStoreTools extends RehomeTools {
  readonly files: FolderFiles;
}

/** The disk. */
const DISK: Omit<NodeStoreTools, "tell"> = {
  files: diskFiles,
  open: (directory) => SqliteStore.open(directory, { strict: true }),
};

/**
 * Checks that a data folder has the stores of so many workers, or is new. A session is stored where
 * its client lives, which depends on the number of workers: if the folder was made for another
 * number, all sessions move.
 *
 * @param tell Takes lines for the operator; by default they are printed.
 * @throws {StartError} If that cannot be done.
 */
export async function checkNodeStores(
  directory: string,
  workers: number,
  tell: (line: string) => void = say,
  tools: Omit<NodeStoreTools, "tell"> = DISK,
): Promise<void> {
  const folder = new StoreFolder(directory, tools.files);
  const count = await folder.count();
  if (count !== null && count !== workers || await folder.isMoving()) {
    const { rehome } = await import("../rehome/rehome.ts");
    await rehome(folder, workers, { ...tools, tell });
  }
  if (await folder.count() !== null || workers === 1) return;
  await tools.files.makeFolder(directory);
  await folder.writeCount(directory, workers);
}
