/** Recognizes IP addresses and blocks of them. */
import { isIP } from "node:net";

/** Whether the text is an IP address, or an address block such as `10.0.0.0/8`. */
export function isAddressBlock(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return isIP(text) !== 0;
  const version = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (version === 0 || !/^\d{1,3}$/.test(bits)) return false;
  return Number(bits) <= (version === 4 ? 32 : 128);
}
