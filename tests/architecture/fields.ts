/**
 * Finds public fields that are not readonly and that other files write.
 *
 * The source is read as text: a write through a name in a file that imports the class counts for
 * each class with a field of this name. So it finds most writes, and some of another class.
 *
 * @module
 */
import type { ImportGraph } from "./imports.ts";

/** A public field that another file writes. */
export interface SharedField {
  /** The file of its class. */
  readonly file: string;
  /** The class and the field, such as `Session.will`. */
  readonly name: string;
  /** The files that write it. */
  readonly writers: readonly string[];
  /** Whether the comment of the field or of its class says who writes it, or why it is public. */
  readonly isExplained: boolean;
}

const CLASS_REGEXP = /((?:\/\*\*(?:(?!\*\/)[^])*\*\/\n)?)^(?:export )?class (\w+)[^]*?^\}/gm;
const FIELD_REGEXP =
  /((?:^ {2}\/\*\*(?:(?!\*\/)[^])*\*\/\n)?)^ {2}(?!readonly |static |private |get |set |override )([a-z]\w*)!?(?:: [^=\n(]*[^\n]*| = [^\n]*);$/gm;
const PARAMETER_REGEXP = /\bpublic (?!readonly )(\w+)/g;
/** `a.b.name = …`, `+=`, `++` and the like, but not `this.name`. */
const WRITE_REGEXP =
  /(?:([\w$#)\]!?.]+)\.([a-z]\w*)\s*(?:=(?![=>])|[-+|]=|\?\?=|\+\+|--)|(?:\+\+|--)([\w$#!?.]+)\.([a-z]\w*))/g;
/** Words that say who writes a field, or why it is public. */
const REASON_REGEXP =
  /\b(?:public|mutable|readonly)\b|\b(?:set|written|filled|counted) by\b|\b(?:sets|counts) (?:it|them|this field)\b/i;

/** A public field of a class that is not readonly. */
interface Field {
  readonly file: string;
  readonly owner: string;
  readonly name: string;
  readonly isExplained: boolean;
}

/**
 * The public fields of all classes that other files write.
 *
 * @param sources The source of each file.
 */
export function sharedFields(
  { imports }: ImportGraph,
  sources: ReadonlyMap<string, string>,
): SharedField[] {
  const fields = [...sources].flatMap(([file, source]) => fieldsOf(file, source));
  const owners = Map.groupBy(fields, ({ name }) => name);
  const writers = new Map<Field, Set<string>>();
  for (const [from, files] of Map.groupBy(imports, ({ from }) => from)) {
    const imported = new Set(files.map(({ to }) => to));
    for (const { receiver, name } of writesOf(sources.get(from)!)) {
      const candidates = (owners.get(name) ?? []).filter(({ file }) => imported.has(file));
      // `message.place` is a field of Message, if a Message has one.
      const named = candidates.filter(({ owner }) => owner.toLowerCase() === receiver);
      for (const field of named.length > 0 ? named : candidates) {
        writers.set(field, (writers.get(field) ?? new Set()).add(from));
      }
    }
  }
  return [...writers].map(([{ file, owner, name, isExplained }, files]) => {
    return { file, name: `${owner}.${name}`, writers: [...files].sort(), isExplained };
  });
}

function fieldsOf(file: string, source: string): Field[] {
  const fields: Field[] = [];
  for (const [body, comment, owner] of source.matchAll(CLASS_REGEXP)) {
    const own = [...body.matchAll(FIELD_REGEXP)].map(([, text, name]) => [name!, text!]);
    const parameters = [...body.matchAll(PARAMETER_REGEXP)].map(([, name]) => [name!, ""]);
    for (const [name, text] of [...own, ...parameters]) {
      const words = `${comment} ${text}`.replaceAll(/\s+(?:\* )?/g, " ");
      const isExplained = REASON_REGEXP.test(words);
      fields.push({ file, owner: owner!, name: name!, isExplained });
    }
  }
  return fields;
}

/** The fields that a file writes, of objects other than `this`; the receiver in lower case. */
function writesOf(source: string): { receiver: string; name: string }[] {
  const code = source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
  const writes: { receiver: string; name: string }[] = [];
  for (const [, receiver, name, counted, countedName] of code.matchAll(WRITE_REGEXP)) {
    const path = receiver ?? counted!;
    if (path === "this") continue;
    const last = path.split(".").at(-1)!.replaceAll(/[#!?]/g, "").toLowerCase();
    writes.push({ receiver: last, name: name ?? countedName! });
  }
  return writes;
}
