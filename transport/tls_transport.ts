/** The server's end of a TLS connection. */
import type { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { certificateFields, commonNameOf, nameText } from "./certificate.ts";
import type { TlsContext } from "./tls_options.ts";
import { ReadQueue } from "./read_queue.ts";
import type { PeerCertificate, Transport } from "./transport.ts";

/** Bytes of ciphertext that one read takes at first. It grows when reads fill it. */
const READ_BYTES_MIN = 1024;
const READ_BYTES_MAX = 64 * 1024;
/** The most bytes that one write takes. */
const WRITE_BYTES_MAX = 64 * 1024;

/** A client has no valid certificate. */
class TlsPeerError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "TlsPeerError";
}

/** Fields of node:tls that its types leave out. */
interface Verifying {
  readonly ssl: { verifyError(): unknown };
}

/**
 * The server's end of TLS over any byte pipe.
 *
 * node:tls decrypts everything that it gets, and does not stop its socket when the plaintext is not
 * read. So this class feeds it: it reads ciphertext from the pipe only while a caller waits for
 * plaintext. It holds at most what one read has brought.
 */
export class TlsTransport implements Transport {
  readonly #pipe: Transport;
  readonly #cipher: CipherStream;
  readonly #socket: TLSSocket;
  /** Plaintext that was not read yet. Ciphertext is only read while somebody waits for some. */
  readonly #held = new ReadQueue(() => void this.#feed());
  #buffer = new Uint8Array(READ_BYTES_MIN);
  /** Whether a read of the pipe is in progress, or the pipe has ended. */
  #isReading = false;
  /** How many writes are in progress. */
  #writes = 0;
  #isClosed = false;

  private constructor(pipe: Transport, context: TlsContext) {
    this.#pipe = pipe;
    this.#cipher = new CipherStream(pipe);
    const asksPeer = context.clientCertificate !== "none";
    const socket = new TLSSocket(this.#cipher, {
      isServer: true,
      secureContext: context.secure,
      requestCert: asksPeer,
      rejectUnauthorized: context.clientCertificate === "require",
      ALPNProtocols: [...context.alpnProtocols],
      ...context.hasOneIdentity
        ? {}
        : { SNICallback: (name, choose) => choose(null, context.secureFor(name)) },
    });
    this.#socket = socket;
    const held = this.#held;
    socket.on("data", (bytes: Buffer) => held.push(bytes));
    socket.on("end", () => held.end(null));
    socket.on("error", (error: Error) => held.end(error));
    socket.on("close", () => held.end(new Error("The connection is closed")));
    this.#cipher.on("error", (error: Error) => held.end(error));
  }

  /**
   * Does a handshake over a pipe. If it fails, the caller must close the pipe.
   *
   * @throws {TlsPeerError} If the client's certificate is missing although required, or not valid.
   */
  static async accept(
    pipe: Transport,
    context: TlsContext,
  ): Promise<{
    transport: TlsTransport;
    certificate: PeerCertificate | null;
    serverName: string | null;
  }> {
    const transport = new TlsTransport(pipe, context);
    try {
      await transport.#handshake();
      const certificate = transport.#checkPeer(context);
      return { transport, certificate, serverName: transport.#serverName };
    } catch (error) {
      transport.#socket.destroy();
      throw error;
    }
  }

  /** Reads what has been decrypted. */
  read(target: Uint8Array): Promise<number | null> {
    return this.#held.read(target);
  }

  /** Writes. It resolves when the pipe has taken the bytes. */
  write(source: Uint8Array): Promise<number> {
    const piece = source.subarray(0, WRITE_BYTES_MAX);
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error("The connection is closed"));
      this.#writes++;
      this.#socket.write(piece, (failure) => {
        this.#writes--;
        // node:tls reports no error when its stream is destroyed.
        const error = failure ?? this.#held.error;
        if (error) reject(error);
        else resolve(piece.length);
      });
    });
  }

  /** Says that no more will be written. */
  closeWrite(): Promise<void> {
    return new Promise((resolve) => void this.#socket.end(() => resolve()));
  }

  /** Closes at once. It sends close_notify if it does not have to wait for the peer. */
  close(): void {
    this.#isClosed = true;
    this.#held.clear();
    this.#held.end(new Error("The connection is closed"));
    if (this.#writes > 0) return this.#abandon();
    this.#socket.end();
    // By then, close_notify has been written.
    nextTick(() => this.#abandon());
  }

  #abandon(): void {
    this.#pipe.close();
    this.#socket.destroy();
  }

  async #handshake(): Promise<void> {
    const held = this.#held;
    let isSecure = false;
    this.#socket.once("secure", () => {
      isSecure = true;
      held.notify();
    });
    while (!isSecure) {
      if (held.error !== null) throw held.error;
      if (held.isEnded) throw new TlsPeerError("The client has left during the TLS handshake");
      await held.wait();
    }
  }

  get #serverName(): string | null {
    const { servername } = this.#socket as { servername?: string | false | null };
    return servername || null;
  }

  /** The client's certificate. It is checked here again, not only by the runtime. */
  #checkPeer({ clientCertificate, revoked }: TlsContext): PeerCertificate | null {
    if (clientCertificate === "none") return null;
    const der = this.#socket.getPeerX509Certificate()?.raw;
    if (der === undefined) {
      if (clientCertificate === "request") return null;
      throw new TlsPeerError("The client has shown no certificate");
    }
    const fault = (this.#socket as unknown as Verifying).ssl.verifyError();
    if (fault) throw new TlsPeerError(`The certificate of the client is not good: ${fault}`);
    const certificate = new Uint8Array(der);
    const revocation = revoked?.faultOf(certificate) ?? null;
    if (revocation !== null) {
      throw new TlsPeerError(`The certificate of the client is not taken: ${revocation}`);
    }
    const { subject } = certificateFields(certificate);
    const { fingerprint256 } = this.#socket.getPeerX509Certificate()!;
    return {
      subject: nameText(subject),
      commonName: commonNameOf(subject),
      fingerprint256: fingerprint256.replaceAll(":", "").toLowerCase(),
    };
  }

  /** Reads ciphertext, unless a read is in progress. */
  async #feed(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const count = await this.#pipe.read(this.#buffer);
      if (this.#isClosed) return;
      this.#cipher.push(count === null ? null : this.#buffer.slice(0, count));
      if (count === null) return;
      this.#fit(count);
      this.#isReading = false;
      this.#held.notify();
    } catch (error) {
      this.#held.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Grows the buffer when a read fills it, and shrinks it when one leaves most of it empty. */
  #fit(count: number): void {
    const { length } = this.#buffer;
    if (count === length && length < READ_BYTES_MAX) this.#buffer = new Uint8Array(length * 4);
    else if (count * 16 < length) this.#buffer = new Uint8Array(READ_BYTES_MIN);
  }
}

/** The pipe as a stream for node:tls. */
class CipherStream extends Duplex {
  readonly #pipe: Transport;

  constructor(pipe: Transport) {
    super();
    this.#pipe = pipe;
  }

  /** Does nothing, because ciphertext is pushed. */
  override _read(): void {}

  override async _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) at += await this.#pipe.write(chunk.subarray(at));
    } catch (error) {
      return done(error instanceof Error ? error : new Error(String(error)));
    }
    done();
  }
}
