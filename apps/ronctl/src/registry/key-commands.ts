import { open } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LIMITS, LogName, type RegistryGenesis, type Signer } from '@macronode/contracts';
import { type Algorithm, SignerKey } from '@macronode/keys';
import { admitSignerSet, signerOf, SignerSetRefused } from '@macronode/log';
import { type Globals, integer } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { note, print, type Terminal } from '../terminal.ts';
import { loadKey, type NamedKey, namedKeys } from './key-arguments.ts';

interface KeygenOptions {
  readonly algo?: Algorithm;
  readonly out?: string;
  readonly genesis?: string;
  readonly log?: string;
  readonly signer?: readonly NamedKey[];
  readonly m?: number;
  readonly kPq?: number;
}

const DEFAULT_KEY_FILE = 'signer.key';
const DEFAULT_ALGO: Algorithm = 'ed25519';

const logName = (text: string): string => {
  if (!LogName.safeParse(text).success) throw new InvalidArgumentError('a host name with an optional path');
  return text;
};

const signerCount = integer(1, LIMITS.registry_signers.value);

/** `keygen`: the key of a signer; or, with --genesis, a signer set with the proof that each key is held. */
export function addKeyCommands(registry: Command, terminal: Terminal): void {
  registry
    .command('keygen')
    .description(
      'make the key of a signer; with --genesis: the signer set of a log, or of a rotation, from keys there are',
    )
    .addOption(
      new Option('--algo <algo>', `algorithm of the key (default: ${DEFAULT_ALGO})`).choices(['ed25519', 'ml-dsa-44']),
    )
    .option('--out <file>', `key file to make; an existing one is never replaced (default: ${DEFAULT_KEY_FILE})`)
    .option(
      '--genesis <file>',
      'signer set to write, for REGISTRY_GENESIS or `propose --signers`; with --log, --signer and --m',
    )
    .option('--log <name>', 'name of the log the set is for', logName)
    .option('--signer <id=file>', 'member of the set and its key file; once for each', namedKeys)
    .option('--m <n>', 'how many of them must approve', signerCount)
    .option(
      '--k-pq <n>',
      'how many of those with an ML-DSA-44 key (default: 0)',
      integer(0, LIMITS.registry_signers.value),
    )
    .action(async (options: KeygenOptions, self: Command) => {
      const { json } = self.optsWithGlobals<Globals>();
      if (options.genesis === undefined) makeKey(terminal, json, options);
      else await makeSet(terminal, json, options.genesis, options);
    });
}

function makeKey(terminal: Terminal, json: boolean, options: KeygenOptions): void {
  const { algo = DEFAULT_ALGO, out = DEFAULT_KEY_FILE } = options;
  if ([options.log, options.signer, options.m, options.kPq].some((each) => each !== undefined)) {
    throw new Failure(EXIT.usage, '--log, --signer, --m and --k-pq are for a signer set: name its file with --genesis');
  }
  const key = SignerKey.create(out, algo);
  if (key === undefined) {
    throw new Failure(EXIT.error, `${out} is there already; a key is never replaced`, {
      hint: 'name another file with --out',
    });
  }
  print(terminal, json, { file: out, algo, public_key: key.publicKeyHex }, () => [key.publicKeyHex]);
  if (!json) note(terminal, `${algo} key in ${out}: keep it secret and backed up; what is printed is its public half`);
}

async function makeSet(terminal: Terminal, json: boolean, file: string, options: KeygenOptions): Promise<void> {
  const { log, signer: named = [], m, kPq = 0 } = options;
  if (log === undefined || named.length === 0 || m === undefined) {
    throw new Failure(EXIT.usage, 'a signer set needs --log NAME, --m N and a --signer ID=FILE for each member');
  }
  for (const name of ['out', 'algo'] as const) {
    if (options[name] !== undefined) throw new Failure(EXIT.usage, `--${name} and --genesis exclude each other`);
  }
  const genesis: RegistryGenesis = { log, m, k_pq: kPq, signers: named.map((each) => memberOf(log, each)) };
  try {
    admitSignerSet(log, genesis);
  } catch (cause) {
    if (!(cause instanceof SignerSetRefused)) throw cause;
    throw new Failure(EXIT.error, `no log takes this set: ${cause.message}`, { cause });
  }
  await writeNew(file, `${JSON.stringify(genesis, undefined, 2)}\n`);
  print(terminal, json, { file, ...genesis }, () => [file]);
  if (json) return;
  note(terminal, `${log}: ${m} of ${named.length} signers approve, ${kPq} of them post-quantum`);
  if (2 * m <= named.length) note(terminal, 'note: two halves of these signers could approve different things');
  note(
    terminal,
    `next: start the registry with REGISTRY_GENESIS=${file}, or propose it with: ronctl registry propose --signers ${file}`,
  );
}

const memberOf = (log: string, { signer, file }: NamedKey): Signer => signerOf(loadKey(file), log, signer);

/** Writes a file that is not there yet. */
async function writeNew(file: string, text: string): Promise<void> {
  let handle;
  try {
    handle = await open(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Failure(EXIT.error, `${file} is there already; it is left as it is`, { hint: 'name another file' });
  }
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
