const REPOSITORY = new URL("../../", import.meta.url);

/** Names without dots before them, so that no path climbs out or sees what is hidden. */
const MODULE_PATH_REGEXP = /^(\/\w[\w.-]*)+\.(ts|json|js|css|html)$/;

/** What programs import: modules, and texts for the page. */
const TYPES: Readonly<Record<string, string>> = {
  ts: "application/typescript",
  json: "application/json",
  js: "text/javascript",
  css: "text/css",
  html: "text/html",
};

/** A web server for what this repository has to import, and nothing else, as a code host would be. */
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
  return TYPES[path.slice(path.lastIndexOf(".") + 1)]!;
}
