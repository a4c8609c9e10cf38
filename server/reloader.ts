/** Reads the configuration of a server again, on request. */
import { ConfigError, formatRemark } from "../config/errors/errors.ts";
import type { ConfiguredServer, Loaded } from "./configured_server.ts";

/** Reloads a server on request. Requests during a reload cause one more reload. */
export class Reloader {
  /** Requests a reload. */
  readonly ask: () => void = () => {
    this.#isAsked = true;
    this.#go();
  };
  /** Logs a failed request to a service. */
  readonly failed: (error: Error) => void = (error) => this.#server?.complain(error.message);
  readonly #load: () => Promise<Loaded>;
  #server: ConfiguredServer | null = null;
  #isAsked = false;
  #isReloading = false;
  /** Settles when the reload under way is over. */
  #over: Promise<void> = Promise.resolve();
  /** What was wrong with the configuration that was read last. */
  #faults: readonly string[] = [];

  /** @param load Reads the configuration. */
  constructor(load: () => Promise<Loaded>) {
    this.#load = load;
  }

  /** Reloads the server. Returns what is wrong with the configuration, a line each. */
  async run(): Promise<readonly string[]> {
    this.#isAsked = true;
    await this.#go();
    await this.#over;
    return this.#faults;
  }

  /** Call when the server is up. */
  begin(server: ConfiguredServer): void {
    this.#server = server;
    this.#go();
  }

  async #go(): Promise<void> {
    if (this.#server === null || this.#isReloading) return;
    this.#isReloading = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#over = promise;
    while (this.#isAsked) {
      this.#isAsked = false;
      await this.#reload(this.#server);
    }
    this.#isReloading = false;
    resolve();
  }

  /** A configuration that cannot be used changes nothing, and is reported. */
  async #reload(server: ConfiguredServer): Promise<void> {
    this.#faults = [];
    try {
      await server.reload(await this.#load());
    } catch (error) {
      this.#faults = linesOf(error);
      for (const text of this.#faults) server.complain(text);
      server.complain("The configuration stays as it was.");
    }
  }
}

/** The faults of a configuration, one line each. */
function linesOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.remarks.map(formatRemark);
  return [error instanceof Error ? error.message : String(error)];
}
