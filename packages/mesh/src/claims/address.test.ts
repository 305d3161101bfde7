import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressText, canonicalAddress } from './address.ts';

describe('canonicalAddress', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::192.0.2.7', '::c000:207'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['0:0:3:4:5:6:7:8', '::3:4:5:6:7:8'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
  ])('of %s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it.each([
    '',
    ' ',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.04',
    '256.1.1.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1.2.3.4:80',
    '0x7f.0.0.1',
    '2130706433',
    '１.2.3.4',
    '[::1]',
    '[::1]:80',
    '::1:80:',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1%eth0',
    'fe80::1%1',
    'fe80::1%',
    '::ffff:1.2.3',
    '::ffff:01.2.3.4',
    '1.2.3.4::',
    '::1/128',
    '1'.repeat(1_000_000),
    '0:'.repeat(1_000_000),
  ])('is none for %.40s', (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
    expect(addressBytes(text)).toBeUndefined();
  });

  it('has one spelling for 16 bytes, and 16 bytes for a spelling', () => {
    const sparse = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(sparse, (numbers) => {
        const bytes = Uint8Array.from(numbers);
        const text = addressText(bytes);
        expect(isIP(text)).toBeGreaterThan(0);
        expect(canonicalAddress(text)).toBe(text);
        expect(addressBytes(text)).toEqual(bytes);
        const full = numbers.map((byte) => byte.toString(16).padStart(2, '0')).join('');
        expect(canonicalAddress((full.match(/.{4}/g) ?? []).join(':').toUpperCase())).toBe(text);
      }),
    );
  });

  it('writes what the URL parser writes', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text);
        // The parser keeps IPv4-mapped addresses in IPv6 form.
        if (canonical?.includes(':') === true) expect(new URL(`http://[${text}]/`).hostname).toBe(`[${canonical}]`);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%[]/ '), maxLength: 50 }), (text) => {
        const canonical = canonicalAddress(text);
        if (canonical !== undefined) expect(isIP(text)).toBeGreaterThan(0);
      }),
    );
  });
});

it('bytes of an address are those of its canonical form only', () => {
  expect(addressBytes('192.0.2.7')).toEqual(
    Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, 192, 0, 2, 7]),
  );
  expect(addressBytes('::ffff:192.0.2.7')).toBeUndefined();
  expect(addressBytes('2001:DB8::1')).toBeUndefined();
});
