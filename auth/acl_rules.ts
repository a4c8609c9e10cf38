/** The rules of an ACL file, by the users that they are for. */
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

/** The most bytes of a topic filter. A UTF-16 unit takes at most three bytes. */
const FILTER_BYTES_MAX = 65_535;

/** The rules of an ACL file: of each user, of clients without a user name, and for everybody. */
export class AclRules {
  /**
   * By the user name with a slash in front, so that a peer cannot choose a key that is a numeral.
   */
  readonly #users = new Map<string, AclTrie>();
  readonly #anonymous = new AclTrie();
  readonly #patterns = new AclTrie();

  /**
   * Reads the rules.
   *
   * @param path The name of the text in messages.
   * @throws {FileFaultError} If any line is wrong.
   */
  static parse(text: string, path: string): AclRules {
    return toEnd(AclRules.#read(text, path));
  }

  /**
   * The same in turns: the event loop runs between pages of lines, so a very long file holds up
   * nobody.
   */
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
   * The client's own rules are checked first. If none of them matches, the patterns are checked.
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

/** Reads what follows `topic` or `pattern`. Returns a string that says what is wrong, if it is. */
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

/** A name with a wildcard must not match more than the pattern is meant to allow. */
function hasWildcard(name: string): boolean {
  return name.includes("+") || name.includes("#");
}
