import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashTree } from './hash-tree.ts';
import type { TlogMalformedReason } from './malformed.ts';
import { leafHash } from './merkle.ts';
import { signCheckpoint } from './signed-checkpoint.ts';
import { signerNamed } from './signer-fixture.ts';
import { PROOF_BYTES_MAX, formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts';
import type { TlogProof } from './tlog-proof.ts';

const ORIGIN = 'registry.example/main';
const LEAVES = Array.from({ length: 300 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const tree = new HashTree();
tree.appendAll(LEAVES);

const log = signerNamed(ORIGIN, 'ed25519');
const witnesses = [
  signerNamed('witness1.example', 'cosignature-ml-dsa-44'),
  signerNamed('witness2.example', 'cosignature-ed25519'),
];
const policy = {
  origin: ORIGIN,
  logKeys: [log.key],
  witnessKeys: witnesses.map((witness) => witness.key),
  quorum: 2,
};

function proofOf(index: number, size: number, signers = [log, ...witnesses]): TlogProof {
  const checkpoint = { origin: ORIGIN, size, root: tree.root(size), extensions: [] };
  const signatures = signers.map((signer) => signCheckpoint(checkpoint, 1_700_000_000, signer));
  return { index, path: tree.inclusionProof(index, size), checkpoint: { checkpoint, signatures } };
}

describe('a proof in text', () => {
  it('has the lines of the specification', () => {
    const proof = { ...proofOf(1, 3, [log]), extra: Buffer.from('extra') };
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const lines = formatTlogProof(proof).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'c2sp.org/tlog-proof@v1',
      'extra ZXh0cmE=',
      'index 1',
      base64(LEAVES[0]!),
      base64(LEAVES[2]!),
      '',
    ]);
    expect(lines.slice(6, 10)).toEqual([ORIGIN, '3', base64(tree.root(3)), '']);
    expect(lines[10]).toMatch(/^\u2014 registry\.example\/main [A-Za-z0-9+/]+=*$/);
    expect(lines.slice(11)).toEqual(['']);
  });

  it('comes back the same, and proves its entry offline', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined }),
        (size, a, extra) => {
          const index = a % size;
          const text = formatTlogProof({ ...proofOf(index, size), ...(extra === undefined ? {} : { extra }) });
          const read = parseTlogProof(Buffer.from(text));
          expect(formatTlogProof(read)).toBe(text);
          expect(read.extra === undefined ? undefined : [...read.extra]).toEqual(extra && [...extra]);
          expect(verifyTlogProof(read, LEAVES[index]!, policy)).toMatchObject({ ok: true });
          expect(verifyTlogProof(read, LEAVES[index + 1] ?? LEAVES[0]!, policy).ok).toBe(size === 1 && index === 299);
        },
      ),
      { numRuns: 30 },
    );
  });

  const text = formatTlogProof(proofOf(2, 9, [log]));
  const hashLine = text.split('\n')[2]!;
  it.each<[string, string, TlogMalformedReason]>([
    ['nothing', '', 'proof_header'],
    ['another version', text.replace('@v1', '@v2'), 'proof_header'],
    ['space after the version', text.replace('@v1', '@v1 '), 'proof_header'],
    ['an empty line first', `\n${text}`, 'proof_header'],
    ['carriage returns', text.replaceAll('\n', '\r\n'), 'proof_header'],
    ['no index', text.replace('index 2\n', ''), 'proof_index'],
    ['a leading zero', text.replace('index 2', 'index 02'), 'proof_index'],
    ['a minus', text.replace('index 2', 'index -2'), 'proof_index'],
    ['two spaces', text.replace('index 2', 'index  2'), 'proof_index'],
    ['an index over 2^53 - 1', text.replace('index 2', 'index 9007199254740992'), 'proof_index'],
    ['empty extra data', text.replace('index', 'extra \nindex'), 'proof_extra'],
    ['extra data not in base64', text.replace('index', 'extra a\nindex'), 'proof_extra'],
    ['too much extra data', text.replace('index', `extra ${'AAAA'.repeat(22_000)}\nindex`), 'proof_extra'],
    ['extra data twice', text.replace('index', 'extra AAAA\nextra AAAA\nindex'), 'proof_index'],
    ['extra data after the index', text.replace(hashLine, `extra AAAA\n${hashLine}`), 'proof_path'],
    ['a short hash', text.replace(hashLine, 'AAAA'), 'proof_path'],
    ['a hash and a space', text.replace(hashLine, `${hashLine} `), 'proof_path'],
    ['too long a path', text.replace(hashLine, Array(60).fill(hashLine).join('\n')), 'proof_path'],
    ['an empty line in the path', text.replace(hashLine, `\n${hashLine}`), 'checkpoint_lines'],
    ['no checkpoint', text.slice(0, text.indexOf('\n\n') + 2), 'note_text'],
    ['an unsigned checkpoint', text.slice(0, text.lastIndexOf('\n\n') + 2), 'signature_line'],
    ['too many bytes', text + 'a'.repeat(PROOF_BYTES_MAX), 'too_large'],
  ])('with %s is refused', (_, bad, reason) => {
    expect(() => parseTlogProof(bad)).toThrow(expect.objectContaining({ name: 'TlogMalformed', reason }));
  });

  it('is not written from what could not be read', () => {
    const good = proofOf(2, 9, [log]);
    for (const bad of [
      { ...good, index: -1 },
      { ...good, index: 0.5 },
      { ...good, path: [Buffer.alloc(31)] },
      { ...good, path: Array<Uint8Array>(54).fill(LEAVES[0]!) },
      { ...good, extra: Buffer.alloc(0) },
      { ...good, extra: Buffer.alloc(65_537) },
      { ...good, checkpoint: { ...good.checkpoint, signatures: [] } },
    ]) {
      expect(() => formatTlogProof(bad)).toThrow(RangeError);
    }
  });
});

