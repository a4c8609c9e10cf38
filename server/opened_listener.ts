/** One listener of a configuration that is open, on its addresses. */
import type { Configuration, ListenerConfiguration } from "../config/options/configuration.ts";
import {
  isAnonymousAllowed,
  nameOf,
  rulesOf,
  whoMayConnect,
} from "../config/effect/listener_rules.ts";
import type { Broker, ListenerPolicy } from "../mod.ts";
import type { NativeOptions, TcpListener, TlsListener } from "../transport/mod.ts";
import type { AdminListener } from "../admin/mod.ts";
import {
  adminAccessOf,
  type AdminService,
  adminUrl,
  openAdmin,
  whoMayAdminister,
} from "./admin_listener.ts";
import { bindAddresses, type BindWish, systemSources } from "./bind_addresses.ts";
import { ReplaceableAccounts, ReplaceableRules } from "./replaceable_auth.ts";
import type { ListenerMaterial } from "./listener_files.ts";

/** The part of a listener that can be closed. */
interface Closable {
  close(): Promise<void>;
}

/** What a listener needs of its server. */
export interface ListenerSurroundings {
  /** What an admin listener serves. */
  readonly service: AdminService;
  /** The port to bind to: that of the configuration, or the one that another worker has found. */
  readonly port: number;
  /** Whether it is bound here. If not, another worker has its address, and hands connections over. */
  readonly isBound: boolean;
}

/** An open listener of a configuration, on one or several addresses. */
export class OpenedListener {
  /** Its address and protocol, in words. */
  readonly name: string;
  readonly #broker: Broker;
  readonly #accounts = new ReplaceableAccounts();
  readonly #rules = new ReplaceableRules();
  /** The policy of its clients. */
  readonly policy: ListenerPolicy;
  readonly #isBound: boolean;
  #configuration: ListenerConfiguration;
  #global: Configuration;
  #material: ListenerMaterial;
  readonly #service: AdminService;
  #open: Closable[] = [];
  #urls: string[] = [];
  #port: number;

  private constructor(
    broker: Broker,
    listener: ListenerConfiguration,
    configuration: Configuration,
    material: ListenerMaterial,
    { service, port, isBound }: ListenerSurroundings,
  ) {
    this.#service = service;
    this.#isBound = isBound;
    this.#port = port;
    this.name = nameWithProtocol(listener);
    this.#broker = broker;
    this.policy = broker.listenerPolicy({});
    this.#configuration = listener;
    this.#global = configuration;
    this.#material = material;
    this.#apply();
  }

  /**
   * Opens a listener.
   *
   * @throws If an address cannot be bound. Then nothing stays open.
   */
  static async open(
    broker: Broker,
    listener: ListenerConfiguration,
    configuration: Configuration,
    material: ListenerMaterial,
    surroundings: ListenerSurroundings,
  ): Promise<OpenedListener> {
    const opened = new OpenedListener(broker, listener, configuration, material, surroundings);
    await opened.listen();
    return opened;
  }

  /** The port that it is bound to; 0 for a Unix socket. */
  get port(): number {
    return this.#port;
  }

  /** The URLs of the listener. */
  get urls(): readonly string[] {
    return this.#urls;
  }

  /** The configuration of the last start or reload. */
  get configuration(): ListenerConfiguration {
    return this.#configuration;
  }

  /** One line: address, protocol, and who may connect. */
  get line(): string {
    const listener = this.#configuration;
    const who = this.#isAdmin ? whoMayAdminister(listener) : whoMayConnect(listener);
    return `Listening on ${this.urls.join(" and ")} for ${who}`;
  }

