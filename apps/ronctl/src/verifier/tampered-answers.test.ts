import { describe, expect, test } from 'vitest';
import { formatTlogProof, formatVkey, parseSignedCheckpoint } from '@macronode/log';
import { BuiltLog, ITEMS, LOG, noteSigner } from '../registry/built-log-fixture.ts';
import { type Answered, ServedLog } from '../registry/served-log-fixture.ts';
import { AC, ROTATED_AT, built, failureOf, linesOf, verified } from './verified-log-fixture.ts';

/** Replaces text in the line of a version, as it is served. */
const inLine = (version: number, from: string | RegExp, to: string) => (served: ServedLog) => {
  const entry = served.log.entries[version - 1]!;
  const changed = entry.line.replace(from, to);
  expect(changed).not.toBe(entry.line);
  entry.line = changed;
};

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const flipTile = (path: string, at: number) => (served: ServedLog) => {
  served.replaced.set(`/registry/tlog/${path}`, { body: flipped(served.log.tile(path)!, at) });
};

const asCheckpoint = (note: (log: BuiltLog) => string) => (served: ServedLog) => {
  served.replaced.set('/registry/tlog/checkpoint', { body: note(served.log) });
};

/** Replaces all the lines as they are served. */
const inLines = (body: (log: BuiltLog) => string | Uint8Array) => (served: ServedLog) => {
  served.replaced.set('/registry/log?after=0&limit=9', { body: body(served.log) });
};

/** Answers another thing to who asks for the head once more. */
const headAgain = (again: (first: Answered | undefined) => Answered) => (served: ServedLog) => {
  const answer = served.answer.bind(served);
  let asked = 0;
  served.answer = (path) => (path === '/registry/head' && (asked += 1) > 1 ? again(answer(path)) : answer(path));
};

/** A head whose checkpoint covers other entries, tagged as such. */
const headCovering = (size: number) => (served: ServedLog) => {
  const { version, entry_b3 } = served.log.headShown as { readonly version: number; readonly entry_b3: string };
  served.replaced.set('/registry/head', {
    body: JSON.stringify({ ...served.log.headShown, checkpoint_size: size }),
    headers: { etag: `"v${version}-${entry_b3.slice(3, 11)}-c${size}"` },
  });
};

/** A head that states another version. */
const headOf = (log: BuiltLog, version: number): Answered => ({
  body: JSON.stringify({ ...log.headShown, version }),
  headers: { etag: `"v${version}-${log.head?.entryB3.slice(3, 11) ?? ''}"` },
});

type Tampering = readonly [
  name: string,
  version: number | undefined,
  says: RegExp,
  tamper: (served: ServedLog) => void,
];

