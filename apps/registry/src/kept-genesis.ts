import { canonicalJson } from '@macronode/content';
import { RegistryGenesis } from '@macronode/contracts';
import type { SignerSet } from '@macronode/log';
import { z } from 'zod';

/** Verifier keys of a log: of the one it signs its checkpoints with, and of the one it cosigns them with. */
export interface LogKeys {
  readonly vkey: string;
  readonly cosigner_vkey: string;
}

type FirstSet = Omit<RegistryGenesis, 'log'>;

/** A signer set as it is stored. */
export const signersText = ({ m, k_pq, signers }: Omit<SignerSet, 'version'>): string =>
  JSON.stringify({ m, k_pq, signers });

/** What a store keeps of how its log began: as its genesis file has it where it is written, with its keys where it is followed. */
export type KeptGenesis =
  | { readonly role: 'written'; readonly set: FirstSet }
  | { readonly role: 'followed'; readonly set: FirstSet; readonly keys: LogKeys };

const Written = RegistryGenesis.transform(({ m, k_pq, signers }): KeptGenesis => ({
  role: 'written',
  set: { m, k_pq, signers },
}));

const Followed = z
  .strictObject({ genesis: RegistryGenesis.omit({ log: true }), vkey: z.string(), cosigner_vkey: z.string() })
  .transform(({ genesis, ...keys }): KeptGenesis => ({ role: 'followed', set: genesis, keys }));

/** Throws for a text of neither kind: it was changed. */
export function readKeptGenesis(text: string): KeptGenesis {
  try {
    return z.union([Written, Followed]).parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('what the log keeps of how it began cannot be read: it was changed', { cause });
  }
}

/** How a replica keeps it. */
export const followedGenesis = (genesis: FirstSet, { vkey, cosigner_vkey }: LogKeys): string =>
  canonicalJson({ genesis, vkey, cosigner_vkey });
