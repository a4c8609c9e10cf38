const REPOSITORY = new URL("../../", import.meta.url);

/** Names without dots before them, so that no path climbs out or sees what is hidden; a module. */
const MODULE_PATH_REGEXP = /^(\/\w[\w.-]*)+\.(ts|json)$/;

/** A web server for the modules of this repository and nothing else, as a code host would be. */
export class FileServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** The paths that were asked for. */
  readonly requested: string[] = [];

  constructor() {
    const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(quiet, (request) => this.#answer(new URL(request.url).pathname));
  }

  /** Where it listens, as in `127.0.0.1:40123`. */
  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(path: string): Promise<Response> {
    this.requested.push(path);
    if (!MODULE_PATH_REGEXP.test(path)) return notFound();
    try {
      const file = await Deno.readFile(new URL(`.${path}`, REPOSITORY));
      return new Response(file, { headers: { "content-type": contentType(path) } });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return notFound();
      throw error;
    }
  }
}

function notFound(): Response {
  return new Response("Not found\n", { status: 404 });
}

function contentType(path: string): string {
  return path.endsWith(".ts") ? "application/typescript" : "application/json";
}
