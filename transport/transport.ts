/**
 * A byte pipe to one peer. `Deno.TcpConn` is one as it is; so is each end of a
 * pipe in memory.
 */
export interface Transport {
  /**
   * Reads what has arrived, at most as much as `target` holds.
   *
   * @returns How many bytes were read; `null` when the peer sends no more.
   * @throws If the pipe has broken or was closed.
   */
  read(target: Uint8Array): Promise<number | null>;
  /**
   * Writes from the start of `source`, which must not change meanwhile.
   *
   * @returns How many bytes the pipe has taken, which may be fewer than all.
   * @throws If the pipe has broken or was closed.
   */
  write(source: Uint8Array): Promise<number>;
  /** Tells the peer that no more will be written; reading goes on. */
  closeWrite?(): Promise<void>;
  /** Closes both directions at once; a pending read or write then ends. Called once. */
  close(): void;
}

/** A certificate by which a peer has proved who it is; it was checked against the authorities. */
export interface PeerCertificate {
  /** The subject as RFC 2253 writes it, say `CN=pump 7,O=Waterworks`. */
  readonly subject: string;
  /** The first common name of the subject, or `null` without one. */
  readonly commonName: string | null;
  /**
   * The SHA-256 fingerprint of the certificate, in hex digits of lower case; empty if a proxy has
   * told the common name and nothing else.
   */
  readonly fingerprint256: string;
}

/** What is known of a peer before it says anything. */
export interface PeerInfo {
  /**
   * Where it connects from, say `127.0.0.1:50123` or `unix:/run/mqtt.sock`. Behind a proxy that is
   * trusted, what the proxy has told; a proxy may know no port.
   */
  readonly address: string;
  /** Whether `Broker.mayConnect` has admitted the address: it is not counted again. */
  readonly isAdmitted?: boolean;
  /** Whether small faults of the peer are overlooked; false by default. */
  readonly lenient?: boolean;
  /** Its certificate, or `null` if it has shown none, or was not asked for one. */
  readonly certificate?: PeerCertificate | null;
  /** The name under which it has reached the server (SNI), or `null` if it told none. */
  readonly serverName?: string | null;
}
