import type { Configuration, ListenerConfiguration } from "../config/configuration.ts";
import { isAnonymousAllowed, nameOf, rulesOf, whoMayConnect } from "../config/listener_rules.ts";
import type { Broker, ListenerPolicy, TcpListener, TlsListener } from "../mod.ts";
import { bindAddresses, type BindWish, systemSources } from "./bind_addresses.ts";
import { AccountGate, RuleGate } from "./replaceable_auth.ts";
import type { ListenerMaterial } from "./listener_files.ts";

/** A listener of a configuration that is open, on one address or several. */
export class OpenedListener {
  /** What tells it from others, and stays the same when a configuration is read again. */
  readonly key: string;
  /** Where it can be reached. */
  readonly urls: readonly string[];
  readonly #accounts: AccountGate;
  readonly #rules: RuleGate;
  readonly #policy: ListenerPolicy;
  readonly #tls: readonly TlsListener[];
  #configuration: ListenerConfiguration;

  private constructor(
    configuration: ListenerConfiguration,
    key: string,
    urls: readonly string[],
    gates: readonly [AccountGate, RuleGate],
    policy: ListenerPolicy,
    tls: readonly TlsListener[],
  ) {
    this.#configuration = configuration;
    this.key = key;
    this.urls = urls;
    [this.#accounts, this.#rules] = gates;
    this.#policy = policy;
    this.#tls = tls;
  }

  /**
   * Opens a listener.
   *
   * @throws If an address cannot be bound.
   */
  static async open(
    broker: Broker,
    listener: ListenerConfiguration,
    configuration: Configuration,
    material: ListenerMaterial,
  ): Promise<OpenedListener> {
    const accounts = new AccountGate();
    const rules = new RuleGate();
    const policy = broker.policy({});
    const urls: string[] = [];
    const encrypted: TlsListener[] = [];
    const opened = new OpenedListener(
      listener,
      keyOf(listener),
      urls,
      [accounts, rules],
      policy,
      encrypted,
    );
    opened.#apply(listener, configuration, material);
    const add = (url: string) => urls.push(url);
    if (listener.path === null) await openTcp(broker, listener, material, policy, encrypted, add);
    else {
      const mode = listener.settings.fairway_socket_mode;
      const socket = { path: listener.path, policy, ...mode === null ? {} : { mode } };
      await broker.listenUnix(socket);
      urls.push(`unix:${listener.path}`);
    }
    return opened;
  }

  /** One line: where, how, and who may connect. */
  get line(): string {
    return `Listening on ${this.urls.join(" and ")} for ${whoMayConnect(this.#configuration)}`;
  }

  /**
   * Takes what was read anew: who may, what holds for clients that connect from
   * now on, and certificates. What is open stays open.
   */
  async reload(
    listener: ListenerConfiguration,
    configuration: Configuration,
    material: ListenerMaterial,
  ): Promise<void> {
    this.#apply(listener, configuration, material);
    this.#configuration = listener;
    if (material.tls === null) return;
    for (const listener of this.#tls) await listener.reload(material.tls);
  }

  #apply(
    listener: ListenerConfiguration,
    configuration: Configuration,
    material: ListenerMaterial,
  ): void {
    this.#accounts.accounts = material.accounts;
    this.#accounts.isAnonymousAllowed = isAnonymousAllowed(listener);
    this.#rules.rules = material.rules;
    const authorizer = material.rules === null ? null : this.#rules;
    this.#policy.update(
      rulesOf(listener, configuration, { authenticator: this.#accounts, authorizer }),
    );
  }
}

/** What tells a listener from others. */
export function keyOf(listener: ListenerConfiguration): string {
  const { settings } = listener;
  const encrypted = settings.certfile === null ? "" : " with TLS";
  return `${nameOf(listener)} (${settings.protocol}${encrypted})`;
}

async function openTcp(
  broker: Broker,
  listener: ListenerConfiguration,
  { tls }: ListenerMaterial,
  policy: ListenerPolicy,
  encrypted: TlsListener[],
  add: (url: string) => void,
): Promise<void> {
  const { settings } = listener;
  const isWebSocket = settings.protocol === "websockets";
  const wish = {
    host: listener.host,
    networkInterface: settings.bind_interface,
    family: settings.socket_domain,
  };
  const shared = { policy, ...proxyOf(listener), ...webSocketOf(listener) };
  let port = listener.port;
  for (const hostname of await bindAddresses(wish, systemSources)) {
    const open = (hostname: string): Promise<TcpListener | TlsListener> => {
      const options = { hostname, port, ...shared };
      return tls === null ? broker.listen(options) : broker.listenTls({ ...options, ...tls });
    };
    const opened = await orWithoutIPv6(open, hostname, wish);
    if (tls !== null) encrypted.push(opened as TlsListener);
    // All addresses of a listener have one port.
    port = opened.port;
    const scheme = isWebSocket ? "ws" : "mqtt";
    const host = opened.hostname.includes(":") ? `[${opened.hostname}]` : opened.hostname;
    add(`${scheme}${tls === null ? "" : "s"}://${host}:${port}`);
  }
}

/** Every address is every address of IPv4 on a machine that has no IPv6. */
async function orWithoutIPv6<T>(
  open: (hostname: string) => Promise<T>,
  hostname: string,
  { host, networkInterface, family }: BindWish,
): Promise<T> {
  try {
    return await open(hostname);
  } catch (error) {
    const isAnyAddress = host === null && networkInterface === null && family === null;
    const isOther = error instanceof Deno.errors.AddrInUse ||
      error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable;
    if (!isAnyAddress || isOther) throw error;
    return await open("0.0.0.0");
  }
}

function proxyOf({ settings }: ListenerConfiguration) {
  const { fairway_proxy_from: from, fairway_proxy_others: others } = settings;
  return from.length === 0 ? {} : { proxy: { from, others } };
}

function webSocketOf({ settings }: ListenerConfiguration) {
  if (settings.protocol !== "websockets") return {};
  const { fairway_websockets_path: path, websockets_origin: origins } = settings;
  const { fairway_forwarded_for_from: forwardedFor } = settings;
  return {
    webSocket: {
      ...path === null ? {} : { path },
      ...origins.length === 0 ? {} : { origins },
      ...forwardedFor.length === 0 ? {} : { forwardedFor },
    },
  };
}
