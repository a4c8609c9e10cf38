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

/** What the thread of a store is asked to do, one after the other. */
export type Request =
  | { readonly kind: "open"; readonly directory: string; readonly strict: boolean }
  | { readonly kind: "commit"; readonly changes: Uint8Array<ArrayBuffer> }
  | {
    readonly kind: "scan";
    readonly table: Table;
    /** The two keys, packed: views would take the whole buffer they are of along. */
    readonly range: Uint8Array<ArrayBuffer>;
    readonly limit: ScanLimit;
  }
  | { readonly kind: "get"; readonly table: Table; readonly keys: Uint8Array<ArrayBuffer> }
  | { readonly kind: "size" }
  | { readonly kind: "repair" }
  | { readonly kind: "close" };

/** What comes back, in the order of the requests; a value is of the request's kind. */
export type Answer =
  | { readonly ok: true; readonly value: AnswerValue }
  | { readonly ok: false; readonly name: string; readonly message: string };

/** Nothing, what was damaged, how large it is, or rows or values, packed. */
export type AnswerValue = null | Damage | StoreSize | Uint8Array<ArrayBuffer>;

const CLASSES: Readonly<Record<string, new (message: string) => StoreError>> = {
  StoreFullError,
  StoreGoneError,
  StoreLockedError,
  StoreVersionError,
  StoreDamagedError,
};

/** An error as it goes from thread to thread. */
export function toFailure(error: unknown): Answer {
  const { name, message } = error instanceof Error ? error : new StoreError(String(error));
  return { ok: false, name, message };
}

/** The error that it was; what is not one of a store becomes one. */
export function fromFailure({ name, message }: { name: string; message: string }): StoreError {
  return new (CLASSES[name] ?? StoreError)(message);
}
