import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '@macronode/content';
import { REGISTRY_APPROVAL_DOMAIN, REGISTRY_REQUEST_DOMAIN, REGISTRY_SCHEMA_VERSION } from '@macronode/contracts';
import { canonical } from '../../k6/flows/canonical.ts';
import { APPROVAL_DOMAIN, REQUEST_DOMAIN, SCHEMA_VERSION } from '../../k6/flows/governed-log.ts';

describe('what flows sign', () => {
  it('is spelled as the node spells it', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.string(),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (one) => {
        expect(canonical(one)).toBe(canonicalJson(one));
      }),
    );
  });

  it('is signed for the purposes the contract names', () => {
    expect([APPROVAL_DOMAIN, REQUEST_DOMAIN, SCHEMA_VERSION]).toEqual([
      REGISTRY_APPROVAL_DOMAIN,
      REGISTRY_REQUEST_DOMAIN,
      REGISTRY_SCHEMA_VERSION,
    ]);
  });
});
