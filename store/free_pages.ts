/** Reads the list of free pages of a database file. */
import type { PageFile } from "./page_file.ts";
import { headerFault } from "./sqlite_connection.ts";

/**
 * The pages on the list of free pages; `null` if the list is damaged. They contain removed rows,
 * which must not come back.
 *
 * A page of the list has the number of the next one, the count of free pages that it names, and
 * their numbers. The first page of the file says where the list begins, and how many free pages
 * there are.
 */
export function freePages(file: PageFile): ReadonlySet<number> | null {
  const first = viewOf(file, 1);
  if (first === null || headerFault(file) !== null) return null;
  const free = new Set<number>();
  const count = first.getUint32(36);
  for (let number = first.getUint32(32); number !== 0;) {
    const page = number > file.pageCount || free.has(number) ? null : viewOf(file, number);
    if (page === null) return null;
    free.add(number);
    const names = page.getUint32(4);
    if (free.size + names > count || 8 + 4 * names > page.byteLength) return null;
    for (let at = 0; at < names; at++) free.add(page.getUint32(8 + 4 * at));
    number = page.getUint32(0);
  }
  return free.size === count ? free : null;
}

function viewOf(file: PageFile, number: number): DataView | null {
  const page = file.page(number);
  return page === null ? null : new DataView(page.buffer, page.byteOffset, page.length);
}
