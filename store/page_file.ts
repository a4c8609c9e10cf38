/** Reads the pages of a database file without SQLite. */
import { readLog } from "./write_ahead_log.ts";

/** The offset of the page that SQLite does not use, because it locks these bytes. */
const LOCK_BYTE = 0x4000_0000;

/** What the page map says about a page. */
export type PageUse = "root" | "free" | "overflow" | "tree" | "unknown";

const USES: readonly PageUse[] = ["unknown", "root", "free", "overflow", "overflow", "tree"];

/**
 * The pages of a database as bytes, each in its newest version from the log. It reads a file that
 * SQLite refuses to read.
 */
export class PageFile {
  readonly #pageBytes: number;
  readonly #file: Deno.FsFile | null;
  readonly #log: Uint8Array<ArrayBuffer>;
  readonly #inLog: ReadonlyMap<number, number>;
  readonly #mapped: number;
  #map: { readonly at: number; readonly page: Uint8Array | null } = { at: 0, page: null };

  /** How many pages there are, by the sizes of the files. */
  readonly pageCount: number;
  /** What is wrong with the log, in a few words; `null` if nothing is. */
  readonly logFault: string | null;

  /** @param path The path of the database. The database and its log may be missing. */
  constructor(path: string, pageBytes: number) {
    this.#pageBytes = pageBytes;
    this.#mapped = Math.floor(pageBytes / 5);
    this.#log = readIfThere(`${path}-wal`);
    const { pages, pageCount, fault } = readLog(this.#log, pageBytes);
    this.#inLog = pages;
    this.logFault = fault;
    this.#file = openIfThere(path);
    const inFile = Math.ceil((this.#file?.statSync().size ?? 0) / pageBytes);
    this.pageCount = pageCount ?? inFile;
  }

  /** Reads a page by its number, from 1; `null` if it cannot be read. */
  page(number: number): Uint8Array<ArrayBuffer> | null {
    const at = this.#inLog.get(number);
    if (at !== undefined) return this.#log.subarray(at, at + this.#pageBytes);
    return this.#readPage(number);
  }

  /** What a page is used for, by the page map. */
  useOf(number: number): PageUse {
    const map = this.#mapOf(number);
    if (number <= map) return "unknown";
    if (map !== this.#map.at) this.#map = { at: map, page: this.page(map) };
    return USES[this.#map.page?.[5 * (number - map - 1)] ?? 0] ?? "unknown";
  }

  /** Closes the files. */
  close(): void {
    this.#file?.close();
  }

  /** The number of the map page for a page. */
  #mapOf(number: number): number {
    const map = number - (number - 2) % (this.#mapped + 1);
    return (map - 1) * this.#pageBytes === LOCK_BYTE ? map + 1 : map;
  }

  #readPage(number: number): Uint8Array<ArrayBuffer> | null {
    const page = new Uint8Array(this.#pageBytes);
    try {
      this.#file?.seekSync((number - 1) * this.#pageBytes, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < page.length) {
        const read = this.#file?.readSync(page.subarray(filled)) ?? 0;
        if (read === 0) return null;
        filled += read;
      }
      return page;
    } catch {
      // The disk cannot read this sector. The other pages are still wanted.
      return null;
    }
  }
}

function openIfThere(path: string): Deno.FsFile | null {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function readIfThere(path: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}
