/** Reads the PROXY protocol header of connections from a proxy. */
import { subjectOf } from "./certificate.ts";
import { AddressList, hostOf, parseAddress } from "./cidr.ts";
import type { Opening } from "./opening.ts";
import { addressText } from "./tcp.ts";
import type { PeerInfo, Transport } from "./transport.ts";

/** Settings for clients behind a proxy that uses the PROXY protocol, version 1 or 2. */
export interface ProxyOptions {
  /**
   * The proxies: addresses and blocks of addresses, such as `10.0.0.0/8`. Each connection from them
   * must begin with a PROXY header, and the header is trusted.
   */
  from: readonly string[];
  /**
   * What happens to connections from other addresses: they are refused, or accepted without a PROXY
   * header (`"direct"`); `"refuse"` by default.
   */
  others?: "refuse" | "direct";
}

/** What a PROXY header says about a client. */
export interface ProxyHeader {
  /**
   * The address of the client; `null` if the connection is the proxy's own, or the address is not
   * known.
   */
  readonly address: string | null;
  /** The common name of the certificate that the proxy has verified, or `null`. */
  readonly commonName: string | null;
  /** The server name that the client has used (SNI), or `null`. */
  readonly serverName: string | null;
}

/** A connection from a proxy does not begin with a PROXY header. */
export class ProxyProtocolError extends Error {
  /** The name of the class, as logs show it. */
  override readonly name: string = "ProxyProtocolError";
}

/** The first bytes of version 2, and of version 1. */
const SIGNATURE = Uint8Array.of(
  0x0d,
  0x0a,
  0x0d,
  0x0a,
  0,
  0x0d,
  0x0a,
  0x51,
  0x55,
  0x49,
  0x54,
  0x0a,
);
const WORD = new TextEncoder().encode("PROXY ");
/** Bytes that are read to know the version. No header is shorter. */
const START_BYTES = 12;
/** The signature of version 2, the command, the family, and the length of the rest. */
const V2_START_BYTES = 16;
/** The longest line of version 1, its end included. */
const V1_BYTES_MAX = 107;
/** The longest rest of version 2 that is read, in bytes. */
const V2_REST_BYTES_MAX = 4096;
/** The types of additional fields of version 2. */
const Tlv = { authority: 0x02, ssl: 0x20, commonName: 0x22 } as const;
/** Flags: the client has sent a certificate, on this connection or in this session. */
const SHOWN_CERTIFICATE = 0x06;
const LF = 0x0a;
const NOTHING: ProxyHeader = { address: null, commonName: null, serverName: null };

const ascii = new TextDecoder("latin1");
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The step that reads the PROXY header of connections to a listener.
 *
 * @throws {TypeError} If the address of a proxy is not valid.
 */
export function proxyOpening({ from, others = "refuse" }: ProxyOptions): Opening {
  const proxies = new AddressList(from);
  return async (transport, peer) => {
    if (proxies.has(hostOf(peer.address))) {
      return { transport, peer: believed(peer, await readProxyHeader(transport)) };
    }
    if (others === "direct") return { transport, peer };
    throw new ProxyProtocolError("Connection is not from a proxy that is listed");
  };
}

function believed(peer: PeerInfo, { address, commonName, serverName }: ProxyHeader): PeerInfo {
  const certificate = commonName === null
    ? null
    : { subject: subjectOf(commonName), commonName, fingerprint256: "" };
  return { ...peer, address: address ?? peer.address, certificate, serverName };
}

/**
 * Reads the PROXY header at the start of a connection, and no byte more. The caller must limit the
 * time.
 *
 * @throws {ProxyProtocolError} If it is not a PROXY header.
 */
export async function readProxyHeader(pipe: Transport): Promise<ProxyHeader> {
  const start = await readExactly(pipe, START_BYTES);
  if (startsWith(start, SIGNATURE)) return await readV2(pipe);
  if (startsWith(start, WORD)) return parseV1(await readLine(pipe, start));
  throw new ProxyProtocolError("Connection of a proxy does not begin with a PROXY header");
}

/**
 * Reads to the end of the line, one byte at a time, because the next bytes belong to another
 * reader.
 */
async function readLine(pipe: Transport, start: Uint8Array): Promise<string> {
  const bytes = new Uint8Array(V1_BYTES_MAX);
  bytes.set(start);
  let filled = start.length;
  while (bytes[filled - 1] !== LF) {
    if (filled === bytes.length) {
      throw new ProxyProtocolError(`PROXY header is longer than ${V1_BYTES_MAX} bytes`);
    }
    const count = await pipe.read(bytes.subarray(filled, filled + 1));
    if (count === null) throw ended();
    filled += count;
  }
  return ascii.decode(bytes.subarray(0, filled));
}

