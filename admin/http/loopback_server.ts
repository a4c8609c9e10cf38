/** The HTTP server of the runtime, which only the HTTP listener can reach. */
import { addressText } from "../../transport/tcp.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { Backend } from "./http_listener.ts";
import { fault } from "./http_responses.ts";

/** Answers a request; never rejects. */
export type Answer = (request: Request, peer: PeerInfo) => Promise<Response>;

/** The loopback address of the server. */
const LOOPBACK = "127.0.0.1";

/**
 * The HTTP server of the runtime, on the loopback interface. It refuses every connection that the
 * HTTP listener has not opened. If it ends because no file descriptors are left, it starts again.
 */
export class LoopbackServer implements Backend {
  readonly #answer: Answer;
  /** The client of each connection, by the port from which the HTTP listener has opened it. */
  readonly #peers = new Map<number, PeerInfo>();
  #server: Deno.HttpServer<Deno.NetAddr>;
  #isClosed = false;

  constructor(answer: Answer) {
    this.#answer = answer;
    this.#server = this.#serve();
  }

  /** The port of the server, for tests. */
  get port(): number {
    return this.#server.addr.port;
  }

  async connect(peer: PeerInfo): Promise<Transport> {
    const { port } = this.#server.addr;
    const conn = await Deno.connect({ hostname: LOOPBACK, port });
    const own = (conn.localAddr as Deno.NetAddr).port;
    this.#peers.set(own, peer);
    const peers = this.#peers;
    return {
      read: (target) => conn.read(target),
      write: (source) => conn.write(source),
      closeWrite: () => conn.closeWrite(),
      close: () => {
        peers.delete(own);
        conn.close();
      },
    };
  }

  /** Ends the server; its connections should be closed by then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#server.shutdown();
  }

  #serve(): Deno.HttpServer<Deno.NetAddr> {
    const options = { hostname: LOOPBACK, port: 0, onListen: () => {} };
    const server = Deno.serve(options, (request, { remoteAddr }) => {
      const peer = this.#peers.get(remoteAddr.port);
      if (peer === undefined) {
        const answer = fault(403, `Not for ${addressText(remoteAddr)}`);
        answer.headers.set("connection", "close");
        return answer;
      }
      return this.#answer(request, peer);
    });
    server.finished.catch(() => {
      if (!this.#isClosed) this.#server = this.#serve();
    });
    return server;
  }
}
