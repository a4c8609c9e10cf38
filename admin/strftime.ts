/** Formats times by the patterns of the C function strftime. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** Formats that stand for several others. */
const COMPOUNDS: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  R: "%H:%M",
  r: "%I:%M:%S %p",
  T: "%H:%M:%S",
  X: "%H:%M:%S",
  x: "%m/%d/%y",
};

/** The text for each letter after a `%`. */
const PARTS: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  A: (date) => DAYS[date.getDay()]!,
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  C: (date) => padded(Math.floor(date.getFullYear() / 100)),
  d: (date) => padded(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2, " "),
  H: (date) => padded(date.getHours()),
  h: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  I: (date) => padded((date.getHours() + 11) % 12 + 1),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  M: (date) => padded(date.getMinutes()),
  m: (date) => padded(date.getMonth() + 1),
  n: () => "\n",
  p: (date) => date.getHours() < 12 ? "AM" : "PM",
  S: (date) => padded(date.getSeconds()),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  t: () => "\t",
  u: (date) => String(date.getDay() || 7),
  w: (date) => String(date.getDay()),
  Y: (date) => String(date.getFullYear()),
  y: (date) => padded(date.getFullYear() % 100),
  z: (date) => offsetOf(date),
};

/**
 * Formats a time like the C function of this name, in English and in the time zone of the machine.
 * Unknown formats stay as they are.
 */
export function strftime(format: string, date: Date): string {
  const plain = format.replace(/%([cDFRrTXx])/g, (_, letter) => COMPOUNDS[letter]!);
  return plain.replace(/%(.)/g, (whole, letter) => PARTS[letter]?.(date) ?? whole);
}

function padded(number: number): string {
  return String(number).padStart(2, "0");
}

function dayOfYear(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (midnight - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000;
}

function offsetOf(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${padded(Math.floor(size / 60))}${padded(size % 60)}`;
}
