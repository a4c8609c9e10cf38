/**
 * The libraries of the page, as texts from npm: preact and htm, which show everything, and uPlot,
 * which draws the charts. deno.lock pins their contents.
 *
 * @module
 */

/** The texts of the libraries. */
export interface Libraries {
  readonly preact: string;
  readonly uPlot: string;
  readonly uPlotCss: string;
}

/**
 * Deno loads from npm what a program imports by name before the program starts, even what it may
 * never need. It does not look into a module that comes as a `data:` URL, so a broker whose page
 * nobody opens loads nothing.
 */
const SOURCE = `
export { default as preact } from "npm:htm@3.1.1/preact/standalone" with { type: "text" };
export { default as uPlot } from "npm:uplot@1.6.32/dist/uPlot.iife.min.js" with { type: "text" };
export { default as uPlotCss } from "npm:uplot@1.6.32/dist/uPlot.min.css" with { type: "text" };
`;

/** How often they were asked for; a module that has failed once is not loaded again. */
let attempts = 0;

/**
 * Loads the libraries: from the cache of Deno, or over the network if they are not there yet.
 *
 * @throws {LibrariesError} If they cannot be loaded.
 */
export async function loadLibraries(): Promise<Libraries> {
  const source = `${SOURCE}// ${++attempts}`;
  try {
    return await import(`data:text/javascript,${encodeURIComponent(source)}`);
  } catch (error) {
    // The rest of the message is a stack with the whole URL.
    const [why = ""] = `${error instanceof Error ? error.message : error}`.split("\n");
    throw new LibrariesError(
      `Cannot load npm:htm and npm:uplot, which the page needs: ${why.slice(0, 200)}`,
    );
  }
}

/** The libraries of the page cannot be loaded. */
export class LibrariesError extends Error {
  override readonly name: string = "LibrariesError";
}