  /**
   * Applies certificates that were read again, from the next handshake on.
   *
   * @throws If they cannot be used. Then the old ones stay in effect.
   */
  reloadTls({ tls }: ListenerMaterial): void {
    if (tls === null) return;
    for (const listener of this.#open) (listener as TlsListener).reload(tls);
  }

  /** Restores the certificates from before the reload. */
  restoreTls(): void {
    this.reloadTls(this.#material);
  }

  /**
   * Applies new rules: permissions, and the policy for clients that connect from now on. Open
   * addresses stay open.
   */
  async reload(
    listener: ListenerConfiguration,
    configuration: Configuration,
    material: ListenerMaterial,
  ): Promise<void> {
    this.#configuration = listener;
    this.#global = configuration;
    this.#material = material;
    this.#apply();
    if (!this.#isAdmin) return;
    for (const admin of this.#open) {
      await (admin as AdminListener).changeAccess(adminAccessOf(listener, material));
    }
  }

  /**
   * Starts listening, for the first time or again.
   *
   * @throws If an address cannot be bound. Then it does not listen.
   */
  async listen(): Promise<void> {
    this.#urls = [];
    try {
      await this.#bind();
    } catch (error) {
      await this.stopListening();
      throw error;
    }
  }

  /** Stops listening. Clients stay connected. */
  async stopListening(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    for (const listener of open) await listener.close();
  }

  /** Stops listening, and disconnects all clients with the reason of an administrative action. */
  async close(): Promise<void> {
    await this.stopListening();
    this.#broker.disconnectClients(this.policy);
  }

  async #bind(): Promise<void> {
    if (!this.#isBound) return;
    const listener = this.#configuration;
    const { path } = listener;
    const native = nativeOf(this.#global);
    if (this.#isAdmin) return await this.#bindAdmin(listener);
    const add = (opened: Closable, url: string) => {
      this.#open.push(opened);
      this.#urls.push(url);
    };
    if (path === null) {
      const shared = { policy: this.policy, native, port: this.#port };
      this.#port = await openTcp(this.#broker, listener, this.#material, shared, add);
      return;
    }
    const mode = listener.settings.fairway_socket_mode;
    const socket = { path, native, policy: this.policy, ...mode === null ? {} : { mode } };
    add(await this.#broker.listen(socket), `unix:${path}`);
  }

  get #isAdmin(): boolean {
    return this.#configuration.settings.protocol === "http_api";
  }

  async #bindAdmin(listener: ListenerConfiguration): Promise<void> {
    const port = this.#port;
    const admin = await openAdmin(this.#broker, listener, this.#material, this.#service, port);
    this.#open.push(admin);
    this.#port = admin.port;
    this.#urls.push(adminUrl(admin, listener.settings.certfile !== null));
  }

  #apply(): void {
    const { accounts, rules, control } = this.#material;
    const listener = this.#configuration;
    this.#accounts.accounts = accounts;
    this.#accounts.isAnonymousAllowed = isAnonymousAllowed(listener);
    this.#rules.rules = rules;
    const authorizer = rules === null ? null : this.#rules;
    const deciders = { authenticator: this.#accounts, authorizer, control };
    this.policy.update(rulesOf(listener, this.#global, deciders));
  }
}

/** The name of a listener in the log: its address and protocol. */
export function nameWithProtocol(listener: ListenerConfiguration): string {
  const { settings } = listener;
  const encrypted = settings.certfile === null ? "" : " with TLS";
  return `${nameOf(listener)} (${settings.protocol}${encrypted})`;
}

/** Opens a listener on all its addresses. Returns its port. */
async function openTcp(
  broker: Broker,
  listener: ListenerConfiguration,
  { tls }: ListenerMaterial,
  common: { policy: ListenerPolicy; native: boolean | NativeOptions; port: number },
  add: (opened: Closable, url: string) => void,
): Promise<number> {
  const { settings } = listener;
  const isWebSocket = settings.protocol === "websockets";
  const wish = {
    host: listener.host,
    networkInterface: settings.bind_interface,
    family: settings.socket_domain,
  };
  const shared = { ...common, ...proxyOf(listener), ...webSocketOf(listener) };
  let { port } = common;
  for (const hostname of await bindAddresses(wish, systemSources)) {
    const open = (hostname: string): Promise<TcpListener | TlsListener> => {
      const options = { ...shared, hostname, port };
      return tls === null ? broker.listen(options) : broker.listen({ ...options, tls });
    };
    const opened = await orWithoutIPv6(open, hostname, wish);
    // All addresses of a listener have the same port.
    port = opened.port;
    const scheme = isWebSocket ? "ws" : "mqtt";
    const host = opened.hostname.includes(":") ? `[${opened.hostname}]` : opened.hostname;
    add(opened, `${scheme}${tls === null ? "" : "s"}://${host}:${port}`);
  }
  return port;
}

/** On a machine without IPv6, every address means every IPv4 address. */
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

/** Whether the listeners of a configuration have native sockets, and with which options. */
function nativeOf({ global }: Configuration): boolean | NativeOptions {
  if (!global.fairway_native_sockets) return false;
  const { fairway_native_backlog: backlog, fairway_native_user_timeout_ms: userTimeoutMs } = global;
  return {
    ...backlog === null ? {} : { backlog },
    ...userTimeoutMs === null ? {} : { userTimeoutMs },
    reusePort: global.fairway_native_reuse_port,
  };
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
