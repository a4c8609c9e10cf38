/** Copies the readable rows of a damaged file into a new one. */
import { Batch } from "./batch.ts";
import { freePages } from "./free_pages.ts";
import type { PageFile } from "./page_file.ts";
import { RowFinder } from "./row_finder.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import type { Upkeep } from "./upkeep.ts";

/** Bytes of rows that are committed together. */
const COMMIT_BYTES = 1024 * 1024;

/**
 * Copies the readable rows of a damaged file into another file, page by page. Rows on an undamaged
 * page are saved, even if the pages that lead to it are damaged.
 */
export function salvage(from: PageFile, to: SqliteFile, upkeep: Upkeep): void {
  const finder = new RowFinder(from);
  const { certain, doubtful } = pagesWithRows(from);
  let batch = new Batch();
  const commit = () => {
    to.commit(batch);
    if (upkeep.isLogLong) upkeep.checkpoint();
    batch = new Batch();
  };
  // If a key is found twice, the last one counts, so the certain pages come last.
  for (const page of [...doubtful, ...certain]) {
    for (const { table, key, value } of finder.rowsOn(page)) batch.put(table, key, value);
    if (batch.bytes.length >= COMMIT_BYTES) commit();
  }
  commit();
}

/** The pages that have rows, and those that may have rows by a damaged page map. */
function pagesWithRows(file: PageFile): { certain: number[]; doubtful: number[] } {
  const free = freePages(file);
  const certain: number[] = [];
  const doubtful: number[] = [];
  for (let page = 1; page <= file.pageCount; page++) {
    const use = file.useOf(page);
    if (use === "root" || use === "tree") certain.push(page);
    // The page map and the list both name free pages. Where they differ, one of them is damaged.
    else if (use === "free" && free !== null && !free.has(page)) doubtful.push(page);
    else if (use === "unknown" && !free?.has(page)) doubtful.push(page);
  }
  return { certain, doubtful };
}
