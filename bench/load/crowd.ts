import { Link } from "./link.ts";
import type { ProgressFunction } from "./progress.ts";
import type { Target } from "./target.ts";

/** How many connect at once: fewer than the backlog of a listener. */
const AT_ONCE = 64;
/** What all connections together may use for reading, in bytes, shared out within limits. */
const READ_BYTES = 32 * 1024 * 1024;
const READ_BYTES_MIN = 512;
const READ_BYTES_MAX = 64 * 1024;

/** The size of a read buffer where there are `connections`, for frames of up to `frameBytes`. */
export function readBytesFor(connections: number, frameBytes: number): number {
  const share = Math.floor(READ_BYTES / Math.max(1, connections));
  return Math.max(frameBytes * 2, Math.min(READ_BYTES_MAX, Math.max(READ_BYTES_MIN, share)));
}

/** A number of connections that end together. */
export class Crowd implements Disposable {
  /** All that are open. */
  readonly links: Link[] = [];
  readonly #target: Target;
  readonly #name: string;

  /** Nobody yet. Clients are called `NAME-0`, `NAME-1` and so on. */
  constructor(target: Target, name: string) {
    this.#target = target;
    this.#name = name;
  }

  /**
   * Opens `count` more connections, several at once.
   *
   * @param prepare Called with each before the next takes its place.
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

  /** Ends all of them. */
  [Symbol.dispose](): void {
    for (const link of this.links) link.close();
  }
}
