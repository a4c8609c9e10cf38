/**
 * Which room a file belongs to, and which rooms it may use.
 *
 * @module
 */
import type { Import, ImportGraph } from "./imports.ts";

/**
 * The floors of the house, the top one first. A room may use the rooms of the floors below it, and
 * nothing else. Rooms of one floor do not use each other.
 */
const FLOORS: readonly (readonly string[])[] = [
  ["server.ts"],
  ["server"],
  ["cli"],
  ["mod.ts"],
  ["admin"],
  ["config/reference"],
  ["config/effect"],
  ["config/parser"],
  ["config/options"],
  ["config/errors"],
  ["bridge", "cluster"],
  ["broker"],
  ["broker/listen"],
  ["broker/connection"],
  ["broker/durable"],
  ["broker/stream"],
  ["broker/session"],
  ["broker/delivery"],
  ["broker/limits"],
  ["broker/base"],
  ["client"],
  ["auth"],
  ["stream"],
  ["router", "store", "flow"],
  ["codec", "log", "transport"],
];

/** Folders that are divided into rooms of their own. */
const DIVIDED = new Set(["broker", "config"]);

/** The room of a file: its folder, or the file itself at the top level. */
export function roomOf(file: string): string {
  const parts = file.split("/");
  if (parts.length === 1) return parts[0]!;
  if (DIVIDED.has(parts[0]!) && parts.length > 2) return `${parts[0]}/${parts[1]}`;
  return parts[0]!;
}

/** The floor of a room, counted from the top; -1 for a room that has none. */
export function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

/** Imports that run upward, or to another room of the same floor. */
export function upwardImports({ imports }: ImportGraph): Import[] {
  return imports.filter(({ from, to }) => {
    const [above, below] = [roomOf(from), roomOf(to)];
    return above !== below && floorOf(above) >= floorOf(below);
  });
}

/**
 * The rooms, a line each, the top floor first: how many files a room has, and how many imports lead
 * from it to each of the rooms below.
 */
export function drawRooms({ files, imports }: ImportGraph): string {
  const lines: string[] = [];
  for (const room of FLOORS.flat()) {
    const count = files.filter((file) => roomOf(file) === room).length;
    if (count === 0) continue;
    const arrows = new Map<string, number>();
    for (const { from, to } of imports) {
      const below = roomOf(to);
      if (roomOf(from) === room && below !== room) arrows.set(below, (arrows.get(below) ?? 0) + 1);
    }
    const below = [...arrows].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    const targets = below.map(([name, n]) => `${name} ${n}`).join(", ");
    lines.push(`${room.padEnd(18)}${`${count}`.padStart(3)} files${targets && `  -> ${targets}`}`);
  }
  return lines.join("\n");
}

/**
 * Groups of files that import each other in a circle, types included: none of them can be
 * understood without all the others. Tarjan's algorithm.
 */
export function circles({ files, imports }: ImportGraph): string[][] {
  const targets = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { from, to } of imports) targets.get(from)?.push(to);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const onStack = new Set<string>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file)!);
    stack.push(file);
    onStack.add(file);
    for (const target of targets.get(file) ?? []) {
      if (!index.has(target)) {
        visit(target);
        low.set(file, Math.min(low.get(file)!, low.get(target)!));
      } else if (onStack.has(target)) {
        low.set(file, Math.min(low.get(file)!, index.get(target)!));
      }
    }
    if (low.get(file) !== index.get(file)) return;
    const group: string[] = [];
    for (let member = ""; member !== file;) {
      member = stack.pop()!;
      onStack.delete(member);
      group.push(member);
    }
    if (group.length > 1) found.push(group.sort());
  };
  for (const file of files) if (!index.has(file)) visit(file);
  return found;
}
