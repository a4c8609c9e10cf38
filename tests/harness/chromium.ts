import { Child } from "./child.ts";
import { within } from "./deadline.ts";

/** A browser starts slowly where there is much else to do. */
const DEADLINE_MS = 60_000;

/** How it is started: without a window, and without looking for anything in the network. */
export const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** A browser with one page, which is closed at the end of a block. */
export class Browser implements AsyncDisposable {
  readonly #child: Child;
  readonly #folder: string;

  private constructor(child: Child, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** Opens a page. */
  static async open(url: string): Promise<Browser> {
    const folder = await Deno.makeTempDir();
    const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder };
    return new Browser(
      new Child("chromium", [...CHROMIUM_FLAGS, `--user-data-dir=${folder}`, url], { env }),
      folder,
    );
  }

  /** What the browser complains about. */
  get stderr(): string {
    return this.#child.stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.signal("SIGTERM");
    try {
      await this.#child.outcome(DEADLINE_MS);
    } finally {
      await this.#child.kill();
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

/** A web server with one page, which says in the end what came of it. */
export class Page implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #said: PromiseWithResolvers<string> = Promise.withResolvers();

  /**
   * Serves a page.
   *
   * @param script What the page does; it has `say()` for what came of it.
   * @param files What else there is, by path.
   */
  constructor(script: string, files: Record<string, Uint8Array<ArrayBuffer>>) {
    const scripts = Object.keys(files).map((path) => `<script src="${path}"></script>`).join("");
    const page = `<!doctype html><meta charset="utf-8">${scripts}<script>
      const say = (words) => fetch("/said", { method: "POST", body: words });
      window.onerror = (message) => void say("error: " + message);
      ${script}
    </script>`;
    const quiet = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(quiet, async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/") return html(page);
      if (pathname === "/said") {
        this.#said.resolve(await request.text());
        return new Response();
      }
      const file = files[pathname];
      return file === undefined ? new Response(null, { status: 404 }) : new Response(file);
    });
  }

  /** The origin of the page. */
  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Opens the page in a browser of its own, and waits until it has said something. */
  async said(): Promise<string> {
    await using browser = await Browser.open(`${this.origin}/`);
    const story = () => `the page says something: ${browser.stderr}`;
    return await within(story, this.#said.promise, DEADLINE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function html(page: string): Response {
  return new Response(page, { headers: { "content-type": "text/html" } });
}
