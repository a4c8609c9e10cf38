/** Reads the write-ahead log of a database without SQLite. */

/** Bytes before the first frame, and before the page in each. */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The offset in the header of the two salts that every frame repeats. */
const HEADER_SALTS_AT = 16;

/** The first bytes of a log. The lowest bit gives the byte order of the checksums. */
const MAGIC = 0x377f0682;

/** The content of a write-ahead log of SQLite, read without SQLite. */
export interface LogContent {
  /** The offset in the log of the newest committed version of each page. */
  readonly pages: ReadonlyMap<number, number>;
  /** Pages of the file after the last commit; `null` if there is none in the log. */
  readonly pageCount: number | null;
  /** What is wrong with the log, in a few words; `null` if nothing is. */
  readonly fault: string | null;
}

/** A running checksum: it depends on all bytes before. */
type Sum = readonly [number, number];

/**
 * Reads the log of an earlier process. SQLite silently ends a log at the first frame with a wrong
 * checksum. That is right for the last commit, which a crash may have interrupted: it was not
 * reported as finished. But each earlier commit was on the disk when the next one began. So if more
 * than one commit is cut off, the disk has lost data.
 *
 * @param pageBytes Bytes of a page of the database.
 */
export function readLog(bytes: Uint8Array<ArrayBuffer>, pageBytes: number): LogContent {
  return new LogReader(bytes, pageBytes).read();
}

class LogReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #pageBytes: number;
  readonly #frames: number;
  /** The offset of the salts that the frames of this log have. */
  #saltsAt: number = HEADER_BYTES + 8;

  constructor(bytes: Uint8Array<ArrayBuffer>, pageBytes: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#pageBytes = pageBytes;
    const frameBytes = FRAME_HEADER_BYTES + pageBytes;
    this.#frames = Math.max(0, Math.floor((bytes.length - HEADER_BYTES) / frameBytes));
  }

  read(): LogContent {
    if (this.#frames === 0) return { pages: new Map(), pageCount: null, fault: null };
    const stated: Sum = [this.#view.getUint32(24), this.#view.getUint32(28)];
    const computed = this.#sum([0, 0], 0, 24);
    const intact = stated[0] === computed[0] && stated[1] === computed[1] &&
      (this.#view.getUint32(0) & ~1) === MAGIC;
    if (intact) {
      // A log starts again over old frames. If the process was killed just then, no frame has the
      // salts of the header.
      this.#saltsAt = HEADER_SALTS_AT;
      return this.#readFrames(stated, null);
    }
    // The checksum of the header is wrong. The frames may continue from the stored one or the
    // computed one.
    const start = this.#isFrame(0, stated) ? stated : computed;
    return this.#readFrames(start, "the header of its log is damaged");
  }

  #readFrames(start: Sum, fault: string | null): LogContent {
    let sum = start;
    let frame = 0;
    while (frame < this.#frames && this.#isFrame(frame, sum)) {
      sum = this.#frameSum(frame, sum);
      frame++;
    }
    const lost = this.#commitsFrom(frame);
    if (lost <= 1) return { ...this.#content(frame), fault };
    const damage = `its log is damaged before ${lost} commits`;
    // From here on, frames cannot be verified by their checksums. The rows in them have their own.
    return { ...this.#content(this.#frames), fault: fault ?? damage };
  }

  /** What was committed in the frames before `end`. */
  #content(end: number): { pages: Map<number, number>; pageCount: number | null } {
    const pages = new Map<number, number>();
    const uncommitted = new Map<number, number>();
    let pageCount: number | null = null;
    for (let frame = 0; frame < end; frame++) {
      if (!this.#isOfThisLog(frame)) continue;
      const at = this.#position(frame);
      uncommitted.set(this.#view.getUint32(at), at + FRAME_HEADER_BYTES);
      const size = this.#view.getUint32(at + 4);
      if (size === 0) continue;
      pageCount = size;
      for (const [page, position] of uncommitted) pages.set(page, position);
      uncommitted.clear();
    }
    return { pages, pageCount };
  }

  /** How many commits end in the frames from `first` on. */
  #commitsFrom(first: number): number {
    let commits = 0;
    for (let frame = first; frame < this.#frames; frame++) {
      const isCommit = this.#view.getUint32(this.#position(frame) + 4) !== 0;
      if (isCommit && this.#isOfThisLog(frame)) commits++;
    }
    return commits;
  }

  #isFrame(frame: number, before: Sum): boolean {
    const at = this.#position(frame);
    const sum = this.#frameSum(frame, before);
    return this.#isOfThisLog(frame) && this.#view.getUint32(at) !== 0 &&
      this.#view.getUint32(at + 16) === sum[0] && this.#view.getUint32(at + 20) === sum[1];
  }

  /** Whether a frame has the salts of this log. Otherwise it is an old frame. */
  #isOfThisLog(frame: number): boolean {
    const at = this.#position(frame);
    return this.#view.getUint32(at + 8) === this.#view.getUint32(this.#saltsAt) &&
      this.#view.getUint32(at + 12) === this.#view.getUint32(this.#saltsAt + 4);
  }

  #frameSum(frame: number, before: Sum): Sum {
    const at = this.#position(frame);
    return this.#sum(this.#sum(before, at, 8), at + FRAME_HEADER_BYTES, this.#pageBytes);
  }

  #sum([first, second]: Sum, from: number, length: number): Sum {
    const isLittle = (this.#bytes[3]! & 1) === 0;
    for (let at = from; at < from + length; at += 8) {
      first = (first + this.#view.getUint32(at, isLittle) + second) >>> 0;
      second = (second + this.#view.getUint32(at + 4, isLittle) + first) >>> 0;
    }
    return [first, second];
  }

  #position(frame: number): number {
    return HEADER_BYTES + frame * (FRAME_HEADER_BYTES + this.#pageBytes);
  }
}
