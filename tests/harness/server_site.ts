import { CONFIG_PERMISSIONS, startServer } from "./broker_process.ts";
import type { Child, Outcome } from "./child.ts";

/** How long a server has to start or stop, in milliseconds. */
export const SERVER_DEADLINE_MS = 30_000;

/** A folder with a configuration in it, and the server that runs by it. */
export class Site implements AsyncDisposable {
  readonly folder: string;
  #server: Child | null = null;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes one with files, by their names. */
  static async make(files: Record<string, string>): Promise<Site> {
    const site = new Site(await Deno.makeTempDir());
    for (const [name, text] of Object.entries(files)) await site.write(name, text);
    return site;
  }

  /** The configuration. */
  get path(): string {
    return `${this.folder}/fairway.conf`;
  }

  /** Writes a file; `FOLDER` in it stands for the folder. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text.replaceAll("FOLDER", this.folder));
  }

  /** Reads a file. */
  read(name: string): Promise<string> {
    return Deno.readTextFile(`${this.folder}/${name}`);
  }

  /** Starts the server, and waits until it says that it listens on `url`. */
  async start(
    url: RegExp = /mqtt:\/\/127\.0\.0\.1:(\d+)/,
    ...flags: string[]
  ): Promise<Child & { port: number }> {
    const server = startServer(["-c", this.path, ...flags], CONFIG_PERMISSIONS);
    this.#server = server;
    const [, port] = await server.waitFor(url, "stdout", SERVER_DEADLINE_MS);
    return Object.assign(server, { port: Number(port) });
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    this.#server!.signal("SIGTERM");
    await this.#server!.outcome(SERVER_DEADLINE_MS);
  }

  /** Runs the server to an end it comes to by itself. */
  async run(...flags: string[]): Promise<Outcome> {
    await using child = startServer(["-c", this.path, ...flags], CONFIG_PERMISSIONS);
    return await child.outcome(SERVER_DEADLINE_MS);
  }

  /** Has the configuration read again, and waits until the log says `said`. */
  async reload(said: RegExp): Promise<void> {
    const server = this.#server!;
    const before = server.stdout.length;
    server.signal("SIGHUP");
    while (!said.test(server.stdout.slice(before))) await server.grown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}
