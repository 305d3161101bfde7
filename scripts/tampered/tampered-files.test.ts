import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BootedRegistry } from '../../apps/registry/src/booted-registry-fixture.ts';
import { LOG } from '../../apps/registry/src/log-fixture.ts';
import { EXIT } from '../../apps/ronctl/src/exit-codes.ts';
import { run } from '../../apps/ronctl/src/program.ts';
import { CHANGES, committedAt, overwrite, remove, without } from './changes-fixture.ts';
import { b, failureOf, NEWEST, NineVersions, type Tamper, unchanged } from './nine-versions-fixture.ts';

let nine: NineVersions;
beforeAll(async () => {
  nine = await NineVersions.make();
});
afterAll(() => nine[Symbol.dispose]());

it('verifies the files nobody changed', async () => {
  await using booted = await nine.startOn(unchanged);
  const { vkey, cosigner_vkey } = nine.keys;
  expect(await nine.verify(booted, { vkey, witnesses: [cosigner_vkey] })).toMatchObject({
    ...{ log: LOG, versions: NEWEST, approvals: 20, rotations: 1, checkpoint_size: NEWEST },
  });
});

describe('names the version when somebody changed', () => {
  it.concurrent.each(CHANGES)('%s', async (_what, check, version, says, change) => {
    await using booted = await nine.startOn(change);
    const failure = await failureOf(nine.verify(booted));
    expect(failure).toMatchObject({ check, version });
    expect(failure.message).toMatch(says);
  });
});

describe('names no version, for it is about all of them, when somebody changed', () => {
  it.concurrent.each([
    ['the key of the log', 'log.key', /^the checkpoint of 9 entries is not signed with the key of/],
    ['the key it cosigns with', 'cosigner.key', /^the checkpoint is not cosigned by/],
  ])('%s', async (_what, file, says) => {
    // A start makes one where there is none.
    await using booted = await nine.startOn((files) => rmSync(join(files.folder, file)));
    const failure = await failureOf(
      nine.verify(booted, { vkey: nine.keys.vkey, witnesses: [nine.keys.cosigner_vkey] }),
    );
    expect(failure).toMatchObject({ check: 'checkpoint', version: undefined });
    expect(failure.message).toMatch(says);
  });
});

describe('is not even asked, for the registry refuses to start, when somebody', () => {
  it.concurrent.each<[string, RegExp, Tamper]>([
    ['cut off the newest entry', /has 8 entries, and 9 were signed before/, (files) => remove(files, NEWEST)],
    ['removed an entry', /has 8 entries, and 9 were signed before/, (files) => remove(files, 4)],
    ['removed the lock', /the lock of this log is missing/, (files) => rmSync(files.lock)],
    ['wrote what is no head into the lock', /its last line is no head/, (files) => writeFileSync(files.lock, '9\n')],
    [
      'wrote another head into the lock',
      /another log was signed at size 9/,
      (files) => writeFileSync(files.lock, `9 ${'0'.repeat(64)}\n`),
    ],
    [
      'changed a hash of the tree',
      /another log was signed at size 9/,
      (files) => files.sql('UPDATE entries SET leaf_hash = zeroblob(32) WHERE version = 4'),
    ],
    [
      'changed the root that was signed',
      /no longer give the root that was signed for size 9/,
      (files) => files.sql('UPDATE signed_heads SET root = zeroblob(32) WHERE size = 9'),
    ],
    [
      'weakened the genesis',
      /began with another genesis/,
      (files) => files.sql(`UPDATE facts SET value = replace(value, '"m":2', '"m":1') WHERE key = 'genesis'`),
    ],
    [
      'damaged the key of the log',
      /log\.key: it is not complete/,
      ({ folder: at }) => writeFileSync(join(at, 'log.key'), ''),
    ],
  ])('%s', async (_what, says, change) => {
    await expect(nine.startOn(change)).rejects.toThrow(says);
  });
});

// These files are those of a log there might have been, and every signature in them is right.
describe('takes a witness to find that somebody wrote all of it anew', () => {
  let witness: BootedRegistry;
  let witnessKey: string;
  const witnessed = (change: Tamper): Promise<BootedRegistry> =>
    nine.startOn(change, {
      REGISTRY_WITNESSES: `${witnessKey}=${witness.url}/registry/witness`,
      // An idle log asks when it signs its checkpoint again.
      REGISTRY_CHECKPOINT_INTERVAL_S: '1',
    });
  const answered = async ({ node }: BootedRegistry, result: string): Promise<void> => {
    const counted = new RegExp(`^witness_cosign_total{.*result="(?:${result})".*} [1-9]`, 'm');
    await vi.waitFor(async () => expect(await (await fetch(`${node.opsUrl}/metrics`)).text()).toMatch(counted), {
      timeout: 10_000,
      interval: 50,
    });
  };

  beforeAll(async () => {
    witness = await nine.startWitness();
    ({ cosigner_vkey: witnessKey } = await witness.signers());
    await using booted = await witnessed(unchanged);
    await answered(booted, 'cosigned');
    expect(await nine.verify(booted, { witnesses: [witnessKey] })).toMatchObject({ versions: NEWEST });
  });
  afterAll(() => witness.node.close());

  it.concurrent.each<[string, number, Tamper]>([
    ['without the newest entry', NEWEST - 1, (files) => remove(files, NEWEST)],
    [
      'with another time of the newest entry',
      NEWEST,
      (files) => files.entry(NEWEST, committedAt('2020-01-01T00:00:00.000Z')),
    ],
    ['without an approval of the newest entry', NEWEST, (files) => files.entry(NEWEST, without(b.id))],
  ])('%s', async (_what, versions, change) => {
    await using booted = await witnessed((files) => {
      change(files);
      files.agree();
    });
    await answered(booted, 'conflict|refused');
    expect(await nine.verify(booted, { vkey: nine.keys.vkey })).toMatchObject({ versions });
    const failure = await failureOf(nine.verify(booted, { witnesses: [witnessKey] }));
    expect(failure.message).toBe(`the checkpoint is not cosigned by ${LOG}/cosigner`);
  });
});

describe('ronctl registry verify', () => {
  const ronctl = async (...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const read = Promise.all([text(stdout), text(stderr)]);
    const streams = { stdin: Readable.from([]), stdout, stderr, stdoutIsTty: false, stderrIsTty: false };
    const exitCode = await run(argv, { ...streams, env: {}, signal: new AbortController().signal });
    stdout.end();
    stderr.end();
    const [out, err] = await read;
    return { exitCode, out, err };
  };
  const verified = ({ url }: BootedRegistry, ...more: string[]) =>
    ronctl('registry', 'verify', url, '--genesis', nine.genesis, '--vkey', nine.keys.vkey, ...more);

  it('says verified of the files nobody changed', async () => {
    await using booted = await nine.startOn(unchanged);
    expect(await verified(booted)).toMatchObject({
      exitCode: EXIT.ok,
      out: expect.stringMatching(/^verified\n/) as string,
    });
  });

  it('exits with 5 and says which version is wrong, and what is wrong with it', async () => {
    await using booted = await nine.startOn((files) => overwrite(files, '"node-3"', '"node-x"'));
    const said = await verified(booted);
    expect(said).toMatchObject({ exitCode: EXIT.integrity, out: '' });
    expect(said.err).toContain('ronctl: version 3: payload_b3 is not the hash of the payload\n');
    const { exitCode, err } = await verified(booted, '--json');
    expect(exitCode).toBe(EXIT.integrity);
    expect(JSON.parse(err)).toMatchObject({ error: { check: 'payload', version: 3 } });
  });
});
