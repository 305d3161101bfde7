import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { RegistryGenesis } from '@macronode/contracts';
import { type Ran, runCommand } from '../command-run-fixture.ts';
import { EXIT } from '../exit-codes.ts';
import { BuiltLog, LOG } from './built-log-fixture.ts';
import { RegistryNode } from './registry-node-fixture.ts';

/** A folder with key files, and a node whose log begins with those keys: both anew for each test. */
export interface RegistryDesk {
  readonly node: RegistryNode;
  readonly genesis: RegistryGenesis;
  /** Runs `ronctl registry …` against the node. */
  readonly registry: (...argv: string[]) => Promise<Ran>;
  /** The path of a file in the folder. */
  readonly at: (file: string) => string;
  /** The options of a command that this key signs. */
  readonly as: (name: string) => string[];
  /** Proposes, signed by a; resolves with the id. */
  readonly proposed: (...argv: string[]) => Promise<string>;
}

/**
 * Keys a, b (Ed25519) and c (ML-DSA-44), a genesis of two of three, one of them post-quantum, and a node that has it. The
 * keys are made once for all tests of a file: an ML-DSA-44 key takes its time.
 */
export function registryDesk(): RegistryDesk {
  let made: string;
  let folder: string;
  let node: RegistryNode;
  let genesis: RegistryGenesis;
  const registry = (...argv: string[]): Promise<Ran> =>
    runCommand(['registry', ...argv], { url: node?.served.url ?? '' });
  const at = (file: string): string => join(folder, file);
  const as = (name: string): string[] => ['--key', at(`${name}.key`), '--signer', `org:${name}#1`];
  const proposed = async (...argv: string[]): Promise<string> => {
    const ran = await registry('propose', ...as('a'), ...argv);
    expect(ran.exitCode, ran.err).toBe(EXIT.ok);
    return ran.out.trim();
  };

  beforeAll(async () => {
    made = await mkdtemp(join(tmpdir(), 'ronctl-keys-'));
    folder = made;
    for (const name of ['a', 'b', 'c']) {
      await registry('keygen', '--out', at(`${name}.key`), '--algo', name === 'c' ? 'ml-dsa-44' : 'ed25519');
    }
    const signers = ['a', 'b', 'c'].flatMap((name) => ['--signer', `org:${name}#1=${at(`${name}.key`)}`]);
    await registry('keygen', '--genesis', at('genesis.json'), '--log', LOG, ...signers, '--m', '2', '--k-pq', '1');
    await writeFile(at('items.json'), JSON.stringify([{ id: 'node-1', kind: 'node', attrs: { region: 'eu' } }]));
    genesis = RegistryGenesis.parse(JSON.parse(await readFile(at('genesis.json'), 'utf8')));
  });
  afterAll(() => rm(made, { recursive: true, force: true }));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ronctl-registry-'));
    await cp(made, folder, { recursive: true });
    node = await RegistryNode.open(new BuiltLog(genesis));
  });
  afterEach(async () => {
    await node[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  return {
    get node() {
      return node;
    },
    get genesis() {
      return genesis;
    },
    ...{ registry, at, as, proposed },
  };
}
