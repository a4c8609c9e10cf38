/** A small change to Fairway that breaks a rule, and the tests that must notice. */
export interface Mutant {
  /** The rule that is broken. */
  rule: string;
  /** The file that is changed, as seen from the root of the repository. */
  file: string;
  /** What is there exactly once. */
  find: string;
  /** What takes its place. */
  replace: string;
  /** Files in `tests/spec/` with a test that fails then. */
  tests: string[];
  /** Files elsewhere with such a test, as seen from the root: for rules that MQTT does not know. */
  others?: string[];
}

/** Puts the mutant's text in place. */
export function mutate(source: string, { file, find, replace, rule }: Mutant): string {
  const count = source.split(find).length - 1;
  if (count !== 1) {
    const fault = `Mutant "${rule}" has nothing to change: ${file} has its text ${count} times`;
    throw new Error(`${fault}. Say in tests/spec/mutants/ how the rule is broken now: ${find}`);
  }
  return source.replace(find, () => replace);
}
