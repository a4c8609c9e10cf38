/** Listens on a Unix socket. */
import { AcceptLoop, type MayAccept } from "./accept_loop.ts";
import type { BoundSocket } from "./tcp.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** The default permissions of a socket. */
const OWN_MODE = 0o600;

/** The path and permissions of a Unix socket. */
export interface UnixOptions {
  /** The path of the socket. It must be short enough for a socket with `~/s` after it. */
  path: string;
  /**
   * The permissions of the socket, which say who may connect: `0o660` for its owner and group.
   * `0o600` by default, whatever the umask is.
   */
  mode?: number;
}

/**
 * Binds a socket to a path at which there is nothing.
 *
 * @throws If it cannot be bound.
 */
export type BindUnix = (
  path: string,
  mayAccept: MayAccept,
  onAccepted: (transport: Transport) => void,
) => Pick<BoundSocket, "close">;

/** Accepts connections to a Unix socket. */
export class UnixListener {
  /** The path of the socket. */
  readonly path: string;
  readonly #socket: Pick<BoundSocket, "close">;
  /** Identifies the socket file. Another file at the same path must not be removed. */
  readonly #inode: number | null;
  #closing: Promise<void> | null = null;

  private constructor(socket: Pick<BoundSocket, "close">, path: string, inode: number | null) {
    this.path = path;
    this.#inode = inode;
    this.#socket = socket;
  }

  /**
   * Listens. A socket that a dead server has left is replaced. The socket of a running server is
   * not, and neither is a file that is not a socket.
   *
   * @param mayAccept Called before each accept, which waits for the promise.
   * @param onAccepted Receives each connection.
   * @param bind The sockets of the runtime by default.
   * @throws If the path is in use, or cannot be made.
   */
  static async listen(
    { path, mode }: UnixOptions,
    mayAccept: MayAccept,
    onAccepted: (transport: Transport, peer: PeerInfo) => void,
    bind: BindUnix = bindRuntime,
  ): Promise<UnixListener> {
    await removeLeftover(path);
    // The socket is made in a private folder, and moved to its path when it has its permissions.
    // This also keeps the runtime from removing a path of another server: it removes the path of a
    // closed listener, and that path no longer exists.
    const room = `${path}~`;
    const before = `${room}/s`;
    await removeLeftover(before);
    await removeRoom(room);
    await Deno.mkdir(room, { mode: 0o700 });
    try {
      const peer = { address: `unix:${path}` };
      const socket = bind(before, mayAccept, (transport) => onAccepted(transport, peer));
      try {
        await Deno.chmod(before, mode ?? OWN_MODE);
        const { ino } = await Deno.lstat(before);
        await Deno.rename(before, path);
        return new UnixListener(socket, path, ino);
      } catch (error) {
        await socket.close();
        throw error;
      }
    } finally {
      await Deno.remove(room);
    }
  }

  /** Stops listening and removes the socket. Open connections stay. Closing again does nothing. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#socket.close();
    const found = await lstat(this.path);
    if (found !== null && found.isSocket && found.ino === this.#inode) await Deno.remove(this.path);
  }
}

/** A socket of the runtime. */
const bindRuntime: BindUnix = (path, mayAccept, onAccepted) => {
  return new AcceptLoop(Deno.listen({ transport: "unix", path }), mayAccept, onAccepted);
};

/** Removes the folder of a server that ended while it began to listen. */
async function removeRoom(room: string): Promise<void> {
  const found = await lstat(room);
  if (found?.isDirectory) await Deno.remove(room);
  else await removeLeftover(room);
}

/** Removes the socket of a dead server. */
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
    // Anything else must not be removed.
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
