/**
 * The flags of both `pub.ts` and `sub.ts`: the broker's address, the client, and its session.
 *
 * @module
 */
import type { ClientAuthentication, ClientLimits, ConnectOptions } from "../client/mod.ts";
import type { Properties } from "../codec/mod.ts";
import { ENDPOINT_FLAGS, readTarget } from "./endpoint_flags.ts";
import type { Flag, Flags, FlagTable } from "./flags.ts";
import { countPropertyWords, type PropertySets, readProperties } from "./properties_flag.ts";
import { FlagError } from "./flag_error.ts";
import { readTls } from "./tls_flags.ts";
import { readWill, WILL_FLAGS } from "./will_flags.ts";

type SessionFlag = "id" | "idPrefix" | "username" | "password" | "version" | "keepAlive";
type KeepFlag = "keepSession" | "expiry" | "inflight" | "property" | "debug" | "quiet" | "noDelay";

/** The name of a flag of both commands. */
export type CommonFlag =
  | SessionFlag
  | KeepFlag
  | "help"
  | keyof typeof ENDPOINT_FLAGS
  | keyof typeof WILL_FLAGS;

const OWN_FLAGS: Readonly<Record<SessionFlag | KeepFlag | "help", Flag>> = {
  username: { names: ["-u", "--username"], value: "NAME", about: "user name" },
  password: { names: ["-P", "--pw"], value: "PASSWORD", about: "password" },
  id: { names: ["-i", "--id"], value: "ID", about: "client identifier (a random one)" },
  idPrefix: {
    names: ["-I", "--id-prefix"],
    value: "PREFIX",
    about: "client identifier: this and the process's number",
  },
  version: {
    names: ["-V", "--protocol-version"],
    value: "VERSION",
    about: "mqttv5 or mqttv311, or 5 or 311 for short (5)",
  },
  keepAlive: {
    names: ["-k", "--keepalive"],
    value: "SECONDS",
    about: "longest silence before a ping (60; 0 for no pings)",
  },
  keepSession: {
    names: ["-c", "--disable-clean-session"],
    about: "go on with the session of this -i, and leave it behind",
  },
  expiry: {
    names: ["-x", "--session-expiry-interval"],
    value: "SECONDS",
    about: "how long the session is left behind (for ever with -c); -V 5 only",
  },
  inflight: {
    names: ["-M", "--max-inflight"],
    value: "N",
    about: "most unacknowledged messages to the broker (1024)",
  },
  property: {
    names: ["-D", "--property"],
    value: "COMMAND PROPERTY VALUE",
    isRepeatable: true,
    words: countPropertyWords,
    about: "a property, such as: publish content-type text/plain; -V 5 only",
  },
  noDelay: { names: ["--nodelay"], about: "send at once, which is what happens anyway" },
  debug: { names: ["-d", "--debug"], about: "tell on standard error what happens" },
  quiet: { names: ["--quiet"], about: "tell nothing there, not even what went wrong" },
  help: { names: ["--help"], about: "this text" },
};

/** The flags of both commands. */
export const COMMON_FLAGS: FlagTable<CommonFlag> = {
  ...ENDPOINT_FLAGS,
  ...OWN_FLAGS,
  ...WILL_FLAGS,
};

/** The settings of the common flags. */
export interface Connection {
  readonly url: string;
  readonly options: ConnectOptions;
  /** The topic in the URL, or `null`. */
  readonly topic: string | null;
  /** The properties that `-D` sets for PUBLISH and SUBSCRIBE. */
  readonly properties: PropertySets;
  readonly isDebug: boolean;
  readonly isQuiet: boolean;
}

/** A Session Expiry Interval that means "does not expire" (MQTT 5 §3.1.2.11.2). */
const FOR_EVER_SECONDS = 0xffff_ffff;

/**
 * Reads the common flags and the files that they name.
 *
 * @throws {FlagError} If a flag is invalid.
 */
