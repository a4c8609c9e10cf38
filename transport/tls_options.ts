/** The TLS options of a server, checked. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { RevocationLists } from "./crl.ts";
import { pemBlocks } from "./der.ts";

/** The certificate and key of a server, both in PEM. */
export interface TlsIdentity {
  /** The certificate, followed by its chain. */
  cert: string;
  /** The private key of the certificate. */
  key: string;
}

/** The TLS settings of a server. */
export interface TlsServerOptions extends TlsIdentity {
  /**
   * Other identities by server name (SNI): `mqtt.example.com`, or `*.example.com` for any first
   * label.
   */
  serverNames?: Readonly<Record<string, TlsIdentity>>;
  /**
   * Whether clients send a certificate: they are not asked, they may, or they must; `"none"` by
   * default. A certificate that a client sends must be valid.
   */
  clientCertificate?: "none" | "request" | "require";
  /** The authorities that sign client certificates, in PEM. No others are trusted. */
  clientAuthorities?: string;
  /**
   * Lists of revoked client certificates (CRL), in PEM. If they are set, each authority that signs
   * client certificates needs a list. If its list is missing or outdated, its clients are refused.
   */
  revoked?: string;
  /** The oldest version that is accepted; `"1.2"` by default. */
  minVersion?: "1.2" | "1.3";
  /**
   * The ALPN protocols, the preferred one first; `mqtt` by default, or `http/1.1` with WebSockets.
   */
  alpnProtocols?: readonly string[];
}

/** The PEM label of certificates. */
const CERTIFICATE = "CERTIFICATE";

/**
 * Checked TLS options. They are checked here because the runtime finds errors only when the first
 * client connects, and does not check lists of revoked certificates at all.
 */
export class TlsContext {
  readonly clientCertificate: "none" | "request" | "require";
  readonly revoked: RevocationLists | null;
  readonly alpnProtocols: readonly string[];
  /** The runtime's context of the default identity. */
  readonly secure: SecureContext;
  /** The same by server name, in lower case. */
  readonly #byName: ReadonlyMap<string, SecureContext>;

  /**
   * Checks options.
   *
   * @param alpnProtocols The ALPN protocols, unless the options set them.
   * @throws {TypeError} If one cannot be used, or would have no effect.
   */
  constructor(options: TlsServerOptions, alpnProtocols: readonly string[]) {
    const { cert, key, serverNames = {}, clientCertificate = "none", minVersion = "1.2" } = options;
    if (!["none", "request", "require"].includes(clientCertificate)) {
      throw new TypeError(
        `Cannot use clientCertificate "${clientCertificate}": known are none, request, require`,
      );
    }
    if (minVersion !== "1.2" && minVersion !== "1.3") {
      throw new TypeError(`Cannot use TLS version "${minVersion}": known are 1.2 and 1.3`);
    }
    const authorities = checkAuthorities(options);
    this.clientCertificate = clientCertificate;
    this.revoked = options.revoked === undefined
      ? null
      : new RevocationLists(options.revoked, authorities);
    this.alpnProtocols = options.alpnProtocols ?? alpnProtocols;
    const names = Object.entries(serverNames);
    const rest = {
      minVersion: `TLSv${minVersion}` as const,
      ...options.clientAuthorities === undefined ? {} : { ca: options.clientAuthorities },
    };
    checkIdentity({ cert, key }, "");
    this.secure = createSecureContext({ cert, key, ...rest });
    this.#byName = new Map(names.map(([name, identity]) => {
      checkIdentity(identity, ` of server name "${name}"`);
      const { cert, key } = identity;
      return [name.toLowerCase(), createSecureContext({ cert, key, ...rest })];
    }));
  }

  /** The context for a client that uses a server name. */
  secureFor(serverName: string): SecureContext {
    const name = serverName.toLowerCase();
    const wildcard = `*${name.slice(name.indexOf("."))}`;
    return this.#byName.get(name) ?? this.#byName.get(wildcard) ?? this.secure;
  }

  /** Whether all clients get the same identity. */
  get hasOneIdentity(): boolean {
    return this.#byName.size === 0;
  }
}

function checkIdentity({ cert, key }: TlsIdentity, whose: string): void {
  const certificate = readable(`the certificate${whose}`, () => {
    const [first] = certificatesOf(cert);
    return first!;
  });
  const privateKey = readable(`the private key${whose}`, () => privateKeyOf(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TypeError(`Cannot use the private key${whose}: it is not that of the certificate`);
  }
}

function privateKeyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const why = /-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(pem)
      ? "it is locked with a password: save it without (openssl pkey -in OLD -out NEW)"
      : "it is no private key in PEM";
    throw new Error(why, { cause });
  }
}

/** The authorities of client certificates, in DER. It refuses options that would have no effect. */
function checkAuthorities(options: TlsServerOptions): Uint8Array<ArrayBuffer>[] {
  const { clientCertificate = "none", clientAuthorities, revoked } = options;
  if (clientCertificate === "none") {
    if (clientAuthorities === undefined && revoked === undefined) return [];
    const name = clientAuthorities === undefined ? "revoked" : "clientAuthorities";
    throw new TypeError(
      `Cannot use ${name}: clients are not asked for a certificate (set clientCertificate)`,
    );
  }
  if (clientAuthorities === undefined) {
    throw new TypeError(
      "Cannot ask clients for a certificate: clientAuthorities must say whose are good",
    );
  }
  readable("the authorities of clients", () => certificatesOf(clientAuthorities));
  return pemBlocks(clientAuthorities, CERTIFICATE);
}

function certificatesOf(pem: string): X509Certificate[] {
  const found = pemBlocks(pem, CERTIFICATE).map((der) => new X509Certificate(der));
  if (found.length === 0) throw new Error("it holds no certificate in PEM");
  return found;
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use ${what}: ${why}`, { cause });
  }
}
