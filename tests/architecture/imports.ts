/**
 * Reads the import graph of the project's own source files.
 *
 * @module
 */

/** One `import` or `export … from` of a file. */
export interface Import {
  /** The file that imports, relative to the root of the project. */
  readonly from: string;
  /** The file that is imported, likewise. */
  readonly to: string;
  /** Whether only types are imported, so that nothing is left of it when the program runs. */
  readonly isType: boolean;
}

/** The source files and what each imports. */
export interface ImportGraph {
  readonly files: readonly string[];
  readonly imports: readonly Import[];
}

const STATEMENT_REGEXP =
  /^(?:import|export)\s+(type\s+)?(?:([^;"']*?)\s+from\s+)?["'](\.{1,2}\/[^"']+\.ts)["']/gm;
const DYNAMIC_REGEXP = /\bimport\(\s*["'](\.{1,2}\/[^"']+\.ts)["']/g;

/** Folders that are not part of what is shipped. */
const OUTSIDE = new Set(["tests", "bench", "std", "docs", "examples", "node_modules", "coverage"]);

/**
 * Reads the graph of the shipped files: no tests, benchmarks or test data.
 *
 * @param root The folder of the project, as a `file:` URL that ends with `/`.
 */
export async function readImports(root: URL): Promise<ImportGraph> {
  const files: string[] = [];
  for await (const file of sourceFiles(root, "")) files.push(file);
  files.sort();
  const imports: Import[] = [];
  for (const from of files) {
    const text = withoutComments(await Deno.readTextFile(new URL(from, root)));
    imports.push(...importsOf(from, text));
  }
  return { files, imports };
}

/** The imports of one file. */
export function importsOf(from: string, text: string): Import[] {
  const imports: Import[] = [];
  for (const [, type, names, specifier] of text.matchAll(STATEMENT_REGEXP)) {
    const isType = type !== undefined || onlyTypes(names ?? "");
    imports.push({ from, to: resolve(from, specifier!), isType });
  }
  for (const [, specifier] of text.matchAll(DYNAMIC_REGEXP)) {
    imports.push({ from, to: resolve(from, specifier!), isType: false });
  }
  return imports;
}

async function* sourceFiles(root: URL, folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder || ".", root))) {
    if (name.startsWith(".") || (folder === "" && OUTSIDE.has(name)) || name === "testdata") {
      continue;
    }
    if (isDirectory) yield* sourceFiles(root, `${folder}${name}/`);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield folder + name;
  }
}

/** Whether `{ type A, type B }` names nothing but types. */
function onlyTypes(names: string): boolean {
  const braced = /^\{([^}]*)\}$/.exec(names.trim());
  if (braced === null) return false;
  const parts = braced[1]!.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return parts.length > 0 && parts.every((part) => part.startsWith("type "));
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Examples in comments import, too, but the file does not. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, "");
}
