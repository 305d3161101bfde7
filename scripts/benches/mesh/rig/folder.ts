import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NodeKey } from '@macronode/keys';
import { ROOT } from '../../../bootstrap.mjs';

/** Keys, one trust list and logs of a mesh on this machine, under .run until the next run. */
export class MeshFolder {
  readonly path: string;
  readonly trustFile: string;

  /** Makes a key for each of `nodes`, and lists them all. */
  constructor(name: string, nodes: readonly string[]) {
    this.path = join(ROOT, '.run', name);
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path, { recursive: true });
    this.trustFile = join(this.path, 'trust.txt');
    const lines = nodes.map((node) => `${node} ${NodeKey.loadOrCreate(this.keyFile(node)).publicKeyHex}\n`);
    writeFileSync(this.trustFile, lines.join(''));
  }

  keyFile(node: string): string {
    return join(this.path, `${node}.key`);
  }

  file(name: string): string {
    return join(this.path, name);
  }
}
