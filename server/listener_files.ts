/** Reads the files that the listeners and bridges of a configuration name. */
import { TokenFile } from "../admin/access/token_file.ts";
import { AclFile } from "../auth/acl_file.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Authorizer } from "../auth/authorizer.ts";
import type { ControlTopic } from "../auth/control_topic.ts";
import { everyAuthorizer, firstAuthenticator } from "../auth/chain.ts";
import { FileFaultError } from "../auth/file_errors.ts";
import { HttpHook } from "../auth/http.ts";
import { PasswordFile } from "../auth/password_file.ts";
import { scramAuthenticator } from "../auth/scram.ts";
import { ScramFile } from "../auth/scram_file.ts";
import { KEY_WORDS } from "../config/parser/check.ts";
import type { BridgeTls } from "../bridge/options.ts";
import type { Configuration, ListenerConfiguration } from "../config/options/configuration.ts";
import { ConfigError, type Place, type Remark } from "../config/errors/errors.ts";
import type { SecurityValues } from "../config/options/options.ts";
import type { ConfigFiles } from "../config/parser/source.ts";
import { whyNot } from "../config/errors/why.ts";
import type { TlsServerOptions } from "../transport/tls_options.ts";
import { readBridgeFiles } from "./bridge_files.ts";
import { openTokens } from "./token_keys.ts";
import { readTls } from "./tls_files.ts";

/** The contents of a listener's files. */
export interface ListenerMaterial {
  /** The accounts; `null` if there are none. */
  readonly accounts: Authenticator | null;
  /** The access rules; `null` if everything is allowed. */
  readonly rules: Authorizer | null;
  /** Takes commands; `null` if nothing does. */
  readonly control: ControlTopic | null;
  /** Who has a token, of an admin listener; `null` where nobody has one. */
  readonly tokens: TokenFile | null;
  /** Certificates and keys; `null` without TLS. */
  readonly tls: TlsServerOptions | null;
}

/** The contents of all listeners' files. */
export interface Material {
  /** In the order of the listeners. */
  readonly listeners: readonly ListenerMaterial[];
  /** The TLS options of each bridge, by its name; `null` for one without TLS. */
  readonly bridges: ReadonlyMap<string, BridgeTls | null>;
  /** Stops requests in progress, after other material has replaced this one. */
  close(): void;
}

/**
 * Reads every file that a configuration names, each once.
 *
 * @param failed Called when a service or keys cannot be reached later.
 * @throws {ConfigError} If anything cannot be read or used, with all faults.
 */
export async function readMaterial(
  configuration: Configuration,
  files: ConfigFiles,
  failed: (error: Error) => void,
): Promise<Material> {
  const reader = new Reader(configuration, files, failed);
  const listeners: ListenerMaterial[] = [];
  for (const listener of configuration.listeners) listeners.push(await reader.read(listener));
  const bridges = await reader.bridges();
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return { listeners, bridges, close: () => reader.hooks.forEach((hook) => hook.close()) };
}

class Reader {
  readonly problems: Remark[] = [];
  readonly hooks: HttpHook[] = [];
  readonly #configuration: Configuration;
  readonly #files: ConfigFiles;
  readonly #onFailed: (error: Error) => void;
  /** Opened files and services, by their kind and path. */
  readonly #opened = new Map<string, Promise<unknown>>();

  constructor(configuration: Configuration, files: ConfigFiles, failed: (error: Error) => void) {
    this.#configuration = configuration;
    this.#files = files;
    this.#onFailed = failed;
  }

  async read(listener: ListenerConfiguration): Promise<ListenerMaterial> {
    return {
      accounts: await this.#accounts(listener),
      rules: await this.#rules(listener),
      control: null,
      tokens: await this.#tokens(listener),
      tls: await this.#tls(listener),
    };
  }

