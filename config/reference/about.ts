/** What a word of the configuration is for, as the reference has it. */

/** What a word is for. */
export interface About {
  /** What it does, in Markdown. */
  readonly text: string;
  /** What holds when it is not given, where the table of options has no default; in Markdown. */
  readonly unset?: string;
  /** What its value is, for words whose values the table of options does not have; in Markdown. */
  readonly value?: string;
}

/** Words about one subject. */
export interface Subject {
  readonly title: string;
  /** What is said before the table, in Markdown. */
  readonly intro?: string;
  readonly words: Readonly<Record<string, About>>;
}

/** About a word that may be given several times. */
export const MANY = "Several lines are possible.";
/** About a word of mosquitto 2.1. */
export const AS_2_1 = "As in mosquitto 2.1.";
