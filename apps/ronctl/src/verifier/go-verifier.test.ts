import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatVkey } from '@macronode/log';
import { BuiltLog, ITEMS, LOG, genesisOf, noteSigner } from '../registry/built-log-fixture.ts';
import { ServedLog } from '../registry/served-log-fixture.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../../e2e/registry-verifier-go');
interface Ran {
  readonly code: number;
  readonly out: string;
}

const verify = (url: string, vkey: string): Promise<Ran> =>
  new Promise((done) => {
    execFile('go', ['run', '.', url, vkey], { cwd: PROGRAM, timeout: 60_000 }, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code ?? -1), out: out === '' ? err : out });
    });
  });

/** Three tiles of level 0, the last one partial, and one of level 1. */
function built(): BuiltLog {
  const log = new BuiltLog(genesisOf(1));
  for (let i = 0; i < 600; i += 1) log.add(ITEMS, ['org:a#1']);
  return log;
}

describe('the verifier in Go, which shares no line and no library with ours', () => {
  test('verifies an honest log', { timeout: 90_000 }, async () => {
    await using served = await ServedLog.open(built());
    const ran = await verify(served.url, formatVkey(served.log.logKey.key));
    expect(ran.out).toMatch(new RegExp(`^verified: ${LOG}, 600 entries, root [0-9a-f]{64}, 4 tiles, 3 proofs\n$`));
    expect(ran.code).toBe(0);
  });

  test.each<[string, RegExp, (served: ServedLog) => void]>([
    [
      'an entry',
      /hash 2 of tile\/0\/000 is not/,
      ({ log, replaced }) => {
        const bundle = Buffer.from(log.tile('tile/entries/000')!);
        replaced.set('/registry/tlog/tile/entries/000', { body: bundle.fill(0x20, 1_000, 1_001) });
      },
    ],
    [
      'a tile',
      /hash 87 of tile\/0\/002.p\/88/,
      ({ log, replaced }) => {
        replaced.set('/registry/tlog/tile/0/002.p/88', {
          body: log.tile('tile/0/002.p/88')!.map((byte, i) => (i === 87 * 32 ? byte ^ 1 : byte)),
        });
      },
    ],
    [
      'a root',
      /the checkpoint says/,
      ({ log, replaced }) => {
        replaced.set('/registry/tlog/checkpoint', { body: log.checkpoint(600, { root: log.tree.root(599) }) });
      },
    ],
    [
      'a key',
      /not signed with the key/,
      ({ log, replaced }) => {
        replaced.set('/registry/tlog/checkpoint', { body: log.checkpoint(600, {}, noteSigner(LOG, 'ed25519')) });
      },
    ],
    [
      'a proof',
      /version 300: .*root of its checkpoint/,
      ({ log, replaced }) => {
        replaced.set('/registry/300/proof', { body: log.proof(301).replace('index 300', 'index 299') });
      },
    ],
  ])('finds that %s was changed', { timeout: 90_000 }, async (_name, says, tamper) => {
    await using served = await ServedLog.open(built());
    tamper(served);
    const ran = await verify(served.url, formatVkey(served.log.logKey.key));
    expect(ran.out).toMatch(says);
    expect(ran.code).toBe(1);
  });
});
