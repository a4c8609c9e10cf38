/**
 * One end of a two-way stream of bytes: what a test speaks MQTT over. A `Deno.TcpConn` is one, and
 * so is an end of the {@linkcode ./virtual_network.ts | virtual network}.
 */
export interface BytePipe {
  /** Fills the start of `target`; resolves with the count, or `null` when the peer has closed. */
  read(target: Uint8Array): Promise<number | null>;
  /** Takes the first bytes of `bytes`, at least one; resolves with how many it took. */
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the peer that no more will be written; reading goes on. */
  closeWrite?(): Promise<void>;
  /** Ends both directions. */
  close(): void;
  /**
   * Called when the network has cut the connection, also while nothing is read or written: a kernel
   * finds out about it although its program does nothing.
   */
  onCut?: (() => void) | null;
}

/** Writes all of `bytes`, in as many writes as the pipe wants. */
export async function writeAll(pipe: BytePipe, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await pipe.write(bytes.subarray(sent));
}
