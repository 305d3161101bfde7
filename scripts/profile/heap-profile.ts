// A sampled heap profile as bytes by function. Pure.
import { type CallFrame, type Place, placeOf } from './cpu-profile.ts';

/** What `HeapProfiler.stopSampling` answers, and a .heapprofile holds. */
export interface HeapProfile {
  readonly head: HeapNode;
}

export interface HeapNode {
  readonly callFrame: CallFrame;
  /** Bytes of the function itself. */
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

export interface Allocator {
  readonly place: Place;
  readonly bytes: number;
}

/** The profile with every frame replaced. */
export function withFrames({ head, ...rest }: HeapProfile, frame: (frame: CallFrame) => CallFrame): HeapProfile {
  const visit = (node: HeapNode): HeapNode => ({
    ...node,
    callFrame: frame(node.callFrame),
    children: node.children.map(visit),
  });
  return { ...rest, head: visit(head) };
}

/** Functions by the bytes they allocated, most first. */
export function allocators({ head }: HeapProfile): readonly Allocator[] {
  const found = new Map<string, { place: Place; bytes: number }>();
  const visit = (node: HeapNode): void => {
    const place = placeOf(node.callFrame);
    const key = `${place.name} ${place.at}`;
    const entry = found.get(key) ?? { place, bytes: 0 };
    entry.bytes += node.selfSize;
    found.set(key, entry);
    for (const child of node.children) visit(child);
  };
  visit(head);
  return [...found.values()].filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
}
