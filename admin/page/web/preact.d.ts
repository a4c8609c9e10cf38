/** What the page uses of preact and htm, for the type check of its scripts. */
// deno-lint-ignore-file no-explicit-any -- what the page shows comes from JSON, whose shape is not checked

/** What a component returns. */
export type Shown = unknown;

/** Shows something in an element of the document. */
export function render(what: Shown, parent: object): void;

/** Makes something to show of markup. The names of its components and attributes are not checked. */
export function html(texts: TemplateStringsArray, ...values: unknown[]): Shown;

/** A value that is kept from one call of a component to the next. One that begins as `null` may be any. */
export function useState(initial: null): [any, (next: any) => void];
export function useState<T>(
  initial: T | (() => T),
): [T, (next: T | ((before: T) => T)) => void];

/** Does something after a component was shown, if one of `inputs` has changed; what it returns ends it. */
export function useEffect(act: () => void | (() => void), inputs?: readonly unknown[]): void;

/** A place that is kept, such as for an element of the document. One that begins as `null` may be any. */
export function useRef(initial: null): { current: any };
export function useRef<T>(initial: T): { current: T };