describe('a proof', () => {
  const leaf = LEAVES[2]!;

  it('tells who cosigned, and when', () => {
    expect(verifyTlogProof(proofOf(2, 9), leaf, policy)).toEqual({
      ok: true,
      cosignatures: witnesses.map(({ key }) => ({ key, timestamp: 1_700_000_000 })),
    });
    expect(verifyTlogProof(proofOf(2, 9, [log]), leaf, { ...policy, quorum: 0 })).toEqual({
      ok: true,
      cosignatures: [],
    });
  });

  it('proves nothing about another log', () => {
    expect(verifyTlogProof(proofOf(2, 9), leaf, { ...policy, origin: 'registry.example/fork' })).toEqual({
      ok: false,
      reason: 'origin',
    });
  });

  it('needs the signature of the log', () => {
    for (const signers of [witnesses, [signerNamed(ORIGIN, 'ed25519'), ...witnesses]]) {
      expect(verifyTlogProof(proofOf(2, 9, signers), leaf, policy)).toEqual({ ok: false, reason: 'log_signature' });
    }
  });

  it('needs its quorum of witnesses, each counted once and only for a cosignature', () => {
    const [first, second] = witnesses as [(typeof witnesses)[0], (typeof witnesses)[0]];
    const sameName = signerNamed(first.key.name, 'cosignature-ed25519');
    const bare = signerNamed('witness3.example', 'ed25519');
    const witnessKeys = [first, second, sameName, bare].map(({ key }) => key);
    const verdict = (signers: (typeof first)[], quorum = 2): unknown =>
      verifyTlogProof(proofOf(2, 9, signers), leaf, { ...policy, witnessKeys, quorum });
    expect(verdict([log, first, second])).toMatchObject({ ok: true });
    for (const signers of [[log], [log, first], [log, first, sameName], [log, first, bare]]) {
      expect(verdict(signers)).toEqual({ ok: false, reason: 'quorum' });
    }
    for (const none of [3, Number.NaN]) expect(verdict([log, first, second], none)).toMatchObject({ reason: 'quorum' });
  });

  it('proves nothing with a forged cosignature of a known witness', () => {
    const proof = proofOf(2, 9);
    const signatures = proof.checkpoint.signatures.with(2, {
      ...proof.checkpoint.signatures[2]!,
      bytes: Buffer.alloc(72),
    });
    const forged = { ...proof, checkpoint: { ...proof.checkpoint, signatures } };
    expect(verifyTlogProof(forged, leaf, { ...policy, quorum: 1 })).toEqual({ ok: false, reason: 'quorum' });
  });

  it('needs the path of its index', () => {
    const proof = proofOf(2, 9);
    for (const bad of [
      { ...proof, index: 3 },
      { ...proof, index: 9 },
      { ...proof, path: proof.path.slice(1) },
    ]) {
      expect(verifyTlogProof(bad, leaf, policy)).toEqual({ ok: false, reason: 'inclusion' });
    }
    expect(verifyTlogProof(proof, LEAVES[3]!, policy)).toEqual({ ok: false, reason: 'inclusion' });
  });
});