function parseV1(line: string): ProxyHeader {
  if (!line.endsWith("\r\n")) throw new ProxyProtocolError("PROXY header has no CR at its end");
  const [, family, from, to, fromPort, toPort, ...rest] = line.slice(0, -2).split(" ");
  // The rest of the line has no meaning.
  if (family === "UNKNOWN") return NOTHING;
  const bytes = family === "TCP4" ? 4 : family === "TCP6" ? 16 : 0;
  const isGood = bytes > 0 && isAddress(from, bytes) && isAddress(to, bytes) &&
    isPort(fromPort) && isPort(toPort) && rest.length === 0;
  if (!isGood) {
    throw new ProxyProtocolError(`PROXY header makes no sense: ${JSON.stringify(line)}`);
  }
  return { ...NOTHING, address: addressText({ hostname: from!, port: Number(fromPort) }) };
}

function isAddress(text: string | undefined, bytes: number): boolean {
  if (text === undefined || (bytes === 16) !== text.includes(":")) return false;
  return parseAddress(text) !== null;
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

async function readV2(pipe: Transport): Promise<ProxyHeader> {
  const [command, family, high, low] = await readExactly(pipe, V2_START_BYTES - START_BYTES);
  const length = high! << 8 | low!;
  if (command! >> 4 !== 2) {
    throw new ProxyProtocolError(`PROXY header has version ${command! >> 4}: 1 and 2 are known`);
  }
  if (length > V2_REST_BYTES_MAX) {
    throw new ProxyProtocolError(
      `PROXY header has ${length} bytes after its start, of at most ${V2_REST_BYTES_MAX}`,
    );
  }
  const rest = await readExactly(pipe, length);
  switch (command! & 0x0f) {
    case 0:
      // LOCAL: the connection is the proxy's own, such as a health check.
      return NOTHING;
    case 1:
      return parseV2(family!, rest);
    default:
      throw new ProxyProtocolError(
        `PROXY header has command ${command! & 0x0f}: 0 and 1 are known`,
      );
  }
}

function parseV2(family: number, rest: Uint8Array): ProxyHeader {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  switch (family) {
    case 0x11: {
      checkLength(rest, 12);
      const hostname = rest.subarray(0, 4).join(".");
      const address = addressText({ hostname, port: view.getUint16(8) });
      return { ...NOTHING, ...told(rest.subarray(12)), address };
    }
    case 0x21: {
      checkLength(rest, 36);
      const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16));
      const address = addressText({ hostname: shortened(groups), port: view.getUint16(32) });
      return { ...NOTHING, ...told(rest.subarray(36)), address };
    }
    case 0x31: {
      checkLength(rest, 216);
      const path = ascii.decode(rest.subarray(0, 108)).replace(/\0.*$/s, "");
      return { ...NOTHING, ...told(rest.subarray(216)), address: `unix:${path}` };
    }
    default:
      // The address family is not known, and so the length of its addresses is not either.
      return NOTHING;
  }
}

/** An IPv6 address as text, with its longest run of zeros left out. */
function shortened(groups: readonly string[]): string {
  const text = groups.join(":");
  const runs = [...text.matchAll(/\b0(:0)+\b/g)].toSorted((a, b) => b[0].length - a[0].length);
  const [run] = runs;
  if (run === undefined) return text;
  const end = run.index + run[0].length;
  return `${text.slice(0, run.index).slice(0, -1)}::${text.slice(end).slice(1)}`;
}

/** Reads the additional fields that are used here. */
function told(bytes: Uint8Array): Partial<ProxyHeader> {
  const header: { commonName?: string | null; serverName?: string | null } = {};
  for (const { type, value } of tlvs(bytes)) {
    if (type === Tlv.authority) header.serverName = textOf(value);
    if (type === Tlv.ssl) header.commonName = verifiedName(value);
  }
  return header;
}

/** The common name in the TLS field, if the proxy has verified the certificate. */
function verifiedName(value: Uint8Array): string | null {
  checkLength(value, 5);
  const isVerified = value.subarray(1, 5).every((byte) => byte === 0);
  if ((value[0]! & SHOWN_CERTIFICATE) === 0 || !isVerified) return null;
  const name = tlvs(value.subarray(5)).find(({ type }) => type === Tlv.commonName);
  return name === undefined ? null : textOf(name.value);
}

function tlvs(bytes: Uint8Array): { type: number; value: Uint8Array }[] {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + 3 > bytes.length ? Infinity : bytes[at + 1]! << 8 | bytes[at + 2]!;
    const end = at + 3 + length;
    if (end > bytes.length) throw new ProxyProtocolError("PROXY header ends within a value");
    found.push({ type: bytes[at]!, value: bytes.subarray(at + 3, end) });
    at = end;
  }
  return found;
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ProxyProtocolError("PROXY header has a name that is not UTF-8", { cause });
  }
}

function checkLength(bytes: Uint8Array, length: number): void {
  if (bytes.length < length) throw new ProxyProtocolError("PROXY header is too short");
}

async function readExactly(pipe: Transport, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await pipe.read(bytes.subarray(filled));
    if (count === null) throw ended();
    filled += count;
  }
  return bytes;
}

function ended(): ProxyProtocolError {
  return new ProxyProtocolError("Connection of a proxy ended within its PROXY header");
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}
