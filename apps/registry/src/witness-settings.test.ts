import { NodeKey } from '@macronode/keys';
import { formatVkey, noteKey } from '@macronode/log';
import { describe, expect, it } from 'vitest';
import { parseWitnesses } from './witness-settings.ts';

const setting = (name: string, url: string): string =>
  `${formatVkey(noteKey(name, 'cosignature-ed25519', NodeKey.ephemeral().publicKeyHex))}=${url}`;

describe('the witnesses of a log', () => {
  it('are those that are listed', () => {
    const text = [setting('a.example/w', 'https://a.example/'), setting('b.example/w', 'https://b.example')].join(', ');
    expect(parseWitnesses(text).map(({ key, url }) => [key.name, url])).toEqual([
      ['a.example/w', 'https://a.example'],
      ['b.example/w', 'https://b.example'],
    ]);
  });

  it('have each a name of their own, whatever their keys: they are counted by it', () => {
    const text = ['a', 'b', 'a'].map((name) => setting(`${name}.example/w`, `https://${name}.example`)).join();
    expect(() => parseWitnesses(text)).toThrow('REGISTRY_WITNESSES: two witnesses have the name a.example/w');
  });
});
