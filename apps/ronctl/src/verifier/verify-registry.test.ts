import { describe, expect, test } from 'vitest';
import { formatVkey } from '@macronode/log';
import { BuiltLog, ITEMS, LOG, NOW, genesisOf, membersOf, noteSigner } from '../registry/built-log-fixture.ts';
import { ServedLog } from '../registry/served-log-fixture.ts';
import { AnchorRefused } from './anchors.ts';
import { SourceFailed } from './http-source.ts';
import { AB, AD, ROTATION, built, failureOf, linesOf, sourceOf, verified } from './verified-log-fixture.ts';
import { type Report, verifyRegistry } from './verify-registry.ts';

test('an honest log is verified whole, and the report says what was counted and who is trusted', async () => {
  await using served = await ServedLog.open(built());
  expect(await verified(served)).toMatchObject({
    ...{ log: LOG, versions: 9, approvals: 20, rotations: 1, sealed: false, checkpoint_size: 9, tiles: 2 },
    ...{ signers_from: 'given', vkey_from: 'given' },
    cosigned: [{ name: `${LOG}/cosigner`, at: NOW.toISOString() }],
  });
});

test('a log of several tiles has all of them compared, of both levels', async () => {
  const log = new BuiltLog(genesisOf(1));
  for (let i = 0; i < 600; i += 1) log.add(ITEMS, ['org:a#1']);
  await using served = await ServedLog.open(log);
  // Three of level 0 with their bundles, one of level 1.
  expect(await verified(served)).toMatchObject({ versions: 600, approvals: 600, tiles: 7 });
  const paths = served.seen.filter((each) => each.includes('/tile/'));
  expect(paths).toContain('GET /registry/tlog/tile/1/000.p/2');
  expect(paths).toContain('GET /registry/tlog/tile/entries/002.p/88');
});

test('a log without entries, and one without signers, are verified as such', async () => {
  await using empty = await ServedLog.open(new BuiltLog(genesisOf(1)));
  expect(await verified(empty)).toMatchObject({ versions: 0, checkpoint_size: 0, tiles: 0 });
  empty.replaced.set('/registry/tlog/checkpoint', { status: 404, body: '' });
  expect(await verified(empty)).toMatchObject({ versions: 0, root: null });
  empty.replaced.set('/registry/signers', { body: JSON.stringify({ ...empty.log.signers, state: 'no_signers' }) });
  expect(await verified(empty)).toMatchObject({ log: null, versions: 0 });
});

describe('trust', () => {
  test('without a genesis file begins with the set the node states, when that is the first or its own genesis', async () => {
    const log = new BuiltLog(genesisOf(2)).add(ITEMS, AB);
    await using served = await ServedLog.open(log);
    const source = sourceOf(served.url);
    const given = { witnesses: [] };
    const ask = (): Promise<Report> => verifyRegistry({ source, given, onProgress: () => undefined });
    expect(await ask()).toMatchObject({ signers_from: 'node', vkey_from: 'node', approvals: 2 });
    log.add(ROTATION, ['org:a#1', 'org:b#1', 'org:d#1']);
    expect(await ask()).toMatchObject({ signers_from: 'node', rotations: 1 });
    served.replaced.set('/registry/signers', { body: JSON.stringify({ ...log.signers, genesis: null }) });
    await expect(ask()).rejects.toThrow(/--genesis FILE/);
    const vkey = formatVkey(log.cosigner.key);
    served.replaced.set('/registry/signers', { body: JSON.stringify({ ...log.signers, vkey }) });
    expect(await failureOf(ask())).toMatchObject({
      check: 'checkpoint',
      message: expect.stringContaining('is not the key of a log') as string,
    });
  });

  test('in a genesis file is refused when it is of another log or does not hold its keys; in one of other signers the log fails', async () => {
    await using served = await ServedLog.open(built());
    const genesis = served.log.genesis;
    const other = (change: object): string => JSON.stringify({ ...genesis, ...change });
    await expect(verified(served, { genesis: other({ log: 'x.example' }) })).rejects.toThrow(AnchorRefused);
    await expect(verified(served, { genesis: other({ m: 9 }) })).rejects.toThrow(AnchorRefused);
    await expect(verified(served, { genesis: 'no JSON' })).rejects.toThrow(AnchorRefused);
    const failure = await failureOf(verified(served, { genesis: other({ signers: membersOf(AB), k_pq: 0 }) }));
    expect(failure).toMatchObject({ version: 1, check: 'approvals' });
  });

  test('in a verifier key is refused when it is mistyped, and fails the log when it is another', async () => {
    await using served = await ServedLog.open(built());
    const vkey = formatVkey(served.log.logKey.key);
    await expect(verified(served, { vkey: vkey.replace('test', 'tent') })).rejects.toThrow(AnchorRefused);
    await expect(verified(served, { vkey: 'nonsense' })).rejects.toThrow(AnchorRefused);
    const cosigner = formatVkey(served.log.cosigner.key);
    await expect(verified(served, { vkey: cosigner })).rejects.toThrow(/key of a cosigner, not of a log/);
    expect(served.seen).toEqual([]);
    const other = formatVkey(noteSigner(LOG, 'ed25519').key);
    expect((await failureOf(verified(served, { vkey: other }))).message).toMatch(/not signed with the key/);
  });

  test('in a witness is refused when its key is mistyped or that of a log, before anything is asked', async () => {
    await using served = await ServedLog.open(built());
    const log = formatVkey(served.log.logKey.key);
    await expect(verified(served, { witnesses: [log] })).rejects.toThrow(/key of a log, not of a witness/);
    await expect(verified(served, { witnesses: [log.slice(0, -4)] })).rejects.toThrow(AnchorRefused);
    expect(served.seen).toEqual([]);
  });

  test('in witnesses asks for their cosignatures', async () => {
    await using served = await ServedLog.open(built());
    const absent = formatVkey(noteSigner('witness.example', 'cosignature-ed25519').key);
    expect((await failureOf(verified(served, { witnesses: [absent] }))).message).toMatch(
      /not cosigned by witness.example/,
    );
    const present = formatVkey(served.log.cosigner.key);
    expect((await verified(served, { witnesses: [present] })).cosigned).toHaveLength(2);
  });
});

