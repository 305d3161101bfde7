import { type Command, InvalidArgumentError } from 'commander';
import { SignerId } from '@macronode/contracts';
import { KeyFileError, SignerKey } from '@macronode/keys';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';

/** Who signs, and with which key. */
export interface Identity {
  readonly signerId: string;
  readonly key: SignerKey;
}

/** The options of a command that signs. */
export interface SigningOptions {
  readonly key: string;
  readonly signer: string;
}

const signerId = (text: string): string => {
  if (!SignerId.safeParse(text).success) throw new InvalidArgumentError('a signer id such as org:example#key1');
  return text;
};

/** A signer and the file of its key, as `ID=FILE`. */
export interface NamedKey {
  readonly signer: string;
  readonly file: string;
}

export const namedKey = (text: string): NamedKey => {
  const cut = text.indexOf('=');
  if (cut < 1 || cut === text.length - 1) throw new InvalidArgumentError('a signer id and a key file: ID=FILE');
  return { signer: signerId(text.slice(0, cut)), file: text.slice(cut + 1) };
};

export const namedKeys = (text: string, list: readonly NamedKey[] | undefined): NamedKey[] => [
  ...(list ?? []),
  namedKey(text),
];

/** Adds `--key` and `--signer` to a command. */
export const signing = (command: Command): Command =>
  command
    .requiredOption('--key <file>', 'key file of the signer, as `ronctl registry keygen` writes it')
    .requiredOption('--signer <id>', 'who signs: its id in the signer set', signerId);

/** Reads a key file, or says what to do about it. */
export function loadKey(file: string): SignerKey {
  let key: SignerKey | undefined;
  try {
    key = SignerKey.load(file);
  } catch (error) {
    if (error instanceof KeyFileError) throw new Failure(EXIT.error, error.message, { cause: error });
    throw error;
  }
  if (key !== undefined) return key;
  throw new Failure(EXIT.error, `there is no key file ${file}`, {
    hint: `make one with: ronctl registry keygen --out ${file}`,
  });
}

export const identityOf = ({ key, signer }: SigningOptions): Identity => ({ signerId: signer, key: loadKey(key) });
