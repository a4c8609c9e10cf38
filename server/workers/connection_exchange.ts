/** Hands connections to the nodes where their clients live, and takes those that come. */
import type { ClientHome, ForeignConnection } from "../../broker/base/client_home.ts";
import type { ReaderHello } from "../../broker/base/stream_reader.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { NativeTransport } from "../../transport/native/native_transport.ts";
import { makeRing } from "../../transport/ring/ring_buffers.ts";
import { ringTransport } from "../../transport/ring/ring_transport.ts";
import type { Transport } from "../../transport/transport.ts";
import type { DescriptorOwners } from "./descriptor_owners.ts";
import type { HandedConnection, HandedPipe, PostedToNode } from "./node_messages.ts";
import { relay } from "./relay.ts";
import { RelayRings } from "./relay_rings.ts";

/** What waits in each direction of a connection that is passed on, in bytes. */
const RELAY_BYTES = 16 * 1024;
/** The same of a connection for a client that reads streams of another node. */
const READER_BYTES = 32 * 1024;

/** The node, as the exchange needs it. */
export interface ExchangeHost {
  readonly node: number;
  readonly nodes: number;
  readonly owners: DescriptorOwners;
  /** Takes what another node has posted, such as a connection that it has accepted. */
  take(posted: PostedToNode): void;
  /** A connection was closed, because the node where its client lives does not run. */
  onLost(): void;
}

/** The way to one other node. */
interface Way {
  readonly port: MessagePort;
  /** The rings of the connections that are passed on, from here and from there. */
  readonly rings: RelayRings;
}

/**
 * The ways from one node to all others, on which connections go. A native socket goes as its
 * descriptor, and costs nothing from then on. The bytes of any other connection are passed on.
 */
export class ConnectionExchange implements ClientHome {
  readonly #host: ExchangeHost;
  /** By the number of the other node. */
  readonly #ways = new Map<number, Way>();

  constructor(host: ExchangeHost) {
    this.#host = host;
  }

  /** There is a way to another node from now on. */
  join(peer: number, port: MessagePort): void {
    const way: Way = { port, rings: new RelayRings() };
    this.#ways.set(peer, way);
    port.onmessage = ({ data }: MessageEvent<PostedToNode>) => {
      if (data.kind === "socket") this.#host.owners.set(data.fd, this.#host.node);
      else if ("ring" in data) way.rings.add(data.ring);
      this.#host.take(data);
    };
  }

  /** Whether there is a way to another node. */
  has(peer: number): boolean {
    return this.#ways.has(peer);
  }

  /** Opens a connection to another node for a client that reads its streams; there must be a way. */
  openReader(peer: number, hello: ReaderHello): Transport {
    const way = this.#ways.get(peer)!;
    const ring = makeRing({ capacityBytes: READER_BYTES });
    way.rings.add(ring);
    this.post(peer, { kind: "reader", ring, hello });
    return ringTransport(ring, 0);
  }

  /** Posts something to another node, if there is a way. */
  post(peer: number, posted: Exclude<PostedToNode, HandedConnection>): void {
    this.#ways.get(peer)?.port.postMessage(posted);
  }

  /** There is no way to another node any more: connections that are passed on end. */
  part(peer: number): void {
    const way = this.#ways.get(peer);
    if (way === undefined) return;
    way.port.close();
    this.#ways.delete(peer);
    way.rings.closeAll();
  }

  owns(clientId: string): boolean {
    return ownerOf(clientId, this.#host.nodes) === this.#host.node;
  }

  handOver({ clientId, transport, received, peer, listener }: ForeignConnection): void {
    const owner = ownerOf(clientId, this.#host.nodes);
    const way = this.#ways.get(owner);
    if (way === undefined) {
      this.#host.onLost();
      return transport.close();
    }
    const post = (pipe: HandedPipe, received: Uint8Array<ArrayBuffer>) => {
      const message: HandedConnection = { ...pipe, received, peer, listener };
      way.port.postMessage(message, [received.buffer]);
    };
    if (!(transport instanceof NativeTransport)) {
      const ring = makeRing({ capacityBytes: RELAY_BYTES });
      way.rings.add(ring);
      void relay(transport, ringTransport(ring, 0));
      return post({ kind: "ring", ring }, received);
    }
    const { fd, unread } = transport.detach(received);
    // On its way it belongs to the other node, which may die before it takes it.
    this.#host.owners.set(fd, owner);
    post({ kind: "socket", fd }, unread);
  }

  /** Closes every way. */
  close(): void {
    for (const peer of [...this.#ways.keys()]) this.part(peer);
  }
}
