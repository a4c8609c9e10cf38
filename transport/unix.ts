import { AcceptLoop, type MayAccept } from "./accept_loop.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** Who may connect to a socket of which nobody has said it. */
const OWN_MODE = 0o600;

/** Where a listener for this machine listens. */
export interface UnixOptions {
  /** The path of the socket; with `~/s` after it, it must still be short enough for one. */
  path: string;
  /**
   * Who may connect, as permissions of the file: `0o660` for its owner and
   * group. Its owner alone by default, whatever the umask is.
   */
  mode?: number;
}

/** Accepts connections to a unix socket, and hands each over. */
export class UnixListener {
  /** The path of the socket. */
  readonly path: string;
  readonly #loop: AcceptLoop<Deno.UnixConn>;
  /** The socket file: another one of the same path is not ours to remove. */
  readonly #inode: number | null;
  #closing: Promise<void> | null = null;

  private constructor(
    listener: Deno.UnixListener,
    path: string,
    inode: number | null,
    mayAccept: MayAccept,
    accepted: (transport: Transport, peer: PeerInfo) => void,
  ) {
    this.path = path;
    this.#inode = inode;
    const peer = { address: `unix:${path}` };
    this.#loop = new AcceptLoop(listener, mayAccept, (conn) => accepted(conn, peer));
  }

  /**
   * Listens. A socket that a server has left behind is replaced; one of a
   * server that is running is not, nor is a file that is no socket.
   *
   * @param mayAccept Asked before each accept, which waits for the promise.
   * @param accepted Takes the connection over.
   * @throws If the path is in use, or cannot be made.
   */
  static async listen(
    { path, mode }: UnixOptions,
    mayAccept: MayAccept,
    accepted: (transport: Transport, peer: PeerInfo) => void,
  ): Promise<UnixListener> {
    await removeLeftover(path);
    // It is made where nobody else gets at it, and appears under its own name
    // when it has its permissions. And the runtime, which removes the path of a
    // listener that is closed, whosever it is by then, finds nothing.
    const room = `${path}~`;
    const before = `${room}/s`;
    await removeLeftover(before);
    await removeRoom(room);
    await Deno.mkdir(room, { mode: 0o700 });
    try {
      const listener = Deno.listen({ transport: "unix", path: before });
      try {
        await Deno.chmod(before, mode ?? OWN_MODE);
        const { ino } = await Deno.lstat(before);
        await Deno.rename(before, path);
        return new UnixListener(listener, path, ino, mayAccept, accepted);
      } catch (error) {
        listener.close();
        throw error;
      }
    } finally {
      await Deno.remove(room);
    }
  }

  /** Stops listening and removes the socket; connections go on. Closing again does nothing. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#loop.close();
    const found = await lstat(this.path);
    if (found !== null && found.isSocket && found.ino === this.#inode) await Deno.remove(this.path);
  }
}

/** Removes what a server has left behind that was ended while it began to listen. */
async function removeRoom(room: string): Promise<void> {
  const found = await lstat(room);
  if (found?.isDirectory) await Deno.remove(room);
  else await removeLeftover(room);
}

/** Removes the socket of a server that is no more. */
async function removeLeftover(path: string): Promise<void> {
  const found = await lstat(path);
  if (found === null) return;
  if (!found.isSocket) {
    throw new Deno.errors.AlreadyExists(`Cannot listen on ${path}: there is a file of that name`);
  }
  if (await isLive(path)) {
    throw new Deno.errors.AddrInUse(`Cannot listen on ${path}: another server does`);
  }
  await Deno.remove(path);
}

async function isLive(path: string): Promise<boolean> {
  try {
    const conn = await Deno.connect({ transport: "unix", path });
    conn.close();
    return true;
  } catch (error) {
    // Whatever else it may be, it is not for us to remove.
    return !(error instanceof Deno.errors.ConnectionRefused);
  }
}

async function lstat(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}
