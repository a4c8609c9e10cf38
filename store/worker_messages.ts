/** The messages between a store and its worker. */
import {
  type Damage,
  type ScanLimit,
  StoreDamagedError,
  StoreError,
  StoreFullError,
  StoreGoneError,
  StoreLockedError,
  type StoreSize,
  StoreVersionError,
  type Table,
} from "./store.ts";

/** The requests to the worker of a store, which it handles in order. */
export type Request =
  | { readonly kind: "open"; readonly directory: string; readonly strict: boolean }
  | { readonly kind: "commit"; readonly changes: Uint8Array<ArrayBuffer> }
  | {
    readonly kind: "scan";
    readonly table: Table;
    /** The two keys, packed. Views would copy the whole buffer behind them. */
    readonly range: Uint8Array<ArrayBuffer>;
    readonly limit: ScanLimit;
  }
  | { readonly kind: "get"; readonly table: Table; readonly keys: Uint8Array<ArrayBuffer> }
  | { readonly kind: "size" }
  | { readonly kind: "repair" }
  | { readonly kind: "close" };

/**
 * The answers, in the order of the requests. The kind of the request decides the kind of the value.
 */
export type Answer =
  | { readonly ok: true; readonly value: AnswerValue }
  | { readonly ok: false; readonly name: string; readonly message: string };

/** Values that are passed on as they are, each in its own buffer. */
export type LargeValues = (Uint8Array<ArrayBuffer> | null)[];

/**
 * `null`, the damage, the size, packed rows or values, large values, or the changes of a commit, whose
 * buffer is used again.
 */
export type AnswerValue = null | Damage | StoreSize | Uint8Array<ArrayBuffer> | LargeValues;

const CLASSES: Readonly<Record<string, new (message: string) => StoreError>> = {
  StoreFullError,
  StoreGoneError,
  StoreLockedError,
  StoreVersionError,
  StoreDamagedError,
};

/** Turns an error into a message between threads. */
export function toFailure(error: unknown): Answer {
  const { name, message } = error instanceof Error ? error : new StoreError(String(error));
  return { ok: false, name, message };
}

/** Turns a message back into the error. An error of another kind becomes a `StoreError`. */
export function fromFailure({ name, message }: { name: string; message: string }): StoreError {
  return new (CLASSES[name] ?? StoreError)(message);
}