  async bridges(): Promise<Map<string, BridgeTls | null>> {
    try {
      return await readBridgeFiles(this.#configuration.bridges, this.#files);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.problems.push(...error.remarks);
      return new Map();
    }
  }

  /** The cheapest check comes first. */
  async #accounts(listener: ListenerConfiguration): Promise<Authenticator | null> {
    const { security } = listener;
    const keys = KEY_WORDS.find((word) => security[word] !== null);
    const all = [
      await this.#file(
        listener,
        "fairway_scram_file",
        async (path) => scramAuthenticator({ store: await ScramFile.open(path) }),
      ),
      keys === undefined ? null : await this.#file(
        listener,
        keys,
        (key) => openTokens(keys, key, security, this.#files, this.#onFailed),
      ),
      await this.#file(listener, "password_file", (path) => PasswordFile.open(path)),
      security.fairway_http_auth_url === null ? null : await this.#hook(listener),
    ].filter((known) => known !== null);
    if (all.length > 1) return firstAuthenticator(...all);
    return all[0] ?? null;
  }

  async #rules(listener: ListenerConfiguration): Promise<Authorizer | null> {
    const all = [
      await this.#file(listener, "acl_file", (path) => AclFile.open(path)),
      listener.security.fairway_http_acl_url === null ? null : await this.#hook(listener),
    ].filter((known) => known !== null);
    if (all.length > 1) return everyAuthorizer(...all);
    return all[0] ?? null;
  }

  #hook({ security }: ListenerConfiguration): Promise<HttpHook> {
    const { fairway_http_auth_url: login, fairway_http_acl_url: acl } = security;
    const { fairway_http_timeout_ms: timeoutMs, fairway_http_fail_open: failOpen } = security;
    return this.#once(`${login} ${acl} ${timeoutMs} ${failOpen}`, () => {
      const hook = new HttpHook({
        ...login === null ? {} : { authenticateUrl: login },
        ...acl === null ? {} : { authorizeUrl: acl },
        timeoutMs,
        failOpen,
        failed: this.#onFailed,
      });
      this.hooks.push(hook);
      return Promise.resolve(hook);
    });
  }

  async #tokens(listener: ListenerConfiguration): Promise<TokenFile | null> {
    const word = "fairway_admin_tokens";
    const path = listener.settings[word];
    if (path === null) return null;
    try {
      return await this.#once(`${word} ${path}`, () => TokenFile.open(path));
    } catch (error) {
      this.#fault(this.#placeOf(listener, word), word, path, error);
      return null;
    }
  }

  async #tls(listener: ListenerConfiguration): Promise<TlsServerOptions | null> {
    try {
      return await readTls(listener, this.#files);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.problems.push(...error.remarks);
      return null;
    }
  }

  /**
   * Opens the file of an option; `null` if the option is not given, or the file cannot be opened.
   */
  async #file<T>(
    listener: ListenerConfiguration,
    word: keyof SecurityValues,
    open: (path: string) => Promise<T>,
  ): Promise<T | null> {
    const path = listener.security[word] as string | null;
    if (path === null) return null;
    try {
      return await this.#once(`${word} ${path}`, () => open(path));
    } catch (error) {
      this.#fault(this.#placeOf(listener, word), word, path, error);
      return null;
    }
  }

  #once<T>(key: string, open: () => Promise<T>): Promise<T> {
    const known = this.#opened.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const opened = open();
    this.#opened.set(key, opened);
    return opened;
  }

  #placeOf(listener: ListenerConfiguration, word: string): Place {
    return listener.places.get(word) ?? this.#configuration.places.get(word) ?? listener.place;
  }

  #fault(place: Place, word: string, path: string, error: unknown): void {
    if (error instanceof FileFaultError) {
      for (const { line, text } of error.faults) this.#add({ file: path, line }, word, text);
      return;
    }
    const why = whyNot(error, "read the file");
    // A SCRAM file names the line itself.
    const [, line, text] = why.startsWith(`${path}:`)
      ? /^(\d+): ([^]*)$/.exec(why.slice(path.length + 1)) ?? []
      : [];
    if (text !== undefined) return this.#add({ file: path, line: Number(line) }, word, text);
    this.#add(place, word, `cannot use ${path}: ${why}`);
  }

  /** A fault of a file that several listeners share is reported once. */
  #add(place: Place, word: string, text: string): void {
    const isKnown = this.problems.some((known) =>
      known.place.file === place.file && known.place.line === place.line && known.text === text
    );
    if (!isKnown) this.problems.push({ place, word, text });
  }
}