export async function readConnection(flags: Flags<CommonFlag>): Promise<Connection> {
  const protocolVersion = readVersion(flags.text("version") ?? "5");
  const properties = readProperties(flags.words("property"));
  for (const name of ["property", "expiry"] as const) {
    if (protocolVersion === 4 && flags.has(name)) {
      throw new FlagError(`${flags.label(name)} is of no use with -V mqttv311`);
    }
  }
  const { url, topic } = readTarget(flags);
  const username = flags.text("username");
  const password = flags.text("password");
  const options: ConnectOptions = {
    protocolVersion,
    ...readSession(flags, properties.connect),
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    keepAliveSeconds: flags.whole("keepAlive", 0, 65_535) ?? 60,
    will: readWill(flags, properties.will),
    tls: await readTls(flags),
    limits: readLimits(flags, properties.connect),
    ...readConnectProperties(properties.connect),
  };
  const isQuiet = flags.has("quiet");
  return { url, topic, options, properties, isDebug: flags.has("debug") && !isQuiet, isQuiet };
}

function readVersion(text: string): 4 | 5 {
  if (["mqttv5", "5", "5.0"].includes(text)) return 5;
  if (["mqttv311", "311", "3.1.1"].includes(text)) return 4;
  const is31 = ["mqttv31", "31", "3.1"].includes(text);
  const why = is31 ? "this client does not speak MQTT 3.1" : `not "${text}"`;
  throw new FlagError(`-V needs mqttv5 or mqttv311: ${why}`);
}

function readSession(flags: Flags<CommonFlag>, properties: Properties): Partial<ConnectOptions> {
  const id = flags.text("id");
  const prefix = flags.text("idPrefix");
  if (id !== null && prefix !== null) throw new FlagError("-i and -I: give one of them");
  const clientId = prefix === null ? id : `${prefix}${Deno.pid}`;
  const keeps = flags.has("keepSession");
  if (keeps && id === null) throw new FlagError("-c needs -i, for the session to be found again");
  const seconds = readExpiry(flags) ?? properties.sessionExpiryInterval ??
    (keeps ? FOR_EVER_SECONDS : null);
  return {
    cleanStart: !keeps,
    ...(clientId === null ? {} : { clientId }),
    ...(seconds === null ? {} : { sessionExpirySeconds: seconds }),
  };
}

function readExpiry(flags: Flags<CommonFlag>): number | null {
  const isForEver = ["-1", "∞"].includes(flags.text("expiry") ?? "");
  return isForEver ? FOR_EVER_SECONDS : flags.whole("expiry", 0, FOR_EVER_SECONDS);
}

function readLimits(flags: Flags<CommonFlag>, properties: Properties): Partial<ClientLimits> {
  const { receiveMaximum, maximumPacketSize, topicAliasMaximum } = properties;
  const inflightMax = flags.whole("inflight", 1, 8192);
  return {
    ...(inflightMax === null ? {} : { inflightMax }),
    ...(receiveMaximum === undefined ? {} : { receiveMaximum }),
    ...(maximumPacketSize === undefined ? {} : { packetBytesMax: maximumPacketSize }),
    ...(topicAliasMaximum === undefined ? {} : { topicAliasMax: topicAliasMaximum }),
  };
}

function readConnectProperties(properties: Properties): Partial<ConnectOptions> {
  const { userProperties, requestProblemInformation, requestResponseInformation } = properties;
  const authentication = authenticationOf(properties);
  return {
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(requestProblemInformation === undefined ? {} : { requestProblemInformation }),
    ...(requestResponseInformation === undefined ? {} : { requestResponseInformation }),
    ...(authentication === null ? {} : { authentication }),
  };
}

/** A command line can set only the first message of enhanced authentication. */
function authenticationOf(properties: Properties): ClientAuthentication | null {
  const { authenticationMethod: method, authenticationData: data = null } = properties;
  if (method === undefined) {
    if (data === null) return null;
    throw new FlagError("-D connect authentication-data needs authentication-method as well");
  }
  const next = () => {
    throw new FlagError(`The broker asks for more than -D connect authentication-data says`);
  };
  return { method, begin: () => data, next };
}
