import { AclAccess, AclTrie, type Named } from "./acl_trie.ts";
import { FileFaultError, type LineFault, linesOf, PAGE_LINES } from "./file_errors.ts";
import { toEnd, toEndInTurns } from "./in_turns.ts";

/** The words for access in a file. */
const ACCESS: ReadonlyMap<string, number> = new Map([
  ["read", AclAccess.read],
  ["write", AclAccess.write],
  ["readwrite", AclAccess.read | AclAccess.write],
  ["deny", AclAccess.deny],
]);

/** A topic filter has at most so many bytes; three are the most for a UTF-16 unit. */
const FILTER_BYTES_MAX = 65_535;

/** The rules of an ACL file: of each user, of clients without a user name, and for everybody. */
export class AclRules {
  /** By the user name with a slash in front, as no peer may choose a key that is a numeral. */
  readonly #users = new Map<string, AclTrie>();
  readonly #anonymous = new AclTrie();
  readonly #patterns = new AclTrie();

  /**
   * Reads the rules.
   *
   * @param path What the text is called in messages.
   * @throws {FileFaultError} If any line is wrong.
   */
  static parse(text: string, path: string): AclRules {
    return toEnd(AclRules.#read(text, path));
  }

  /** The same, page by page: with very many lines others have their turn meanwhile. */
  static parseInTurns(text: string, path: string): Promise<AclRules> {
    return toEndInTurns(AclRules.#read(text, path));
  }

  static *#read(text: string, path: string): Generator<void, AclRules, void> {
    const rules = new AclRules();
    const faults: LineFault[] = [];
    let section = rules.#anonymous;
    for (const [index, line] of linesOf(text).entries()) {
      if (index % PAGE_LINES === PAGE_LINES - 1) yield;
      const [word, rest] = firstWord(line.trim());
      if (word === "" || word.startsWith("#")) continue;
      const fault = (text: string) => void faults.push({ line: index + 1, text });
      if (word === "user") {
        if (rest === "") fault('user name is missing after "user"');
        else section = rules.#section(rest);
      } else if (word === "topic" || word === "pattern") {
        const isPattern = word === "pattern";
        const rule = parseRule(word, rest);
        if (typeof rule === "string") fault(rule);
        else (isPattern ? rules.#patterns : section).add(rule.filter, rule.access, isPattern);
      } else fault(`unknown word "${word}": expected user, topic, pattern, or # and a comment`);
    }
    if (faults.length > 0) throw new FileFaultError(path, faults);
    return rules;
  }

  /**
   * Whether a client may do something with a topic.
   *
   * Its own rules come first; patterns are asked where those have no word on it.
   *
   * @param access `AclAccess.read` or `AclAccess.write`.
   */
  allows(client: Named, topic: string, access: number): boolean {
    const { username, clientId } = client;
    const own = username === null ? this.#anonymous : this.#users.get(`/${username}`);
    if (own !== undefined) {
      const found = own.match(topic, client);
      if ((found & AclAccess.deny) !== 0) return false;
      if ((found & access) !== 0) return true;
    }
    if (hasWildcard(clientId) || (username !== null && hasWildcard(username))) return false;
    const found = this.#patterns.match(topic, client);
    return (found & AclAccess.deny) === 0 && (found & access) !== 0;
  }

  #section(username: string): AclTrie {
    const key = `/${username}`;
    let section = this.#users.get(key);
    if (section === undefined) this.#users.set(key, section = new AclTrie());
    return section;
  }
}

/** Reads what follows `topic` or `pattern`; says what is wrong with it. */
function parseRule(word: string, rest: string): { filter: string; access: number } | string {
  if (rest === "") return `topic is missing after "${word}"`;
  const [first, topic] = firstWord(rest);
  // A single word is the topic, even if it is "read".
  const filter = topic === "" ? first : topic;
  const access = topic === "" ? AclAccess.read | AclAccess.write : ACCESS.get(first);
  if (access === undefined) {
    return `unknown access "${first}": expected read, write, readwrite or deny; ` +
      "a topic with spaces needs one of them in front";
  }
  const fault = filterFault(filter);
  return fault === null ? { filter, access } : `topic "${filter}" is not valid: ${fault}`;
}

/** The first word of a trimmed text, and what follows it. */
function firstWord(text: string): [word: string, rest: string] {
  const end = text.search(/\s/);
  return end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end).trimStart()];
}

function filterFault(filter: string): string | null {
  if (filter.length * 3 > FILTER_BYTES_MAX) {
    const bytes = new TextEncoder().encode(filter).length;
    if (bytes > FILTER_BYTES_MAX) return `it has ${bytes} bytes, of at most ${FILTER_BYTES_MAX}`;
  }
  const levels = filter.split("/");
  for (const [index, level] of levels.entries()) {
    if (level.length > 1 && level.includes("+")) return "+ must stand alone between slashes";
    if (!level.includes("#")) continue;
    if (level.length > 1) return "# must stand alone after a slash";
    if (index < levels.length - 1) return "# must come last";
  }
  return null;
}

/** No client may have more by its name than what the pattern is meant to give. */
function hasWildcard(name: string): boolean {
  return name.includes("+") || name.includes("#");
}
