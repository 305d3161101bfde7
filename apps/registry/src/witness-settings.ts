import { LIMITS } from '@macronode/contracts';
import { type NoteKey, parseVkey, TlogMalformed } from '@macronode/log';
import type { WitnessAddress } from './witness-client.ts';

/** Thrown for a setting that is no list of verifier keys. */
class WitnessSettingRefused extends Error {
  override readonly name = 'WitnessSettingRefused';
}

const listed = (text: string | undefined): readonly string[] =>
  text === undefined
    ? []
    : text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');

function keyOf(name: string, vkey: string): NoteKey {
  try {
    return parseVkey(vkey);
  } catch (cause) {
    if (!(cause instanceof TlogMalformed)) throw cause;
    throw new WitnessSettingRefused(`${name}: ${vkey.split('+', 1)[0] ?? ''} is no verifier key: ${cause.message}`, {
      cause,
    });
  }
}

/** `REGISTRY_WITNESSES`: `vkey=URL`, comma-separated. Base64 of a key may end in `=`, so the URL is found by its scheme. */
export function parseWitnesses(text: string | undefined): readonly WitnessAddress[] {
  const all = listed(text).map((part): WitnessAddress => {
    const match = /^(?<vkey>.+)=(?<url>https?:\/\/\S+)$/.exec(part)?.groups;
    if (match?.['vkey'] === undefined || match['url'] === undefined) {
      throw new WitnessSettingRefused(`REGISTRY_WITNESSES: write VKEY=URL, not ${part.slice(0, 64)}`);
    }
    return { key: keyOf('REGISTRY_WITNESSES', match['vkey']), url: match['url'].replace(/\/+$/, '') };
  });
  const max = LIMITS.registry_witnesses.value;
  if (all.length > max) throw new WitnessSettingRefused(`REGISTRY_WITNESSES: at most ${max}`);
  // What becomes of a checkpoint is counted by the name of the witness.
  const names = all.map(({ key }) => key.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new WitnessSettingRefused(`REGISTRY_WITNESSES: two witnesses have the name ${twice}`);
  return all;
}

/** `REGISTRY_WITNESSED`: verifier keys of logs, comma-separated. */
export const parseWitnessed = (text: string | undefined): readonly NoteKey[] =>
  listed(text).map((vkey) => keyOf('REGISTRY_WITNESSED', vkey));