describe('a node', () => {
  test('that goes on while it is verified is verified up to where it was', async () => {
    await using served = await ServedLog.open(built());
    const early = served.log.checkpoint();
    served.replaced.set('/registry/tlog/checkpoint', { body: early });
    const grown = new Promise<void>((done) => {
      const answer = served.answer.bind(served);
      served.answer = (path) => {
        if (path === '/registry/9') {
          served.log.add(ITEMS, AD);
          served.replaced.delete('/registry/tlog/checkpoint');
          done();
        }
        return answer(path);
      };
    });
    expect(await verified(served)).toMatchObject({ versions: 9, checkpoint_size: 9 });
    await grown;
  });

  test('that goes on between two looks at its head is verified', async () => {
    await using served = await ServedLog.open(built());
    const answer = served.answer.bind(served);
    let asked = 0;
    served.answer = (path) => {
      if (path === '/registry/head' && (asked += 1) === 2) served.log.add(ITEMS, AD);
      return answer(path);
    };
    expect(await verified(served)).toMatchObject({ versions: 9, checkpoint_size: 9 });
    expect(asked).toBe(2);
  });

  test('that shows entries before their checkpoint, as a replica may, is verified; its checkpoint may come meanwhile', async () => {
    await using served = await ServedLog.open(built());
    const { log, replaced } = served;
    const headOf = (size: number): void => {
      const etag = `"v9-${log.head?.entryB3.slice(3, 11) ?? ''}-c${size}"`;
      const body = JSON.stringify({ ...log.headShown, checkpoint_size: size });
      replaced.set('/registry/head', { body, headers: { etag } });
    };
    replaced.set('/registry/tlog/checkpoint', { body: log.checkpoint(6) });
    for (const size of [6, 7]) {
      headOf(size);
      expect(await verified(served)).toMatchObject({ versions: 9, checkpoint_size: 6 });
    }
  });

  test('whose checkpoint goes back while it is verified is told', async () => {
    await using served = await ServedLog.open(built());
    const answer = served.answer.bind(served);
    served.answer = (path) => {
      if (path === '/registry/9') served.replaced.set('/registry/tlog/checkpoint', { body: served.log.checkpoint(7) });
      return answer(path);
    };
    expect((await failureOf(verified(served))).message).toMatch(/went back from 9 to 7/);
  });

  test('that has dropped a partial tile is asked for the full one', async () => {
    const log = new BuiltLog(genesisOf(1));
    for (let i = 0; i < 255; i += 1) log.add(ITEMS, ['org:a#1']);
    await using served = await ServedLog.open(log);
    served.replaced.set('/registry/tlog/checkpoint', { body: log.checkpoint() });
    log.add(ITEMS, ['org:a#1']);
    for (const kind of ['0', 'entries']) {
      served.replaced.set(`/registry/tlog/tile/${kind}/000.p/255`, { status: 404, body: '' });
    }
    expect(await verified(served)).toMatchObject({ versions: 256, checkpoint_size: 255, tiles: 2 });
  });

  test('that is not there, or answers something else, is no verdict on the log', async () => {
    const gone = await ServedLog.open(built());
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    await expect(
      verifyRegistry({ source: sourceOf(url), given: { witnesses: [] }, onProgress: () => undefined }),
    ).rejects.toThrow(SourceFailed);
    await using served = await ServedLog.open(built());
    served.replaced.set('/registry/signers', { status: 500, body: '' });
    await expect(verified(served)).rejects.toThrow(SourceFailed);
  });

  test.each([400, 401, 403, 404])('that answers %i for its head is no verdict on a log', async (status) => {
    await using served = await ServedLog.open(built());
    served.replaced.set('/registry/head', { status, body: '' });
    await expect(verified(served)).rejects.toMatchObject({ name: 'SourceFailed', status });
  });

  test('that answers 401 for a proof is none either', async () => {
    await using served = await ServedLog.open(built());
    served.replaced.set('/registry/9/proof', { status: 401, body: '' });
    await expect(verified(served)).rejects.toMatchObject({ name: 'SourceFailed', status: 401 });
  });

  test('that cannot go on in the middle of its log is told with the version', async () => {
    await using served = await ServedLog.open(built());
    served.replaced.set('/registry/log?after=0&limit=9', { body: linesOf(served.log.entries.slice(0, 4)) });
    served.replaced.set('/registry/log?after=4&limit=5', { status: 500, body: '' });
    const says = 'the log cannot be read from version 5 on: GET /registry/log?after=4&limit=5 answered 500';
    await expect(verified(served)).rejects.toMatchObject({
      name: 'SourceFailed',
      status: 500,
      version: 5,
      message: says,
    });
  });

  test('that cannot show a version on its own is told with the version', async () => {
    await using served = await ServedLog.open(built());
    served.replaced.set('/registry/9', { status: 500, body: '' });
    const says = 'version 9 cannot be read on its own: GET /registry/9 answered 500';
    await expect(verified(served)).rejects.toMatchObject({ name: 'SourceFailed', version: 9, message: says });
  });
});
