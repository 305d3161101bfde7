// A CPU profile of V8 as a tree of functions with the time each took. Pure.

/** What `Profiler.stop` answers, and a .cpuprofile holds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of a clock of V8's own. */
  readonly startTime: number;
  readonly endTime: number;
  /** Node of each sample. */
  readonly samples: readonly number[];
  /** Microseconds from the sample before to each sample; the first from the start. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0; -1 for what has no source. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A function and where it stands: `name file:line`. */
export interface Place {
  readonly name: string;
  /** Empty for what is no script: garbage collection, native code. */
  readonly at: string;
}

/** A function below the ones that called it. Times are microseconds. */
export interface StackNode {
  readonly place: Place;
  /** Of the function itself. */
  readonly self: number;
  /** With everything it called. */
  readonly total: number;
  readonly children: readonly StackNode[];
}

/** V8's words for time in which nothing of the program runs. `(program)` is native code that belongs to no call. */
export const IDLE = '(idle)';
const ROOT_NAME = '(root)';

/** Time each sample stands for: until the next one, and the last one until the end. */
export function sampleMicros({ startTime, endTime, samples, timeDeltas }: CpuProfile): readonly number[] {
  let at = startTime;
  const times = samples.map((_, index) => (at += timeDeltas[index] ?? 0));
  // Two threads read the clock: a sample may carry a time before that of the one before it.
  return times.map((time, index) => Math.max(0, (times[index + 1] ?? endTime) - time));
}

export const placeOf = ({ functionName, url, lineNumber }: CallFrame): Place => ({
  name: functionName === '' ? '(anonymous)' : functionName,
  at: url === '' ? '' : `${url}:${lineNumber + 1}`,
});

const keyOf = ({ name, at }: Place): string => `${name} ${at}`;

interface Growing {
  readonly place: Place;
  self: number;
  total: number;
  readonly children: Map<string, Growing>;
}

const grow = (place: Place): Growing => ({ place, self: 0, total: 0, children: new Map() });

/**
 * The time of the process as one tree, without the time it idled. Nodes that are the same function below the same
 * callers become one: V8 keeps them apart by how they were compiled.
 */
export function stackTree(profile: CpuProfile, title: string): StackNode {
  const stacks = stacksOf(profile);
  const root = grow({ name: title, at: '' });
  for (const [index, micros] of sampleMicros(profile).entries()) {
    const stack = stacks.get(profile.samples[index] ?? -1) ?? [];
    if (stack.at(-1)?.name === IDLE) continue;
    let node = root;
    node.total += micros;
    for (const place of stack) {
      const key = keyOf(place);
      let child = node.children.get(key);
      if (child === undefined) node.children.set(key, (child = grow(place)));
      child.total += micros;
      node = child;
    }
    node.self += micros;
  }
  return settled(root);
}

const settled = ({ place, self, total, children }: Growing): StackNode => ({
  place,
  self,
  total,
  children: [...children.values()].map(settled).sort((a, b) => b.total - a.total),
});

/** The call stack of every node, outermost first, without V8's root. */
export function stacksOf({ nodes }: CpuProfile): ReadonlyMap<number, readonly Place[]> {
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stacks = new Map<number, readonly Place[]>();
  const stackOf = (id: number): readonly Place[] => {
    const known = stacks.get(id);
    if (known !== undefined) return known;
    const node = byId.get(id);
    const parent = parents.get(id);
    const above = parent === undefined ? [] : stackOf(parent);
    const own = node === undefined || node.callFrame.functionName === ROOT_NAME ? [] : [placeOf(node.callFrame)];
    const stack = [...above, ...own];
    stacks.set(id, stack);
    return stack;
  };
  for (const { id } of nodes) stackOf(id);
  return stacks;
}

/** Trees side by side below one root: the threads of a process. */
export function joined(title: string, trees: readonly StackNode[]): StackNode {
  const total = trees.reduce((sum, tree) => sum + tree.total, 0);
  return { place: { name: title, at: '' }, self: 0, total, children: trees };
}

/** What one function took, wherever it was called from. */
export interface FunctionTime {
  readonly place: Place;
  readonly self: number;
  /** With everything it called; once where it called itself. */
  readonly total: number;
}

/** Every function by its own time, most first. */
export function functionTimes(tree: StackNode): readonly FunctionTime[] {
  const times = new Map<string, { place: Place; self: number; total: number }>();
  const above = new Set<string>();
  const visit = (node: StackNode): void => {
    const key = keyOf(node.place);
    const entry = times.get(key) ?? { place: node.place, self: 0, total: 0 };
    times.set(key, entry);
    entry.self += node.self;
    const outermost = !above.has(key);
    if (outermost) {
      entry.total += node.total;
      above.add(key);
    }
    for (const child of node.children) visit(child);
    if (outermost) above.delete(key);
  };
  for (const child of tree.children) visit(child);
  return [...times.values()].sort((a, b) => b.self - a.self);
}

/** Which part of the program the time belongs to: a workspace, a dependency, Node itself, V8. */
export function partOf({ name, at }: Place): string {
  if (at === '') return name.startsWith('(') ? name : 'native';
  if (at.startsWith('node:')) return 'node';
  const dependency = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(at)?.[1];
  if (dependency !== undefined) return dependency;
  return /^(?:apps|packages)\/[^/]+/.exec(at)?.[0] ?? 'other';
}

/** Own time by part of the program, most first. */
export function partTimes(tree: StackNode): readonly { readonly part: string; readonly self: number }[] {
  const times = new Map<string, number>();
  for (const { place, self } of functionTimes(tree)) {
    const part = partOf(place);
    times.set(part, (times.get(part) ?? 0) + self);
  }
  return [...times].map(([part, self]) => ({ part, self })).sort((a, b) => b.self - a.self);
}

const isOurs = ({ at }: Place): boolean => /^(?:apps|packages)\//.test(at);
/** Stands for time with no function of ours on the stack. */
const OUTSIDE: Place = { name: '(none of ours)', at: '' };

/** What a function of ours took by itself and in all that it called outside of our code. */
export interface Charge {
  readonly place: Place;
  readonly micros: number;
  /** Where in it the time went: the functions on top of the stack, most first. */
  readonly tops: readonly { readonly name: string; readonly micros: number }[];
}

/** Time charged to the innermost function of ours on the stack: who has a system call, a collection, a parser run. */
export function charges(tree: StackNode): readonly Charge[] {
  const found = new Map<string, { place: Place; micros: number; tops: Map<string, number> }>();
  const visit = (node: StackNode, charged: Place): void => {
    const place = isOurs(node.place) ? node.place : charged;
    const entry = found.get(keyOf(place)) ?? { place, micros: 0, tops: new Map<string, number>() };
    entry.micros += node.self;
    if (node.self > 0) entry.tops.set(node.place.name, (entry.tops.get(node.place.name) ?? 0) + node.self);
    found.set(keyOf(place), entry);
    for (const child of node.children) visit(child, place);
  };
  visit(tree, OUTSIDE);
  const most = <T extends { micros: number }>(entries: T[]): T[] => entries.sort((a, b) => b.micros - a.micros);
  return most(
    [...found.values()].map(({ place, micros, tops }) => ({
      place,
      micros,
      tops: most([...tops].map(([name, spent]) => ({ name, micros: spent }))),
    })),
  );
}
