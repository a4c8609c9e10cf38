/** Who has sent a request to the admin listener, and what they may do. */

/** What a caller may do: look, or change things too. */
export type Scope = "read" | "write";

/** Who has sent a request. */
export interface Caller {
  /** The name of the token or of the account; `""` for nobody that is known. */
  readonly name: string;
  /** `null` for a caller that may not even look. */
  readonly scope: Scope | null;
  /** Where it connects from. */
  readonly address: string;
}

/** Whether a caller may do what takes a scope. */
export function mayDo({ scope }: Caller, needed: Scope | null): boolean {
  return needed === null || scope === "write" || scope === needed;
}
