/** The interface of a transport, and what is known of a peer. */
import type { Pipe, PipeReceiver } from "./pipe.ts";

/** A byte pipe to one peer. `Deno.TcpConn` is one; so is each end of a pipe in memory. */
export interface Transport {
  /**
   * Reads bytes that have arrived into `target`, at most as many as it holds.
   *
   * @returns How many bytes were read; `null` when the peer sends no more.
   * @throws If the pipe has broken or was closed.
   */
  read(target: Uint8Array): Promise<number | null>;
  /**
   * Writes from the start of `source`, which must not change until the promise settles.
   *
   * @returns How many bytes the pipe has taken; maybe fewer than all.
   * @throws If the pipe has broken or was closed.
   */
  write(source: Uint8Array): Promise<number>;
  /** Tells the peer that no more will be written. Reading continues. */
  closeWrite?(): Promise<void>;
  /**
   * Closes both directions at once. A pending read or write then ends. The broker calls it once.
   */
  close(): void;
  /**
   * Makes a pipe that pushes received bytes to a receiver, without a promise for each read and
   * write. After this call, only the pipe may be used. A transport without this method is read and
   * written by promises.
   */
  pipe?(receiver: PipeReceiver): Pipe;
  /**
   * Takes bytes back that were read from it: whoever reads next gets them first. It owns the bytes
   * from now on. Only before `pipe`, and while nothing is being read.
   */
  unread?(bytes: Uint8Array<ArrayBuffer>): void;
}

/** The certificate of a peer. It was verified against the authorities. */
export interface PeerCertificate {
  /** The subject in the form of RFC 2253, such as `CN=pump 7,O=Waterworks`. */
  readonly subject: string;
  /** The first common name of the subject, or `null` without one. */
  readonly commonName: string | null;
  /**
   * The SHA-256 fingerprint of the certificate, in lower case hex digits; empty if a proxy has sent
   * only the common name.
   */
  readonly fingerprint256: string;
}

/** What is known about a peer before its first packet. */
export interface PeerInfo {
  /**
   * Its address, such as `127.0.0.1:50123` or `unix:/run/mqtt.sock`. Behind a trusted proxy it is
   * the address that the proxy has sent, maybe without a port.
   */
  readonly address: string;
  /** Whether `Broker.mayConnect` has admitted the address: it is not counted again. */
  readonly isAdmitted?: boolean;
  /** Whether small faults of the peer are tolerated; false by default. */
  readonly lenient?: boolean;
  /** Its certificate, or `null` if it has sent none, or was not asked for one. */
  readonly certificate?: PeerCertificate | null;
  /** The server name that it has used (SNI), or `null` if there is none. */
  readonly serverName?: string | null;
}
