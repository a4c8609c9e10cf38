/** `fairway_retain_expiry`: how long retained messages stay, and which. */
import { type RetainExpiryRule, retainFilterFault } from "../../broker/base/retain_expiry.ts";
import { type Kind, span } from "./kinds.ts";

/** A span of time, or `never`, and a topic filter. */
export const retainExpiry: Kind<RetainExpiryRule> = {
  expects: "a time such as 7d, or never, and a topic filter, such as 7d sensors/#",
  isOneWord: false,
  parse: (text) => {
    const [, time, filter] = /^(\S+)\s+(\S.*)$/.exec(text) ?? [];
    if (time === undefined || filter === undefined) return undefined;
    if (retainFilterFault(filter) !== null) return undefined;
    const ms = time === "never" ? 0 : span.parse(time);
    return ms === undefined ? undefined : { filter, seconds: ms / 1000 };
  },
  print: ({ filter, seconds }) => {
    return `${seconds === 0 ? "never" : span.print(seconds * 1000)} ${filter}`;
  },
};
