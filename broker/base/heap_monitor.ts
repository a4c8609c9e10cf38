import v8 from "node:v8";

/** How full the heap of the process is, in bytes. */
export interface HeapState {
  /** What is on the heap, garbage that was not collected yet included. */
  readonly usedBytes: number;
  /** What the heap may grow to before the runtime ends the process; 0 if unknown. */
  readonly limitBytes: number;
}

/** Where the state of the heap comes from; a test makes it up. */
export interface HeapSource {
  /** The state as of now. */
  read(): HeapState;
  /** Calls back in a turn of its own after each full collection, as long as something holds it. */
  onCollected(call: () => void): void;
}

/** The heap of this process; `null` where the runtime does not tell of it. */
export function systemHeap(): HeapSource | null {
  try {
    if (read().limitBytes === 0) return null;
  } catch {
    return null;
  }
  return { read, onCollected };
}

function read(): HeapState {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = v8.getHeapStatistics();
  return { usedBytes, limitBytes };
}

/** An object that nothing holds is collected with the next full collection, and this is told. */
function onCollected(call: () => void): void {
  const weak = new WeakRef(call);
  const registry = new FinalizationRegistry<null>(() => {
    const live = weak.deref();
    if (live === undefined) return;
    live();
    arm();
  });
  const arm = () => registry.register({}, null);
  held.set(call, registry);
  arm();
}

/** Keeps each registry for as long as there is somebody to be told. */
const held = new WeakMap<() => void, FinalizationRegistry<null>>();

/**
 * From which part of its limit on the heap is short, once what is garbage is gone. The limit that V8
 * tells includes some 100 MB of the young generation, which a small heap cannot use for anything else.
 */
const SHORT_SHARE = 0.55;
/** From which part on it is, garbage or not: there is hardly time to find out. */
const URGENT_SHARE = 0.68;

/**
 * The second line of defence: estimates err, so the heap itself is asked, too. What is garbage
 * counts for nothing, and only a full collection tells it apart: so it is looked at right after
 * each of them, and in between only for when it is nearly full.
 */
export class HeapMonitor {
  readonly #source: HeapSource | null;
  readonly #collected = () => this.#look(SHORT_SHARE);
  /** Whether nothing more should be taken. */
  isShort = false;

  constructor(source: HeapSource | null) {
    this.#source = source;
    source?.onCollected(this.#collected);
  }

  /** What the heap may grow to, in bytes; 0 if unknown. */
  get limitBytes(): number {
    return this.#source?.read().limitBytes ?? 0;
  }

  /** Looks between two collections; to be called once a second at most. */
  glance(): void {
    this.#look(this.isShort ? SHORT_SHARE : URGENT_SHARE);
  }

  #look(share: number): void {
    if (this.#source === null) return;
    const { usedBytes, limitBytes } = this.#source.read();
    this.isShort = usedBytes > limitBytes * share;
  }
}
