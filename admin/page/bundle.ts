/**
 * Joins modules into one that a browser can load: the types of TypeScript are stripped, lines of
 * comments are left out, and each module becomes a function that returns what it exports. Nothing
 * is renamed, so an error in the browser shows the names of the sources.
 *
 * It takes the forms of `import` and `export` that this project uses, and rejects others.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { type Steps, STEPS_PER_LOOK } from "../time_slices.ts";

/** What is bundled. */
export interface BundleOptions {
  /** The sources by their paths, such as `client/mod.ts`. */
  readonly sources: ReadonlyMap<string, string>;
  /** The path of the module whose exports the bundle has. */
  readonly entry: string;
  /** Specifiers of modules that the browser loads itself, such as `./preact.js`. */
  readonly external?: readonly string[];
}

/** Everything that names another module. Of types, an empty list is left. */
const FROM_REGEXP = /^(?:import|export)\s+(\{[^}]*\}|\*)\s*from\s*"([^"]+)"/gm;
const EMPTY_REGEXP = /^\{\s*\}$/;
const IMPORT_REGEXP = /^import\s+(?:\{([^}]*)\}\s*from\s*)?"([^"]+)";?[ \t]*$/gm;
const EXPORT_ALL_REGEXP = /^export\s+\*\s+from\s*"([^"]+)";?[ \t]*$/gm;
const EXPORT_FROM_REGEXP = /^export\s+\{([^}]*)\}\s*from\s*"([^"]+)";?[ \t]*$/gm;
const EXPORT_LIST_REGEXP = /^export\s+\{([^}]*)\};?[ \t]*$/gm;
const EXPORT_REGEXP = /^export\s+((?:async\s+)?(?:class|function\*?|const)\s+)([\w$]+)/gm;
/** What a browser cannot load anyhow: the sockets of Node. */
const DYNAMIC_REGEXP = /\bimport\("\.[^"]+\.ts"\)/g;
const NO_SOCKETS = 'Promise.reject(new TypeError("A web page connects over ws: and wss: only"))';
const OTHER_FORM_REGEXP = /^(?:import|export)\b(?!\().*$/m;

/**
 * Joins modules, one in each step.
 *
 * @throws {TypeError} If a module is missing, modules form a circle, or one has an import or export
 * of another form.
 */
export function* bundle(options: BundleOptions): Steps<string> {
  return yield* new Bundle(options).text();
}

/** A module that is in the bundle. */
interface Joined {
  /** The name of the object with its exports. */
  readonly name: string;
  readonly exports: readonly string[];
}

class Bundle {
  readonly #options: BundleOptions;
  readonly #joined = new Map<string, Joined>();
  /** The modules that are being joined, each because of the one before it. */
  readonly #open: string[] = [];
  /** The names that are taken from each external module. */
  readonly #outside = new Map<string, Set<string>>();
  readonly #parts: string[] = [];

  constructor(options: BundleOptions) {
    this.#options = options;
  }

  *text(): Steps<string> {
    const { name, exports } = yield* this.#join(this.#options.entry);
    const imports = [...this.#outside].map(([specifier, names]) =>
      `import { ${[...names].join(", ")} } from "${specifier}";`
    );
    const last = exports.length === 0 ? "" : `export const { ${exports.join(", ")} } = ${name};`;
    return `${[...imports, ...this.#parts, last].join("\n")}\n`;
  }

  *#join(path: string): Steps<Joined> {
    const known = this.#joined.get(path);
    if (known !== undefined) return known;
    if (this.#open.includes(path)) {
      throw new TypeError(`Cannot bundle: a circle, ${[...this.#open, path].join(" -> ")}`);
    }
    const source = this.#options.sources.get(path);
    if (source === undefined) throw new TypeError(`Cannot bundle: there is no ${path}`);
    this.#open.push(path);
    const code = withoutComments(path.endsWith(".ts") ? stripTypeScriptTypes(source) : source);
    yield* rest();
    for (const [, names, specifier] of code.matchAll(FROM_REGEXP)) {
      const isMeant = !EMPTY_REGEXP.test(names!) && !this.#options.external?.includes(specifier!);
      if (isMeant) yield* this.#join(located(specifier!, path));
    }
    yield* rest();
    const { body, exports } = this.#parse(path, code);
    this.#open.pop();
    const joined = { name: `$${this.#joined.size}`, exports: [...exports.keys()] };
    this.#joined.set(path, joined);
    const list = [...exports].map(([name, value]) => name === value ? name : `${name}: ${value}`);
    this.#parts.push(`// ${path}
const ${joined.name} = (() => {
${body}
return { ${list.join(", ")} };
})();`);
    return joined;
  }

  /** Takes the imports and exports out of a module; what it imports is joined already. */
  #parse(path: string, code: string): { body: string; exports: Map<string, string> } {
    /** Expressions by the names under which they are exported. */
    const exports = new Map<string, string>();
    const heads: string[] = [];
    const joinedOf = (specifier: string) => this.#joined.get(located(specifier, path))!;
    const body = code
      .replace(IMPORT_REGEXP, (_, names: string | undefined, specifier: string) => {
        const pairs = pairsOf(names ?? "");
        if (this.#options.external?.includes(specifier)) this.#takeFrom(specifier, pairs);
        else if (pairs.length > 0) {
          const taken = pairs.map(([name, alias]) => name === alias ? name : `${name}: ${alias}`);
          heads.push(`const { ${taken.join(", ")} } = ${joinedOf(specifier).name};\n`);
        }
        return "";
      })
      .replace(EXPORT_ALL_REGEXP, (_, specifier: string) => {
        const { name, exports: all } = joinedOf(specifier);
        for (const one of all) exports.set(one, `${name}.${one}`);
        return "";
      })
      .replace(EXPORT_FROM_REGEXP, (_, names: string, specifier: string) => {
        for (const [one, alias] of pairsOf(names)) {
          exports.set(alias, `${joinedOf(specifier).name}.${one}`);
        }
        return "";
      })
      .replace(EXPORT_LIST_REGEXP, (_, names: string) => {
        for (const [name, alias] of pairsOf(names)) exports.set(alias, name);
        return "";
      })
      .replace(EXPORT_REGEXP, (_, kind: string, name: string) => {
        exports.set(name, name);
        return `${kind}${name}`;
      })
      .replace(DYNAMIC_REGEXP, () => NO_SOCKETS);
    const [other] = OTHER_FORM_REGEXP.exec(body) ?? [];
    if (other !== undefined) throw new TypeError(`Cannot bundle ${path}: ${other.slice(0, 100)}`);
    return { body: `${heads.join("")}${body.trim()}`, exports };
  }

  #takeFrom(specifier: string, pairs: readonly (readonly [string, string])[]): void {
    const names = this.#outside.get(specifier) ?? new Set();
    this.#outside.set(specifier, names);
    for (const [name, alias] of pairs) names.add(name === alias ? name : `${name} as ${alias}`);
  }
}

/** A step here takes long, so it is a slice of time by itself. */
function* rest(): Steps<void> {
  for (let i = 0; i < STEPS_PER_LOOK; i++) yield;
}

/** The path of a module, as another one names it. */
function located(specifier: string, from: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** `a, b as c` as pairs of names. */
function pairsOf(names: string): [string, string][] {
  const all = names.split(",").map((one) => one.trim()).filter((one) => one !== "");
  return all.map((one) => {
    const [name = "", alias = name] = one.split(/\s+as\s+/);
    return [name, alias];
  });
}

/**
 * Leaves out the lines that are nothing but a comment, and empty ones. A source must not have lines
 * that look like that in a template.
 */
function withoutComments(code: string): string {
  const kept: string[] = [];
  let isComment = false;
  for (const line of code.split("\n")) {
    const text = line.trim();
    // A line with code behind its comment stays, such as a cast in JSDoc.
    const end = text.indexOf("*/");
    if (text.startsWith("/*") && (end < 0 || end + 2 === text.length)) isComment = true;
    if (!isComment && text !== "" && !text.startsWith("//")) kept.push(line.trimEnd());
    if (text.endsWith("*/")) isComment = false;
  }
  return kept.join("\n");
}
