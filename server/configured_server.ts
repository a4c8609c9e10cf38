/** A server that runs with a configuration file, and its reload. */
import type { Operations } from "../admin/mod.ts";
import { Telemetry } from "../admin/telemetry.ts";
import { PresenceTopics } from "../admin/presence_topics.ts";
import { OperatorLog } from "../admin/operator_log.ts";
import { DynamicSecurity } from "../auth/dynsec/dynamic_security.ts";
import type { SecurityInEffect } from "../auth/dynsec/security_in_effect.ts";
import { limitsOf } from "../config/effect/broker_options.ts";
import type { Configuration } from "../config/options/configuration.ts";
import { formatRemark } from "../config/errors/errors.ts";
import { printEffective } from "../config/effect/print.ts";
import { needsRestart } from "../config/effect/reload.ts";
import { type Broker, type ListenerPolicy, SysTopics } from "../mod.ts";
import { openAccounts, refuseNewAccounts, withAccounts } from "./accounts.ts";
import { certificatesOf, listenerInfo } from "./admin_listener.ts";
import { logHooks } from "./log_hooks.ts";
import { logSettings, systemOutputs } from "./log_outputs.ts";
import type { ListenerMaterial, Material } from "./listener_files.ts";
import { ListenerSet } from "./listener_set.ts";
import { memoryLine } from "./memory_limit.ts";
import { PidFile } from "./pid_file.ts";
import {
  brokerOptions,
  fault,
  openBroker,
  openLog,
  warnOfExposedLogs,
} from "./configured_broker.ts";
import { type ServerSurroundings, type Tell, tellerOf } from "./server_surroundings.ts";
import { ServerBridges } from "./server_bridges.ts";
import { ServerStreams } from "./server_streams.ts";

/** A configuration, with the contents of the files that it names. */
export interface Loaded {
  readonly configuration: Configuration;
  readonly material: Material;
  /** The configuration as it was written, if the other one is the part of one worker. */
  readonly whole?: Configuration;
}

/** A broker that runs with a configuration file. */
export class ConfiguredServer {
  readonly #log: OperatorLog;
  /** Tells the operator what holds for all workers, once. */
  readonly #tell: Tell;
  readonly #broker: Broker;
  readonly #surroundings: ServerSurroundings;
  readonly #listeners: ListenerSet;
  readonly #streams: ServerStreams;
  readonly #bridges: ServerBridges;
  /** The configuration at the start of the broker. */
  readonly #first: Configuration;
  #configuration: Configuration;
  /** The configuration as the operator knows it. */
  #told: Configuration;
  #material: Material;
  #state: SysTopics | null = null;
  #stateSeconds = 0;
  #presence: PresenceTopics | null = null;
  readonly #telemetry: Telemetry | null;
  readonly #sinceMs: number;
  #pidFile: PidFile | null = null;
  #accounts: SecurityInEffect | null = null;
  #isClosing = false;

