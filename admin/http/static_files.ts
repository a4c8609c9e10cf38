/**
 * Serves the files of `http_dir`: a page that uses the API, such as mosquitto's dashboard.
 *
 * @module
 */
import { extname } from "node:path";

/** Bytes of a file; larger ones are not served. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/**
 * Makes a function that serves the files of a folder. Symbolic links that lead out of it are not
 * followed.
 *
 * @throws If the folder cannot be read.
 */
export async function filesOf(folder: string): Promise<(url: URL) => Promise<Response | null>> {
  const root = await Deno.realPath(folder);
  return async ({ pathname }) => {
    if (/%(00|2f|5c)/i.test(pathname)) return null;
    try {
      const name = decodeURIComponent(pathname);
      const path = await Deno.realPath(
        `${root}/${name.endsWith("/") ? `${name}index.html` : name}`,
      );
      if (!path.startsWith(`${root}/`)) return null;
      const { isFile, size } = await Deno.stat(path);
      if (!isFile || size > FILE_BYTES_MAX) return null;
      const type = TYPES[extname(path).toLowerCase()] ?? "application/octet-stream";
      const headers = { "content-type": type, "x-content-type-options": "nosniff" };
      return new Response(await Deno.readFile(path), { headers });
    } catch {
      return null;
    }
  };
}
