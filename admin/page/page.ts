/**
 * The page at `/` of the admin listener: answers requests for its files. They hold nothing secret,
 * so they take no token; what the page shows comes from the API, which does.
 *
 * @module
 */
import type { TimeSlices } from "../time_slices.ts";
import type { Asset, Assets } from "./assets.ts";

/**
 * What the page may load and do. There are no scripts or styles within the HTML, and nothing comes
 * from another origin.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-cache",
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "vary": "accept-encoding",
  "x-content-type-options": "nosniff",
};

/** The paths of the page. */
const PATH_REGEXP = /^\/(?:page\/.*)?$/;

/** Answers requests for the files of the page. */
export class Page {
  readonly #reportError: (error: unknown) => void;
  readonly #make: () => Promise<Assets>;
  #assets: Promise<Assets> | null = null;

  /**
   * @param reportError Told why the files cannot be made.
   * @param make Makes the files.
   */
  constructor(make: () => Promise<Assets>, reportError: (error: unknown) => void) {
    this.#reportError = reportError;
    this.#make = make;
  }

  /** Answers a request; `null` if it is not for the page. */
  async answer(request: Request, { pathname }: URL): Promise<Response | null> {
    const isMeant = request.method === "GET" || request.method === "HEAD";
    if (!isMeant || !PATH_REGEXP.test(pathname)) return null;
    let assets: Assets;
    try {
      assets = await (this.#assets ??= this.#make());
    } catch (error) {
      // The next request tries again.
      this.#assets = null;
      this.#reportError(error);
      return unavailable(error);
    }
    const asset = assets.get(pathname);
    return asset === undefined ? null : answerWith(asset, request);
  }
}

/** The files, which are the same for every listener of the process. */
let assets: Promise<Assets> | null = null;

/** The page as it is served: its files are loaded when somebody asks for them. */
export function openPage(slices: TimeSlices, reportError: (error: unknown) => void): Page {
  const make = async () => {
    const { makeAssets } = await import("./assets.ts");
    try {
      return await (assets ??= makeAssets(slices));
    } catch (error) {
      assets = null;
      throw error;
    }
  };
  return new Page(make, reportError);
}

function answerWith({ type, bytes, gzip, tag }: Asset, { method, headers }: Request): Response {
  const known = { ...HEADERS, etag: tag };
  if (headers.get("if-none-match") === tag) {
    return new Response(null, { status: 304, headers: known });
  }
  const isPacked = /\bgzip\b/.test(headers.get("accept-encoding") ?? "");
  return new Response(method === "HEAD" ? null : isPacked ? gzip : bytes, {
    headers: {
      ...known,
      "content-type": type,
      ...isPacked ? { "content-encoding": "gzip" } : {},
    },
  });
}

/** A page that says what is missing. */
function unavailable(error: unknown): Response {
  const why = error instanceof Error ? error.message : `${error}`;
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Fairway: the page is not available</title>
<h1>The page is not available</h1>
<p>${escaped(why)}.</p>
<p>Load this page once with access to a registry of npm, or run
<code>deno cache admin/page/web/preact.js admin/page/web/uplot.js</code> there; then it works
without.</p>
<p>Everything else of this listener works: the API at <code>/api/v1</code>, <code>/metrics</code>,
<code>/health</code> and <code>/ready</code>.</p>
</html>
`;
  const headers = { ...HEADERS, "content-type": "text/html; charset=utf-8" };
  return new Response(body, { status: 503, headers });
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}
