/** Numbers, sizes and times as people read them. */

const PLAIN = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const TENTHS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const SMALL = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 });

/** A whole number, with separators: 12,345. */
export function count(value) {
  return PLAIN.format(value ?? 0);
}

/** A number of any size, in short: 12.3K. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 10 && !Number.isInteger(value)) return SMALL.format(value);
  return Math.abs(value) < 10_000 ? PLAIN.format(value) : SHORT.format(value);
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** Bytes: 1.2 MB. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 100 ? TENTHS.format(value) : Math.round(value)} ${UNITS[unit]}`;
}

/** Milliseconds: 0.42 ms. */
export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 10 ? TENTHS.format(value) : SMALL.format(value)} ms`;
}

/** How long a time of ISO 8601, or in milliseconds, is ago: 3 h 12 min. */
export function since(time, nowMs = Date.now()) {
  return duration((nowMs - new Date(time).getTime()) / 1000);
}

/** Seconds as the two largest units. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The time of day. */
export function clock(time) {
  return new Date(time).toLocaleTimeString("en-GB");
}

/** The time of day with milliseconds. */
export function exactClock(time) {
  const date = new Date(time);
  return `${date.toLocaleTimeString("en-GB")}.${`${date.getMilliseconds()}`.padStart(3, "0")}`;
}

/** Date and time. */
export function dateTime(time) {
  return time === null ? "never" : new Date(time).toLocaleString("en-GB");
}

/** A Reason Code: 0x98. */
export function reason(code) {
  return `0x${code.toString(16).padStart(2, "0")}`;
}

/** A hue for a text, always the same one. */
export function hueOf(text) {
  let hash = 7;
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) >>> 0;
  return (hash * 137) % 360;
}
