import { KeyRefused, admitPublicKey } from '@macronode/keys';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { MESH_LIMITS } from '../mesh-limits.ts';
import type { MeshLimits } from '../mesh-limits.ts';
import type { TrustReload } from '../mesh.ts';

/** Whose claims are believed. */
export interface Trust {
  has(nodeId: string): boolean;
  /** The name of a node, as it appears as `client` in metrics. */
  nameOf(nodeId: string): string | undefined;
  readonly size: number;
}

/** Thrown for a file that is no trust list. */
export class TrustListError extends Error {
  override readonly name = 'TrustListError';
  readonly file: string;
  /** Where the fault is, counted from 1; undefined when it is the file as a whole. */
  readonly line: number | undefined;

  constructor(file: string, line: number | undefined, problem: string, options?: ErrorOptions) {
    super(`trust list ${file}${line === undefined ? '' : `, line ${line}`}: ${problem}`, options);
    this.file = file;
    this.line = line;
  }
}

/** A full list takes less than half of it; more is no such file. */
const FILE_BYTES_MAX = 65_536;
const LINE = /^([a-z0-9_]{1,32})[ \t]+([0-9a-f]{64})$/;

/**
 * The nodes whose claims are believed, from a file an operator keeps: a node a line, its name (`[a-z0-9_]{1,32}`) and its
 * id in hex; empty lines and those that begin with `#` say nothing. No claim adds to it. This node is one of the list: the
 * same file serves every node.
 */
export class TrustList implements Trust {
  readonly #file: string;
  readonly #limits: Pick<MeshLimits, 'trustedNodes'>;
  #names: ReadonlyMap<string, string>;

  private constructor(file: string, limits: Pick<MeshLimits, 'trustedNodes'>) {
    this.#file = file;
    this.#limits = limits;
    this.#names = readNames(file, limits.trustedNodes);
  }

  /** Throws {@link TrustListError} for a file that cannot be read, has a fault in any line, or names nobody. */
  static read(file: string, limits: Pick<MeshLimits, 'trustedNodes'> = MESH_LIMITS): TrustList {
    return new TrustList(file, limits);
  }

  get size(): number {
    return this.#names.size;
  }

  has(nodeId: string): boolean {
    return this.#names.has(nodeId);
  }

  nameOf(nodeId: string): string | undefined {
    return this.#names.get(nodeId);
  }

  /** Ids of all nodes, in the order of the file. */
  nodeIds(): IterableIterator<string> {
    return this.#names.keys();
  }

  /** Reads the file again. With any fault in it the list stays as it is: half a list would silence honest nodes. */
  reload(): TrustReload {
    try {
      this.#names = readNames(this.#file, this.#limits.trustedNodes);
      return { result: 'loaded', nodes: this.size };
    } catch (error) {
      if (!(error instanceof TrustListError)) throw error;
      return { result: 'kept', nodes: this.size, problem: error.message };
    }
  }
}

function readNames(file: string, nodesMax: number): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const [i, raw] of textOf(file).split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const fail = (problem: string): never => {
      throw new TrustListError(file, i + 1, problem);
    };
    const [, name = '', nodeId = ''] =
      LINE.exec(line) ?? fail('it is not a name and an id of 64 lower-case hex digits');
    const refused = refusalOf(nodeId);
    if (refused !== undefined) fail(refused);
    if (taken.has(name)) fail(`the name ${name} is taken`);
    if (names.has(nodeId)) fail(`its id is that of ${names.get(nodeId) ?? ''} too`);
    if (names.size >= nodesMax) fail(`there are more than ${nodesMax} nodes`);
    names.set(nodeId, name);
    taken.add(name);
  }
  if (names.size === 0) throw new TrustListError(file, undefined, 'it names nobody');
  return names;
}

function refusalOf(nodeId: string): string | undefined {
  try {
    admitPublicKey('ed25519', nodeId);
    return undefined;
  } catch (error) {
    if (error instanceof KeyRefused) return error.message;
    throw error;
  }
}

/** No more is read than a list may have, whatever the file is. */
function textOf(file: string): string {
  const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
  let length = 0;
  try {
    // Not blocking, as a pipe without a writer would hold the thread for ever.
    const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = readSync(handle, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
    throw new TrustListError(file, undefined, `it cannot be read: ${code ?? String(cause)}`, { cause });
  }
  if (length > FILE_BYTES_MAX) throw new TrustListError(file, undefined, `it has more than ${FILE_BYTES_MAX} bytes`);
  return bytes.toString('utf8', 0, length);
}
