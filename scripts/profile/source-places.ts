// From where V8 ran a function to where it was written: files of the repository, relative to its root.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallFrame, CpuProfile } from './cpu-profile.ts';

/** Translates places, and strips what only means something on this machine. */
export class SourcePlaces {
  readonly #root: string;
  readonly #maps = new Map<string, { map: SourceMap; folder: string } | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The frame as it was written, its `url` a path from the root of the repository. */
  frame<F extends CallFrame>(frame: F): F {
    if (!frame.url.startsWith('file:') && !frame.url.startsWith('/')) return frame;
    const file = frame.url.startsWith('file:') ? fileURLToPath(frame.url) : frame.url;
    const known = this.#mapOf(file);
    const entry = known?.map.findEntry(frame.lineNumber, frame.columnNumber);
    if (known === undefined || entry === undefined || !('originalSource' in entry))
      return { ...frame, url: this.#relative(file) };
    const { originalSource, originalLine, originalColumn } = entry;
    const url = this.#relative(resolve(known.folder, originalSource));
    return { ...frame, url, lineNumber: originalLine, columnNumber: originalColumn };
  }

  /** The profile with every place translated. */
  profile(profile: CpuProfile): CpuProfile {
    return { ...profile, nodes: profile.nodes.map((node) => ({ ...node, callFrame: this.frame(node.callFrame) })) };
  }

  #relative(file: string): string {
    const path = relative(this.#root, file);
    // Outside of the repository only the name is nobody's secret.
    return path.startsWith('..') ? (file.split('/').at(-1) ?? '') : path;
  }

  #mapOf(file: string): { map: SourceMap; folder: string } | undefined {
    if (this.#maps.has(file)) return this.#maps.get(file);
    const mapFile = `${file}.map`;
    const isOurs = !file.startsWith(join(this.#root, 'node_modules'));
    const read = (): SourceMap => new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8')) as SourceMapPayload);
    const found = isOurs && existsSync(mapFile) ? { map: read(), folder: dirname(file) } : undefined;
    this.#maps.set(file, found);
    return found;
  }
}
