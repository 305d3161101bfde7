import { readFileSync } from 'node:fs';
import { canonicalJson, parseStrictJson, StrictJsonError } from '@macronode/content';
import { RegistryGenesis } from '@macronode/contracts';
import { admitSignerSet, SignerSetRefused } from '@macronode/log';
import { ZodError } from 'zod';

/** Thrown when the genesis file cannot begin a log. */
class GenesisRefused extends Error {
  override readonly name = 'GenesisRefused';

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`REGISTRY_GENESIS ${file}: ${problem}. Write one with: ronctl registry keygen --genesis`, options);
  }
}

export interface Genesis {
  readonly value: RegistryGenesis;
  /** Its canonical form: a log keeps it, and later starts must bring the same. */
  readonly text: string;
}

/** Reads and admits the signer set a log begins with. Throws {@link GenesisRefused}. */
export function readGenesis(file: string): Genesis {
  try {
    const value = RegistryGenesis.parse(parseStrictJson(readFileSync(file)));
    admitSignerSet(value.log, value);
    return { value, text: canonicalJson(value) };
  } catch (cause) {
    if (cause instanceof ZodError) {
      const [issue] = cause.issues;
      throw new GenesisRefused(file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`, { cause });
    }
    if (cause instanceof StrictJsonError || cause instanceof SignerSetRefused || isSystemError(cause)) {
      throw new GenesisRefused(file, cause.message, { cause });
    }
    throw cause;
  }
}

const isSystemError = (error: unknown): error is Error => error instanceof Error && 'code' in error;
