/**
 * Formats times for `sub.ts`, in the time zone of the machine.
 *
 * @module
 */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];

function digits(value: number, width = 2): string {
  return `${value}`.padStart(width, "0");
}

/** The value for each letter after `@`, as in strftime(3). */
const PARTS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getDay()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  d: (date) => digits(date.getDate()),
  D: (date) => `${timePart("m", date)}/${timePart("d", date)}/${timePart("y", date)}`,
  F: (date) => `${timePart("Y", date)}-${timePart("m", date)}-${timePart("d", date)}`,
  H: (date) => digits(date.getHours()),
  I: (date) => digits((date.getHours() + 11) % 12 + 1),
  m: (date) => digits(date.getMonth() + 1),
  M: (date) => digits(date.getMinutes()),
  // Not in strftime: nanoseconds. The clock has milliseconds.
  N: (date) => `${digits(date.getMilliseconds(), 3)}000000`,
  p: (date) => date.getHours() < 12 ? "AM" : "PM",
  s: (date) => `${Math.floor(date.getTime() / 1000)}`,
  S: (date) => digits(date.getSeconds()),
  T: (date) => `${timePart("H", date)}:${timePart("M", date)}:${timePart("S", date)}`,
  y: (date) => digits(date.getFullYear() % 100),
  Y: (date) => `${date.getFullYear()}`,
  z: (date) => {
    const minutes = Math.abs(date.getTimezoneOffset());
    const sign = date.getTimezoneOffset() > 0 ? "-" : "+";
    return `${sign}${digits(Math.floor(minutes / 60))}${digits(minutes % 60)}`;
  },
};

/** A part of a date, by its letter in strftime(3); `null` if the letter is unknown. */
export function timePart(letter: string, date: Date): string | null {
  return Object.hasOwn(PARTS, letter) ? PARTS[letter]!(date) : null;
}

/** The letters of {@linkcode timePart}. */
export const TIME_LETTERS: string = Object.keys(PARTS).join("");

/** ISO 8601, such as `2016-08-10T09:47:38+0100`. */
export function isoTime(date: Date): string {
  return `${timePart("F", date)}T${timePart("T", date)}${timePart("z", date)}`;
}

/** ISO 8601 with microseconds, as in JSON. */
export function isoTimeMicros(date: Date): string {
  const micros = `${digits(date.getMilliseconds(), 3)}000`;
  return `${timePart("F", date)}T${timePart("T", date)}.${micros}${timePart("z", date)}`;
}

/** Seconds since 1970 with nanoseconds, such as `1470818943.786000000`. */
export function unixTime(date: Date): string {
  return `${timePart("s", date)}.${timePart("N", date)}`;
}