describe('what is changed in an answer is found, and the version named', () => {
  const cases: readonly Tampering[] = [
    ['a field of a leaf', 3, /entry_b3 is not the hash of the leaf/, inLine(3, '"kind":"policy"', '"kind":"set"')],
    ['a byte of a payload', 2, /payload_b3 is not the hash/, inLine(2, 'n1.example', 'n2.example')],
    ['the order of members', 4, /canonical form/, inLine(4, /"note":"",("[^"]+":\[?[^,]*),/, '$1,"note":"",')],
    ['a space', 6, /canonical form/, inLine(6, '"leaf":{', '"leaf": {')],
    ['a member named twice', 6, /canonical form/, inLine(6, '"kind":"set"', '"kind":"set","kind":"set"')],
    [
      'a signer set made weaker than was approved',
      ROTATED_AT,
      /payload_b3 is not the hash/,
      inLine(ROTATED_AT, '"m":2', '"m":1'),
    ],
    [
      'a byte that is not UTF-8',
      3,
      /its line is not UTF-8/,
      inLines(({ entries }) => {
        const bytes = Buffer.from(linesOf(entries));
        bytes[Buffer.byteLength(linesOf(entries.slice(0, 2))) + 5] = 0xff;
        return bytes;
      }),
    ],
    [
      'an end in the middle of a line',
      9,
      /ends in the middle of its line/,
      inLines(({ entries }) => linesOf(entries).slice(0, -9)),
    ],
    [
      'a line without end',
      10,
      /its line is over/,
      (served) => {
        served.replaced.set('/registry/head', headOf(served.log, 10));
        served.replaced.set('/registry/log?after=0&limit=10', {
          body: `${linesOf(served.log.entries)}${'x'.repeat(5_000_000)}`,
        });
      },
    ],
    ['a missing line', 4, /one is missing/, ({ log }) => log.entries.splice(3, 1)],
    ['two lines swapped', 2, /one is missing/, ({ log }) => log.entries.splice(1, 2, log.entries[2]!, log.entries[1]!)],
    [
      'the last lines held back',
      8,
      /is missing: the log should reach 9/,
      (served) => {
        const lines = served.log.entries.slice(0, 7).map(({ line }) => `${line}\n`);
        served.replaced.set('/registry/log?after=0&limit=9', { body: lines.join('') });
        served.replaced.set('/registry/log?after=7&limit=2', { body: '' });
      },
    ],
    ['a byte of a tile', 4, /tile\/0\/000.p\/9 is not what/, flipTile('tile/0/000.p/9', 32 * 3 + 7)],
    [
      'a tile that is gone',
      1,
      /not served \(404\)/,
      ({ replaced }) => {
        replaced.set('/registry/tlog/tile/0/000.p/9', { status: 404, body: '' });
      },
    ],
    ['a byte of an entry bundle', 1, /the entry is not the leaf/, flipTile('tile/entries/000.p/9', 40)],
    [
      'an entry bundle cut short',
      9,
      /ends in this entry/,
      (served) => {
        const path = 'tile/entries/000.p/9';
        served.replaced.set(`/registry/tlog/${path}`, { body: served.log.tile(path)!.slice(0, -1) });
      },
    ],
    [
      'the root of the checkpoint, signed anew',
      9,
      /another root/,
      asCheckpoint((log) => log.checkpoint(9, { root: log.tree.root(8) })),
    ],
    [
      'a checkpoint that goes further than the log',
      10,
      /the head is version 9/,
      asCheckpoint((log) => log.checkpoint(9, { size: 10 })),
    ],
    [
      'the signature of the checkpoint',
      undefined,
      /does not verify/,
      asCheckpoint((log) =>
        log.checkpoint(9, {}).replace(/(?<=\/test [A-Za-z0-9+/]{30})./, (c) => (c === 'B' ? 'C' : 'B')),
      ),
    ],
    [
      'a cosignature that ends before its time does',
      undefined,
      /the signature of registry.example\/test\/cosigner on the checkpoint has no time/,
      asCheckpoint((log) => {
        const note = log.checkpoint();
        const line = /(?<=\/cosigner )[A-Za-z0-9+/=]+/;
        return note.replace(line, (base64) => Buffer.from(base64, 'base64').subarray(0, 9).toString('base64'));
      }),
    ],
    [
      'a cosignature of a time no clock shows',
      undefined,
      /on the checkpoint is of a time that is none/,
      asCheckpoint((log) => log.checkpoint(9, {}, log.logKey, 9_000_000_000_000)),
    ],
    [
      'a number out of range in the signers the node states',
      undefined,
      /it has no canonical form/,
      ({ log, replaced }) => {
        const body = JSON.stringify(log.signers).replace(/"algo":"ed25519"/g, '"algo":1e999');
        replaced.set('/registry/signers', { body });
      },
    ],
    [
      'the key of the cosigner the node states: it is one of a log',
      undefined,
      /is not the key of a cosigner/,
      ({ log, replaced }) => {
        const body = JSON.stringify({ ...log.signers, cosigner_vkey: formatVkey(log.logKey.key) });
        replaced.set('/registry/signers', { body });
      },
    ],
    [
      'a checkpoint of another key',
      undefined,
      /not signed with the key/,
      asCheckpoint((log) => log.checkpoint(9, {}, noteSigner(LOG, 'ed25519'))),
    ],
    [
      'a checkpoint of another log',
      undefined,
      /is of other.example/,
      asCheckpoint((log) => log.checkpoint(9, { origin: 'other.example' })),
    ],
    [
      'the head',
      9,
      /another entry_b3/,
      ({ log, replaced }) => {
        const head = { ...log.headShown, entry_b3: log.entries[7]!.entryB3 };
        replaced.set('/registry/head', {
          body: JSON.stringify(head),
          headers: { etag: `"v9-${head.entry_b3.slice(3, 11)}"` },
        });
      },
    ],
    [
      'the ETag of the head',
      9,
      /the ETag of the head is "v8-00000000"/,
      ({ log, replaced }) => {
        replaced.set('/registry/head', { body: JSON.stringify(log.headShown), headers: { etag: '"v8-00000000"' } });
      },
    ],
    [
      'an error in place of the head that did not change',
      9,
      /If-None-Match "v9-[0-9a-f]{8}" answered 400/,
      headAgain(() => ({ status: 400, body: '' })),
    ],
    [
      'the head again, without a tag to compare',
      9,
      /If-None-Match "v9-[0-9a-f]{8}" answered 200/,
      headAgain((first) => ({ body: first?.body ?? '' })),
    ],
    ['a head whose checkpoint covers more than there is', 9, /its checkpoint covers 10 entries/, headCovering(10)],
    [
      'a head whose checkpoint covers less than the one that was served before it',
      9,
      /its checkpoint covers 8 entries, and one of 9 was served before/,
      headCovering(8),
    ],
    [
      'a version served on its own',
      9,
      /another than in the log/,
      ({ log, replaced }) => {
        replaced.set('/registry/9', { body: log.entries[7]!.line });
      },
    ],
    [
      'a proof of inclusion',
      9,
      /does not lead to the root/,
      ({ log, replaced }) => {
        replaced.set('/registry/9/proof', {
          body: log.proof(9).replace(/index 8\n./, (c) => c.replace(/.$/, (d) => (d === 'A' ? 'B' : 'A'))),
        });
      },
    ],
    [
      'a second root that is signed, shown in a proof alone',
      1,
      /shows a second root that is signed for 9 entries/,
      ({ log, replaced }) => {
        const fork = new BuiltLog(log.genesis);
        fork.entries.push(log.entries[0]!);
        while (fork.entries.length < 9) fork.add(ITEMS, AC);
        const checkpoint = parseSignedCheckpoint(fork.checkpoint(9, {}, log.logKey));
        const body = formatTlogProof({ index: 0, path: fork.tree.inclusionProof(0), checkpoint });
        replaced.set('/registry/1/proof', { body });
      },
    ],
    [
      'a proof of consistency',
      4,
      /size 4 continues size 2 does not verify|size 4 continues size 3 does not verify/,
      ({ log, replaced }) => {
        for (const from of [2, 3])
          replaced.set(`/registry/consistency?from=${from}&to=4`, {
            body: JSON.stringify({ ...log.consistency(1, 4), from }),
          });
      },
    ],
    [
      'the signers the node states',
      5,
      /not those the log leads to/,
      ({ log, replaced }) => {
        replaced.set('/registry/signers', { body: JSON.stringify({ ...log.signers, m: 1 }) });
      },
    ],
  ];
  test.each(cases)('%s', async (_name, version, says, tamper) => {
    await using served = await ServedLog.open(built());
    tamper(served);
    const failure = await failureOf(verified(served));
    expect(failure.message).toMatch(says);
    expect(failure.version).toBe(version);
  });
});
