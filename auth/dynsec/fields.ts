/** Reads the fields of a JSON object whose names are compared as mosquitto does, in any case. */
import { TOPIC_CHARS_MAX } from "./limits.ts";
import { topicFilterFault } from "../../router/topic.ts";
import { ACL_TYPES, type AclType, withinPriorities } from "./model.ts";

/** A fault of a command, or of a document, in words for whoever sent it. */
export class FieldError extends Error {
  /** As every error has it. */
  override readonly name: string = "FieldError";
}

/** The fields of one JSON object. `null` counts as a wrong value, not as a missing one. */
export class Fields {
  readonly #values = new Map<string, unknown>();

  constructor(object: Readonly<Record<string, unknown>>) {
    for (const [name, value] of Object.entries(object)) {
      const key = name.toLowerCase();
      if (!this.#values.has(key)) this.#values.set(key, value);
    }
  }

  /** The fields of a value, if it is an object. */
  static of(value: unknown): Fields | null {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? new Fields(value as Record<string, unknown>) : null;
  }

  /** The same without some fields. */
  without(names: readonly string[]): Fields {
    const others = [...this.#values].filter(([name]) => !names.includes(name));
    return new Fields(Object.fromEntries(others));
  }

  /** Whether there is a field. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of a field; `undefined` if it is missing. */
  get(name: string): unknown {
    return this.#values.get(name);
  }

  /**
   * A text that must be there.
   *
   * @throws {FieldError} If it is missing, no text, or too long.
   */
  text(name: string, charsMax: number): string {
    const text = this.#values.get(name);
    if (typeof text !== "string") throw new FieldError(`Invalid/missing ${name}`);
    return checkText(name, text, charsMax);
  }

  /**
   * A text that may be missing.
   *
   * @throws {FieldError} If it is there and no text, or too long.
   */
  optionalText(name: string, charsMax: number): string | null {
    return this.has(name) ? this.text(name, charsMax) : null;
  }

  /**
   * A yes or no.
   *
   * @throws {FieldError} If it is there and neither.
   */
  flag(name: string, initial: boolean): boolean {
    const flag = this.#values.get(name) ?? initial;
    if (typeof flag !== "boolean") throw new FieldError(`Invalid ${name}`);
    return flag;
  }

  /**
   * A number.
   *
   * @throws {FieldError} If it is there and none.
   */
  number(name: string, initial: number): number {
    const number = this.#values.get(name) ?? initial;
    if (typeof number !== "number" || !Number.isFinite(number)) {
      throw new FieldError(`Invalid ${name}`);
    }
    return Math.trunc(number);
  }

  /** A priority within its bounds. */
  priority(initial: number): number {
    return withinPriorities(this.number("priority", initial));
  }

  /**
   * The objects of a list.
   *
   * @returns `null` if there is no list.
   * @throws {FieldError} If the field is there and no list, the list is longer than `max`, or
   * something in it is no object.
   */
  list(name: string, max: number): Fields[] | null {
    const list = this.#values.get(name);
    if (list === undefined) return null;
    if (!Array.isArray(list)) throw new FieldError(`Invalid ${name}: it is not an array`);
    if (list.length > max) throw new FieldError(`Too many ${name}: at most ${max}`);
    return list.map((value: unknown) => {
      const fields = Fields.of(value);
      if (fields === null) throw new FieldError(`Invalid ${name}: it has something but objects`);
      return fields;
    });
  }

  /**
   * The type of an ACL.
   *
   * @throws {FieldError} If it is missing or unknown.
   */
  aclType(): AclType {
    const given = this.#values.get("acltype");
    if (typeof given !== "string") throw new FieldError("Invalid/missing acltype");
    const type = ACL_TYPES.find((known) => known.toLowerCase() === given.toLowerCase());
    if (type === undefined) throw new FieldError("Unknown acltype");
    return type;
  }

  /**
   * The topic of an ACL.
   *
   * @throws {FieldError} If it is missing or no topic filter.
   */
  aclTopic(): string {
    const topic = this.text("topic", TOPIC_CHARS_MAX);
    if (topicFilterFault(topic) !== null) throw new FieldError("Invalid ACL topic");
    return topic;
  }
}

function checkText(name: string, text: string, charsMax: number): string {
  if (text.length > charsMax) {
    throw new FieldError(`Invalid ${name}: it has more than ${charsMax} characters`);
  }
  // Neither could stand in an MQTT packet, nor would it be the same after it was stored.
  if (!text.isWellFormed() || text.includes("\0")) {
    throw new FieldError(`Invalid ${name}: it is not valid UTF-8, or has U+0000`);
  }
  return text;
}
