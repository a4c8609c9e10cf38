/** Reads the CONNECT of a connection before the node is known that handles it. */
import { decodeConnect, FixedHeader, PacketError, PacketType } from "../../codec/mod.ts";
import type { Opening } from "../../transport/opening.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import { unread } from "../../transport/unread_transport.ts";
import type { BrokerLimits } from "../base/limits.ts";
import type { ClientHome } from "../base/client_home.ts";
import type { Clock } from "../base/clock.ts";
import type { EffectivePolicy, ListenerPolicy } from "../base/listener_policy.ts";
import { Deadline, type Scheduler } from "../base/scheduler.ts";

/** The first read takes at most so many bytes: most CONNECT packets are much smaller. */
const FIRST_BYTES = 256;

const UNCOUNTED = { onMisplaced: () => {} };

/** The broker, as the step needs it. */
export interface OpeningHost {
  readonly limits: Pick<BrokerLimits, "connectBytesMax" | "connectTimeoutMs">;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Counts that a client has reached a limit. */
  reportLimit(reason: "connect-timeout", address: string, clientId: null): void;
}

/** What a connection has sent so far, which ends after its CONNECT at the earliest. */
interface Beginning {
  readonly received: Uint8Array<ArrayBuffer>;
  /** The client identifier; `null` if there is none that says where the client lives. */
  readonly clientId: string | null;
}

/** Stands for the transport of a connection that has left this node. */
export const HANDED_OVER: Transport = {
  read: () => Promise.resolve(null),
  write: (source) => Promise.resolve(source.length),
  close: () => {},
};

/**
 * The step that reads the CONNECT, and hands a connection over whose client lives on another node.
 * Then {@linkcode HANDED_OVER} takes its place. Any other connection goes on here, with the
 * bytes that were read: also one that does not begin with a CONNECT, which is refused as ever.
 */
export function connectOpening(
  home: ClientHome,
  host: OpeningHost,
  policy: ListenerPolicy,
): Opening {
  return async (transport, peer) => {
    const { connectBytesMax } = host.limits;
    const beginning = begin(transport, peer, connectBytesMax, policy.effective);
    const { received, clientId } = await inTime(host, peer, beginning);
    if (clientId === null || home.owns(clientId)) {
      return { transport: unread(transport, received), peer };
    }
    home.handOver({ clientId, transport, received, peer, listener: policy.name });
    return { transport: HANDED_OVER, peer };
  };
}

/** Waits for the CONNECT as long as a client has for it. */
async function inTime<T>(host: OpeningHost, peer: PeerInfo, connect: Promise<T>): Promise<T> {
  const { limits: { connectTimeoutMs }, clock, scheduler } = host;
  const late = Promise.withResolvers<never>();
  const deadline = new Deadline(() => {
    host.reportLimit("connect-timeout", peer.address, null);
    late.reject(new Error(`CONNECT is not complete after ${connectTimeoutMs} ms`));
  });
  scheduler.set(deadline, clock.now() + connectTimeoutMs);
  try {
    return await Promise.race([connect, late.promise]);
  } finally {
    scheduler.clear(deadline);
  }
}

async function begin(
  transport: Transport,
  peer: PeerInfo,
  bytesMax: number,
  policy: EffectivePolicy,
): Promise<Beginning> {
  const header = new FixedHeader();
  let bytes = new Uint8Array(FIRST_BYTES);
  for (let end = 0;;) {
    const count = await transport.read(bytes.subarray(end));
    if (count === null) throw new Error("The connection has ended before its CONNECT was complete");
    end += count;
    const size = sizeOf(header, bytes, end);
    if (size > 0 && size <= end) {
      const body = bytes.subarray(header.bodyStart, header.end);
      const clientId = clientIdOf(header.first, body, peer, policy);
      return { received: bytes.slice(0, end), clientId };
    }
    // The connection finds the fault again, and says it in the way that the client understands.
    if (size < 0 || size > bytesMax) return { received: bytes.slice(0, end), clientId: null };
    if (end < bytes.length) continue;
    const larger = new Uint8Array(Math.min(Math.max(size, 2 * end), 4 * end));
    larger.set(bytes);
    bytes = larger;
  }
}

/** The size of the first packet; 0 if it is not known yet, -1 if it is no CONNECT. */
function sizeOf(header: FixedHeader, bytes: Uint8Array, end: number): number {
  if (end > 0 && bytes[0]! >> 4 !== PacketType.connect) return -1;
  try {
    return header.read(bytes, 0, end) ? header.end : 0;
  } catch (error) {
    if (error instanceof PacketError) return -1;
    throw error;
  }
}

/** The client identifier by the rules of the listener, as far as the CONNECT says it. */
function clientIdOf(
  first: number,
  body: Uint8Array,
  { certificate }: PeerInfo,
  { identityAsUsername, subjectAsUsername, usernameAsClientId }: EffectivePolicy,
): string | null {
  try {
    const packet = decodeConnect(first, body, UNCOUNTED);
    if (!usernameAsClientId) return packet.clientId || null;
    if (identityAsUsername) return certificate?.commonName || null;
    return (subjectAsUsername ? certificate?.subject : packet.username) || null;
  } catch (error) {
    if (error instanceof PacketError) return null;
    throw error;
  }
}
