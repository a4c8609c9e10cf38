/** Where a message comes from: which client, the program, a bridge, or a link to another node. */

/** What kind of thing has published a message. */
export type OriginKind =
  /** A client of this broker; its will, too. */
  | "client"
  /** The program that the broker is part of. */
  | "program"
  /** A bridge to another broker. */
  | "bridge"
  /** A link to another node. */
  | "link"
  /** Unknown: messages that waited in the store. */
  | "unknown";

/** Begins the text of an origin that is no client: U+0000 is in no client identifier [MQTT-1.5.4-2]. */
const NO_CLIENT = "\0";

/**
 * Where messages come from. A client, bridge or link has one origin for all that it publishes, so
 * an origin costs nothing per message. The receiver compares it with {@linkcode equals}: a client
 * that connects again has another object of the same value.
 */
export class Origin {
  /** The program that the broker is part of. */
  static readonly program: Origin = new Origin("program", null);
  /** An unknown origin. */
  static readonly unknown: Origin = new Origin("unknown", null);

  readonly kind: OriginKind;
  /** The name among others of the kind: of a client its client identifier; `null` for no name. */
  readonly name: string | null;

  /** Use one of the functions or constants. */
  private constructor(kind: OriginKind, name: string | null) {
    this.kind = kind;
    this.name = name;
  }

  /** A client with this client identifier. */
  static client(clientId: string): Origin {
    return new Origin("client", clientId);
  }

  /** A bridge with this name. */
  static bridge(name: string): Origin {
    return new Origin("bridge", name);
  }

  /** The link to the node with this name. */
  static link(name: string): Origin {
    return new Origin("link", name);
  }

  /** The client identifier; `null` if it is no client. */
  get clientId(): string | null {
    return this.kind === "client" ? this.name : null;
  }

  /** Whether it is the client with this client identifier. */
  isClient(clientId: string): boolean {
    return this.kind === "client" && this.name === clientId;
  }

  /** Whether both are the same client, bridge, link, or program. */
  equals(other: Origin): boolean {
    return this === other || this.kind === other.kind && this.name === other.name;
  }

  /** The text of a row of the store: the client identifier of a client; `""` for the program. */
  toText(): string {
    if (this.kind === "client") return this.name!;
    return this.kind === "program" ? "" : `${NO_CLIENT}${this.kind} ${this.name ?? ""}`;
  }

  /** Reads what {@linkcode toText} has made. */
  static parse(text: string): Origin {
    if (text === "") return Origin.program;
    if (!text.startsWith(NO_CLIENT)) return Origin.client(text);
    const [kind, name] = splitOnce(text.slice(NO_CLIENT.length));
    // Text that a later version has written is not refused, since an origin only matters for loops.
    return kind === "bridge" || kind === "link" ? new Origin(kind, name) : Origin.unknown;
  }
}

function splitOnce(text: string): [before: string, after: string] {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