  private constructor(
    log: OperatorLog,
    broker: Broker,
    { configuration, material, whole }: Loaded,
    surroundings: ServerSurroundings,
  ) {
    this.#log = log;
    this.#broker = broker;
    this.#surroundings = surroundings;
    this.#sinceMs = broker.clock.now();
    const { node = null } = surroundings;
    this.#tell = tellerOf(log, node);
    const binding = { tell: this.#tell, isFirst: node?.isFirst ?? true };
    const service = { operations: this.#operations(), ...node?.admin };
    this.#listeners = new ListenerSet(broker, binding, service);
    const labels = node === null ? {} : { worker: `${node.number}` };
    this.#telemetry = Telemetry.start(broker, this.#operations(), labels);
    const inform = (text: string) => log.write("information", text);
    this.#streams = new ServerStreams(broker, surroundings.streams, inform);
    this.#bridges = new ServerBridges(broker, (type, text) => log.write(type, text));
    this.#first = this.#configuration = configuration;
    this.#told = whole ?? configuration;
    this.#material = material;
  }

  /**
   * Starts a server. When it returns, all listeners are open.
   *
   * @throws If anything cannot be opened. Then nothing stays open.
   */
  static async start(
    loaded: Loaded,
    surroundings: ServerSurroundings,
  ): Promise<ConfiguredServer> {
    const { configuration, material } = loaded;
    let server: ConfiguredServer | null = null;
    const outputs = systemOutputs((topic, line) => server?.publish(topic, line));
    const log = openLog(configuration, () => new OperatorLog(logSettings(configuration), outputs));
    const { node = null, version } = surroundings;
    const tell = tellerOf(log, node);
    tell("information", `${version} starting`);
    for (const note of configuration.notes) log.write("warning", formatRemark(note));
    try {
      const isLogged = () => (server?.configuration ?? configuration).global.connection_messages;
      const hooks = logHooks(log, isLogged);
      const options = brokerOptions(configuration, surroundings);
      const broker = await openBroker(configuration, { ...options, hooks }, log);
      server = new ConfiguredServer(log, broker, loaded, surroundings);
      const isTold = limitsOf(configuration).memoryBytesMax > 0;
      tell("information", memoryLine(broker, isTold));
      // Before there are links to other nodes, which send what is published for the streams.
      await server.#streams.open(configuration);
      const ports = await node?.beforeListening({
        broker,
        operations: server.#operations(),
        policyOf: (listener) => server!.policyOf(listener),
      }) ?? [];
      await server.#open(material, ports);
      await warnOfExposedLogs(log, configuration);
      return server;
    } catch (error) {
      if (server !== null) await server.close(0);
      log.close();
      throw error;
    }
  }

  /** What it tells below `$SYS/broker/`; `null` for nothing. */
  get state(): SysTopics | null {
    return this.#state;
  }

  /** The port of each listener, in the order of the configuration; 0 for a Unix socket. */
  get ports(): number[] {
    return this.#listeners.ports;
  }

  /** The policy of a listener, by its name; `null` if there is none. */
  policyOf(listener: string): ListenerPolicy | null {
    return this.#listeners.policyOf(listener);
  }

  /** The configuration in effect. */
  get configuration(): Configuration {
    return this.#configuration;
  }

  /** Publishes a log line after the current work is done. */
  publish(topic: string, line: string): void {
    queueMicrotask(() => {
      if (this.#isClosing) return;
      // Limits can be too low for the topic. A line about that would be published in turn.
      this.#broker.publish(topic, line).catch(() => {});
    });
  }

  /** Logs a failure as one line. */
  complain(text: string): void {
    this.#log.write("error", text);
  }

  /** Logs a failure that may come very often: only the first few of a kind, and then their number. */
  complainSeldom(kind: string, text: string): void {
    this.#log.writeSeldom(kind, "error", text);
  }

  /**
   * Applies a configuration that was read again. Clients stay connected, except those of removed
   * listeners. Permissions that were removed end at once.
   *
   * @throws If the log or a listener cannot be opened. Then nothing has changed.
   */
  async reload(loaded: Loaded): Promise<void> {
    try {
      await this.#reload(loaded);
    } catch (error) {
      loaded.material.close();
      throw error;
    }
  }

  async #reload(loaded: Loaded): Promise<void> {
    const { configuration, material } = loaded;
    const isWorker = this.#surroundings.node !== undefined;
    if (isWorker && this.#accounts === null) refuseNewAccounts(configuration);
    const { limits } = brokerOptions(configuration, this.#surroundings);
    this.#streams.check(configuration);
    await this.#bridges.check(configuration, material.bridges);
    const change = await this.#listeners.change(configuration, await this.#fill(loaded));
    try {
      openLog(configuration, () => this.#log.change(logSettings(configuration)));
    } catch (error) {
      await change.rollback();
      throw error;
    }
    this.#configuration = configuration;
    this.#told = loaded.whole ?? configuration;
    const remarks = [...configuration.notes, ...needsRestart(this.#first, configuration)];
    for (const remark of remarks) this.#tell("warning", formatRemark(remark));
    this.#broker.changeLimits(limits);
    await this.#streams.change(configuration);
    await change.commit();
    await this.#bridges.apply(configuration, material.bridges);
    this.#material.close();
    this.#material = material;
    const ended = await this.#broker.reauthorize();
    this.#tellState();
    const more = ended === 0 ? "" : `; ended subscriptions that are no longer allowed: ${ended}`;
    this.#tell("notice", `Configuration reloaded${more}`);
  }

  /** Stops the server. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#state?.stop();
    this.#presence?.stop();
    this.#accounts?.stop();
    this.#telemetry?.stop();
    await this.#bridges.close();
    await this.#listeners.closeAdmin();
    await this.#broker.close({ graceMs });
    await this.#accounts?.close();
    this.#material.close();
    await this.#pidFile?.remove();
    this.#tell("information", `${this.#surroundings.version} stopped`);
    this.#log.close();
  }

  /** What an admin listener can have the server do. */
  #operations(): Operations {
    const { version, reload, node } = this.#surroundings;
    return {
      version,
      reload,
      configuration: () => printEffective(this.#told),
      certificates: () => certificatesOf(this.#configuration, this.#material),
      accounts: () => this.#accounts instanceof DynamicSecurity ? this.#accounts : null,
      bridges: () => this.#bridges.bridges?.statuses ?? [],
      others: () => node?.others() ?? null,
      listeners: () => this.#configuration.listeners.map(listenerInfo),
      audit: (line) => this.#log.write("notice", line),
    };
  }

  async #open(material: Material, ports: readonly number[]): Promise<void> {
    const configuration = this.#configuration;
    const { pid_file } = configuration.global;
    // Before the listeners: a reader of the line about an open listener may send a signal.
    if (pid_file !== null) {
      try {
        this.#pidFile = await PidFile.write(pid_file);
      } catch (error) {
        throw fault(configuration, "pid_file", "write the file", pid_file, error);
      }
    }
    const filled = await this.#fill({ configuration, material });
    await this.#listeners.open(configuration, filled, ports);
    await this.#bridges.apply(configuration, material.bridges);
    // Nothing waits for it: with many sessions it takes a while.
    this.#bridges.endRemoved().catch((error) => this.#broker.inspection.reportError(error));
    this.#tellState();
  }

  /** The material of the listeners, with the accounts, which are opened when the first needs them. */
  async #fill({ configuration, material }: Loaded): Promise<ListenerMaterial[]> {
    this.#accounts ??= await openAccounts(
      this.#broker,
      configuration,
      this.#log,
      this.#surroundings.node?.accounts ?? null,
    );
    return withAccounts(material.listeners, configuration, this.#accounts);
  }

  /** Starts to publish `$SYS`, or changes the interval. */
  #tellState(): void {
    const { sys_interval: intervalSeconds, fairway_presence: isPresenceTold } =
      this.#configuration.global;
    if (isPresenceTold) this.#presence ??= new PresenceTopics(this.#broker);
    else {
      this.#presence?.stop();
      this.#presence = null;
    }
    if (intervalSeconds === this.#stateSeconds) return;
    this.#stateSeconds = intervalSeconds;
    this.#state?.stop();
    const { version, node } = this.#surroundings;
    const others = node?.others ?? (() => null);
    const otherStreams = node?.otherStreams ?? (() => ({}));
    const sinceMs = this.#sinceMs;
    const options = { intervalSeconds, sinceMs, version, others, otherStreams };
    this.#state = intervalSeconds === 0 ? null : new SysTopics(this.#broker, options);
  }
}
