import { assertEquals, assertMatch } from "@std/assert";
import { strftime } from "./strftime.ts";

const DATE = new Date(2026, 2, 5, 13, 4, 9);

for (
  const [format, expected] of [
    ["%Y-%m-%dT%H:%M:%S", "2026-03-05T13:04:09"],
    ["%F %T", "2026-03-05 13:04:09"],
    ["%D %R", "03/05/26 13:04"],
    ["%a %A %b %B %h", "Thu Thursday Mar March Mar"],
    ["%e|%j|%C|%y", " 5|064|20|26"],
    ["%I %p %r", "01 PM 01:04:09 PM"],
    ["%u %w", "4 4"],
    ["%c", "Thu Mar  5 13:04:09 2026"],
    ["%x %X", "03/05/26 13:04:09"],
    ["100%% %n%t|", "100% \n\t|"],
    ["%s", String(DATE.getTime() / 1000)],
    ["%Q and %", "%Q and %"],
    ["no marks", "no marks"],
  ] as const
) {
  Deno.test(`strftime() writes ${format}`, () => {
    assertEquals(strftime(format, DATE), expected);
  });
}

Deno.test("strftime() writes midnight and noon as twelve, and Sunday as the seventh day", () => {
  assertEquals(strftime("%I %p", new Date(2026, 0, 1, 0)), "12 AM");
  assertEquals(strftime("%I %p", new Date(2026, 0, 1, 12)), "12 PM");
  assertEquals(strftime("%u %w", new Date(2026, 2, 8)), "7 0");
  assertEquals(strftime("%j", new Date(2028, 11, 31)), "366");
});

Deno.test("strftime() writes the offset of the time zone", () => {
  assertMatch(strftime("%z", DATE), /^[+-]\d{4}$/);
});
