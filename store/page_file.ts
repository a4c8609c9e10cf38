import { readLog } from "./write_ahead_log.ts";

/** The page that SQLite leaves out, for locks are taken on its bytes. */
const LOCK_BYTE = 0x4000_0000;

/** What the page map says of a page. */
export type PageUse = "root" | "free" | "overflow" | "tree" | "unknown";

const USES: readonly PageUse[] = ["unknown", "root", "free", "overflow", "overflow", "tree"];

/**
 * The pages of a database, newest first from its log, as bytes: for looking at
 * a file that SQLite does not want to look at any more.
 */
export class PageFile {
  readonly #pageBytes: number;
  readonly #file: Deno.FsFile | null;
  readonly #log: Uint8Array<ArrayBuffer>;
  readonly #inLog: ReadonlyMap<number, number>;
  readonly #mapped: number;
  #map: { readonly at: number; readonly page: Uint8Array | null } = { at: 0, page: null };

  /** Pages there are, by what the files hold. */
  readonly pageCount: number;
  /** What is wrong with the log, in a few words; `null` if nothing is. */
  readonly logFault: string | null;

  /** @param path Of the database; it and its log may be missing. */
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

  /** A page by its number, which begins at 1; `null` if it cannot be read. */
  page(number: number): Uint8Array<ArrayBuffer> | null {
    const at = this.#inLog.get(number);
    if (at !== undefined) return this.#log.subarray(at, at + this.#pageBytes);
    return this.#readPage(number);
  }

  /** What a page is used for, as the page map has it. */
  useOf(number: number): PageUse {
    const map = this.#mapOf(number);
    if (number <= map) return "unknown";
    if (map !== this.#map.at) this.#map = { at: map, page: this.page(map) };
    return USES[this.#map.page?.[5 * (number - map - 1)] ?? 0] ?? "unknown";
  }

  /** Lets go of the files. */
  close(): void {
    this.#file?.close();
  }

  /** The page with the map of those that follow it. */
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
      // A sector that the disk does not give: what is on other pages is wanted all the same.
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
