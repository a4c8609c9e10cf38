/**
 * The fields of a request, in its query or in a JSON body: parsing, errors, and their description
 * in the OpenAPI file.
 *
 * @module
 */
import { RequestError } from "./request_error.ts";

/** The type and the range of a field. */
export interface Field {
  readonly type: "string" | "integer" | "number" | "boolean" | "object" | "array";
  readonly description: string;
  /** Whether the request must have it. */
  readonly required?: boolean;
  /** The allowed words; any text by default. */
  readonly words?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly lengthMax?: number;
  /** The default value. */
  readonly initial?: string | number | boolean;
}

/** Fields by their names. */
export type Fields = Readonly<Record<string, Field>>;

/** The values of the fields that were given. */
export type Values = Readonly<Record<string, unknown>>;

/** The maximum length of a text, unless the field sets another one, in characters. */
const LENGTH_MAX = 65_535;

/**
 * Reads query parameters.
 *
 * @throws {RequestError} 400, naming the parameter, if one is unknown, missing or wrong.
 */
export function readQuery(query: URLSearchParams, fields: Fields): Values {
  const given: Record<string, unknown> = {};
  for (const [name, text] of query) {
    if (!Object.hasOwn(fields, name)) throw unknown("query parameter", name, fields);
    if (Object.hasOwn(given, name)) throw new RequestError(400, `"${name}" is given twice`, name);
    given[name] = ofText(text, fields[name]!);
  }
  return readFields(given, fields, "query parameter");
}

/**
 * Checks the fields of a body.
 *
 * @throws {RequestError} 400, naming the field, if one is unknown, missing or wrong.
 */
export function readFields(given: Values, fields: Fields, what: string = "field"): Values {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) throw unknown(what, name, fields);
  }
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = given[name] ?? field.initial;
    if (value === undefined) {
      if (field.required) {
        throw new RequestError(400, `The ${what} "${name}" is missing: ${expected(field)}`, name);
      }
      continue;
    }
    if (!fits(value, field)) {
      const text = typeof value === "string" ? `"${value.slice(0, 100)}"` : typeof value;
      const shown = typeof value === "number" || typeof value === "boolean" ? `${value}` : text;
      throw new RequestError(400, `"${name}" expects ${expected(field)}, not ${shown}`, name);
    }
    values[name] = value;
  }
  return values;
}

/** The JSON Schema of a field. */
export function schemaOf(field: Field): Record<string, unknown> {
  const { type, words, minimum, maximum, lengthMax, initial, description } = field;
  return {
    type,
    description,
    ...type === "array" ? { items: { type: "object" } } : {},
    ...words === undefined ? {} : { enum: words },
    ...minimum === undefined ? {} : { minimum },
    ...maximum === undefined ? {} : { maximum },
    ...type !== "string" || words !== undefined ? {} : { maxLength: lengthMax ?? LENGTH_MAX },
    ...initial === undefined ? {} : { default: initial },
  };
}

function ofText(text: string, { type }: Field): unknown {
  if (type === "integer" || type === "number") {
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  }
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

function fits(value: unknown, field: Field): boolean {
  const { type, words, minimum = -Infinity, maximum = Infinity, lengthMax = LENGTH_MAX } = field;
  if (type === "integer" || type === "number") {
    const isNumber = type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value);
    return isNumber && (value as number) >= minimum && (value as number) <= maximum;
  }
  if (type === "object") {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }
  if (type === "array") return Array.isArray(value);
  if (type === "boolean") return typeof value === "boolean";
  if (typeof value !== "string") return false;
  return words === undefined ? value.length <= lengthMax : words.includes(value);
}

function expected({ type, words, minimum, maximum, lengthMax }: Field): string {
  if (words !== undefined) return words.join(" or ");
  switch (type) {
    case "boolean":
      return "true or false";
    case "object":
      return "an object";
    case "array":
      return "a list";
    case "string":
      return lengthMax === undefined ? "a text" : `a text of ${lengthMax} characters at most`;
    default: {
      const kind = type === "integer" ? "a whole number" : "a number";
      if (maximum !== undefined) return `${kind} from ${minimum ?? 0} to ${maximum}`;
      return minimum === undefined ? kind : `${kind} of ${minimum} or more`;
    }
  }
}

function unknown(what: string, name: string, fields: Fields): RequestError {
  const known = Object.keys(fields);
  const right = known.length === 0 ? "there are none here" : `known are ${known.join(", ")}`;
  return new RequestError(400, `Unknown ${what} "${name.slice(0, 100)}": ${right}`, name);
}
