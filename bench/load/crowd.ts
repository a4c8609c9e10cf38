import { Link } from "./link.ts";
import type { ProgressFunction } from "./progress.ts";
import type { Target } from "./target.ts";

/** The number of concurrent connects: fewer than the backlog of a listener. */
const AT_ONCE = 64;
/** The total size of all read buffers, in bytes. Each buffer has a minimum and a maximum size. */
const READ_BYTES = 32 * 1024 * 1024;
const READ_BYTES_MIN = 512;
const READ_BYTES_MAX = 64 * 1024;

/** The size of a read buffer with `connections` connections, for frames of up to `frameBytes`. */
export function readBytesFor(connections: number, frameBytes: number): number {
  const share = Math.floor(READ_BYTES / Math.max(1, connections));
  return Math.max(frameBytes * 2, Math.min(READ_BYTES_MAX, Math.max(READ_BYTES_MIN, share)));
}

/** A group of connections that end together. */
export class Crowd implements Disposable {
  /** All open connections. */
  readonly links: Link[] = [];
  readonly #target: Target;
  readonly #name: string;

  /** Creates an empty group. Clients have the identifiers `NAME-0`, `NAME-1` and so on. */
  constructor(target: Target, name: string) {
    this.#target = target;
    this.#name = name;
  }

  /**
   * Opens `count` more connections, several at a time.
   *
   * @param prepare Called with each connection before the next one starts.
   * @throws If one fails.
   */
  async join(
    count: number,
    readBytes: number,
    prepare: (link: Link, index: number) => void | Promise<void> = () => {},
    progress: ProgressFunction = () => {},
  ): Promise<Link[]> {
    const joined: Link[] = new Array(count);
    const first = this.links.length;
    let next = 0;
    const work = async () => {
      while (next < count) {
        const index = next++;
        const clientId = `${this.#name}-${first + index}`;
        const link = await Link.open(this.#target, clientId, readBytes);
        this.links.push(link);
        joined[index] = link;
        await prepare(link, index);
        progress(this.links.length - first, count);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
    return joined;
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    for (const link of this.links) link.close();
  }
}
