/**
 * The files that the page consists of, as they are sent. They are made once, when a browser asks
 * for the first one.
 *
 * @module
 */
import type { TimeSlices } from "../time_slices.ts";
import { bundle } from "./bundle.ts";
import { CLIENT_SOURCES, type LoadText } from "./client_sources.ts";
import { loadLibraries } from "./libraries.ts";
import { HTML, STYLES, WEB_MODULES } from "./web_sources.ts";

/** A file as it is sent. */
export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same, compressed with gzip. */
  readonly gzip: Uint8Array<ArrayBuffer>;
  /** The value of the header ETag. */
  readonly tag: string;
}

/** The files of the page by their paths. */
export type Assets = ReadonlyMap<string, Asset>;

const SCRIPT = "text/javascript; charset=utf-8";

/**
 * Makes every file of the page, in slices of time.
 *
 * @throws {LibrariesError} If the libraries cannot be loaded.
 */
export async function makeAssets(slices: TimeSlices): Promise<Assets> {
  const libraries = await loadLibraries();
  const html = await textOf(HTML);
  const css = (await Promise.all(STYLES.map(textOf))).join("\n");
  const client = await textsOf(CLIENT_SOURCES);
  const modules = await textsOf(WEB_MODULES);
  const external = ["./preact.js", "./client.js"];
  const clientScript = await slices.run(bundle({ sources: client, entry: "client/mod.ts" }));
  const script = await slices.run(bundle({ sources: modules, entry: "web/app.js", external }));
  return new Map(
    await Promise.all([
      asset("/", "text/html; charset=utf-8", html),
      asset("/page/style.css", "text/css; charset=utf-8", `${libraries.uPlotCss}\n${css}`),
      asset("/page/preact.js", SCRIPT, libraries.preact),
      asset("/page/uplot.js", SCRIPT, libraries.uPlot),
      asset("/page/client.js", SCRIPT, clientScript),
      asset("/page/app.js", SCRIPT, script),
    ]),
  );
}

async function textOf(load: LoadText): Promise<string> {
  return (await load()).default;
}

async function textsOf(all: Readonly<Record<string, LoadText>>): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const [path, load] of Object.entries(all)) texts.set(path, await textOf(load));
  return texts;
}

async function asset(path: string, type: string, text: string): Promise<[string, Asset]> {
  const bytes = new TextEncoder().encode(text);
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const tag = `"${digest.subarray(0, 12).toHex()}"`;
  return [path, { type, bytes, gzip: await new Response(packed).bytes(), tag }];
}
