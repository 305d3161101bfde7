import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashTree } from './hash-tree.ts';
import type { TlogMalformedReason } from './malformed.ts';
import { leafHash, verifyConsistency } from './merkle.ts';
import { signCheckpoint } from './signed-checkpoint.ts';
import { signerNamed } from './signer-fixture.ts';
import {
  ADD_CHECKPOINT_BYTES_MAX,
  formatAddCheckpoint,
  formatKnownSize,
  parseAddCheckpoint,
  parseKnownSize,
} from './witness-protocol.ts';
import type { AddCheckpointRequest } from './witness-protocol.ts';

/** The example of c2sp.org/tlog-witness. */
const SPEC_BODY = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;

describe('a request to a witness', () => {
  it('is that of the specification', () => {
    const request = parseAddCheckpoint(Buffer.from(SPEC_BODY));
    expect(request.oldSize).toBe(20_852_014);
    expect(request.consistency).toHaveLength(4);
    expect(request.checkpoint.checkpoint.size).toBe(20_852_163);
    expect(request.checkpoint.signatures).toHaveLength(2);
    expect(formatAddCheckpoint(request)).toBe(SPEC_BODY);
  });

  const tree = new HashTree();
  for (let index = 0; index < 500; index += 1) tree.append(leafHash(Buffer.from(`leaf ${index}`)));
  const log = signerNamed('example.com/log', 'ed25519');
  function requestOf(oldSize: number, size: number): AddCheckpointRequest {
    const checkpoint = { origin: 'example.com/log', size, root: tree.root(size), extensions: [] };
    const signatures = [signCheckpoint(checkpoint, 0, log)];
    return { oldSize, consistency: tree.consistencyProof(oldSize, size), checkpoint: { checkpoint, signatures } };
  }

  it('comes back the same, with a proof that verifies', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(), (size, a) => {
        const oldSize = a % (size + 1);
        const body = formatAddCheckpoint(requestOf(oldSize, size));
        const read = parseAddCheckpoint(body);
        expect(formatAddCheckpoint(read)).toBe(body);
        const { checkpoint } = read.checkpoint;
        const claim = {
          from: read.oldSize,
          fromRoot: tree.root(oldSize),
          to: checkpoint.size,
          toRoot: checkpoint.root,
        };
        expect(verifyConsistency(claim, read.consistency)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  const hashLine = 'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=';
  it.each<[string, string, TlogMalformedReason]>([
    ['nothing', '', 'old_size'],
    ['a checkpoint only', SPEC_BODY.slice(SPEC_BODY.indexOf('example')), 'old_size'],
    ['no old size', SPEC_BODY.replace('old 20852014\n', ''), 'old_size'],
    ['an empty line first', `\n${SPEC_BODY}`, 'old_size'],
    ['a leading zero', SPEC_BODY.replace('old 2', 'old 02'), 'old_size'],
    ['two spaces', SPEC_BODY.replace('old ', 'old  '), 'old_size'],
    ['no space', SPEC_BODY.replace('old ', 'old'), 'old_size'],
    ['upper case', SPEC_BODY.replace('old', 'Old'), 'old_size'],
    ['a minus', SPEC_BODY.replace('old ', 'old -'), 'old_size'],
    ['an old size over 2^53 - 1', SPEC_BODY.replace('old 20852014', 'old 9007199254740992'), 'old_size'],
    ['carriage returns', SPEC_BODY.replaceAll('\n', '\r\n'), 'old_size'],
    ['a short hash', SPEC_BODY.replace(hashLine, 'AAAA'), 'consistency_proof'],
    ['a hash and a space', SPEC_BODY.replace(hashLine, `${hashLine} `), 'consistency_proof'],
    ['64 proof lines', SPEC_BODY.replace(hashLine, Array(61).fill(hashLine).join('\n')), 'consistency_proof'],
    ['no empty line', SPEC_BODY.replace('\n\n', '\n'), 'consistency_proof'],
    ['two empty lines', SPEC_BODY.replace('\n\n', '\n\n\n'), 'origin'],
    ['no checkpoint', SPEC_BODY.slice(0, SPEC_BODY.indexOf('\n\n') + 2), 'note_text'],
    ['an unsigned checkpoint', SPEC_BODY.slice(0, SPEC_BODY.lastIndexOf('\n\n') + 2), 'signature_line'],
    ['too many bytes', SPEC_BODY + 'a'.repeat(ADD_CHECKPOINT_BYTES_MAX), 'too_large'],
  ])('with %s is refused', (_, body, reason) => {
    expect(() => parseAddCheckpoint(body)).toThrow(expect.objectContaining({ name: 'TlogMalformed', reason }));
  });

  it('may have 63 proof lines and none', () => {
    const many = SPEC_BODY.replace(hashLine, Array(60).fill(hashLine).join('\n'));
    expect(parseAddCheckpoint(many).consistency).toHaveLength(63);
    expect(formatAddCheckpoint(parseAddCheckpoint(many))).toBe(many);
    expect(parseAddCheckpoint(formatAddCheckpoint(requestOf(0, 9))).consistency).toEqual([]);
  });

  it('is not written from what could not be read', () => {
    const good = parseAddCheckpoint(SPEC_BODY);
    for (const bad of [
      { ...good, oldSize: -1 },
      { ...good, oldSize: 2 ** 53 },
      { ...good, consistency: Array<Uint8Array>(64).fill(Buffer.alloc(32)) },
      { ...good, consistency: [Buffer.alloc(31)] },
    ]) {
      expect(() => formatAddCheckpoint(bad)).toThrow(RangeError);
    }
  });
});

describe('the size a witness answers it knows', () => {
  it('is one line', () => {
    expect(formatKnownSize(20_852_163)).toBe('20852163\n');
    expect(parseKnownSize(Buffer.from('20852163\n'))).toBe(20_852_163);
    expect(parseKnownSize('0\n')).toBe(0);
    for (const bad of ['', '1', '01\n', '1\n\n', ' 1\n', '-1\n', '9007199254740992\n']) {
      expect(() => parseKnownSize(bad)).toThrow(expect.objectContaining({ reason: 'tree_size' }));
    }
    expect(() => parseKnownSize('1'.repeat(33))).toThrow(expect.objectContaining({ reason: 'too_large' }));
  });
});
