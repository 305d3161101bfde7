import type { Command } from 'commander';
import {
  parseSignatureLines,
  parseSignedCheckpoint,
  type NoteKey,
  type NoteSignature,
  parseVkey,
  TlogMalformed,
  verifyCosignature,
} from '@macronode/log';
import { clientOf, httpUrl } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { note, print, table, type Terminal } from '../terminal.ts';
import { RegistryClient } from './registry-client.ts';
import { submitCheckpoint } from './witness-submission.ts';

interface WitnessOptions {
  readonly to?: string;
  readonly vkey?: string;
  readonly show: boolean;
}

/** A signature as its line tells it. A time stands before the signature of a cosigner, whose key decides what it is. */
interface ShownSignature {
  readonly name: string;
  readonly key_id: string;
  readonly cosigned_at: string | null;
}

/** Bytes of a signature that has a time before it: Ed25519, ML-DSA-44. */
const TIMED_BYTES: ReadonlySet<number> = new Set([8 + 64, 8 + 2_420]);
const MS_PER_SECOND = 1_000;

function shown({ name, keyId, bytes }: NoteSignature): ShownSignature {
  const seconds = TIMED_BYTES.has(bytes.length) ? Number(Buffer.from(bytes).readBigUInt64BE()) : 0;
  const at = seconds * MS_PER_SECOND;
  return {
    name,
    key_id: keyId.toString(16).padStart(8, '0'),
    cosigned_at: seconds > 0 && Number.isFinite(new Date(at).getTime()) ? new Date(at).toISOString() : null,
  };
}

/** `witness`: has the checkpoint of the node cosigned, or shows who has. */
export function addWitnessCommand(registry: Command, terminal: Terminal): void {
  registry
    .command('witness')
    .description(
      'have a witness cosign the checkpoint of the node (C2SP tlog-witness), and print its lines; or --show who has',
    )
    .option('--to <url>', 'submission address of the witness, without add-checkpoint', httpUrl)
    .option('--vkey <key>', 'verifier key of the witness: its cosignature is verified')
    .option('--show', 'the signatures on the checkpoint as it is', false)
    .action(async ({ to, vkey, show }: WitnessOptions, self: Command) => {
      const { client, globals } = clientOf(self, terminal);
      if (show === (to !== undefined)) throw new Failure(EXIT.usage, 'name a witness with --to URL, or ask for --show');
      if (show && vkey !== undefined)
        throw new Failure(EXIT.usage, '--vkey is for a witness that is asked: not with --show');
      const key = vkey === undefined ? undefined : readVkey(vkey);
      const registryClient = new RegistryClient(client);
      const text = await registryClient.checkpoint();
      if (to === undefined) {
        showSignatures(terminal, globals.json, text);
        return;
      }
      const lines = await submitCheckpoint(registryClient, text, to, globals.timeout, terminal.signal);
      const at = key === undefined ? undefined : cosignedAt(text, lines, key);
      print(terminal, globals.json, { to, lines: lines.trimEnd().split('\n'), cosigned_at: at ?? null }, () => [
        lines.trimEnd(),
      ]);
      if (!globals.json)
        note(
          terminal,
          at === undefined ? 'not verified: name the key of the witness with --vkey' : `verified, cosigned ${at}`,
        );
    });
}

function showSignatures(terminal: Terminal, json: boolean, text: string): void {
  const { checkpoint, signatures } = parseSignedCheckpoint(text);
  const rows = signatures.map(shown);
  const { origin, size } = checkpoint;
  print(
    terminal,
    json,
    { log: origin, size, root: Buffer.from(checkpoint.root).toString('base64'), signatures: rows },
    () =>
      table(
        [
          ['SIGNED BY', 'KEY', 'COSIGNED'],
          ...rows.map(({ name, key_id, cosigned_at }) => [name, key_id, cosigned_at ?? '-']),
        ],
        (cell) => cell,
      ),
  );
  if (!json) note(terminal, `checkpoint of ${size} entries of ${origin}`);
}

function readVkey(vkey: string): NoteKey {
  try {
    return parseVkey(vkey);
  } catch (cause) {
    if (!(cause instanceof TlogMalformed)) throw cause;
    throw new Failure(EXIT.usage, `--vkey is no verifier key: ${cause.message}`, { cause });
  }
}

function cosignedAt(text: string, lines: string, key: NoteKey): string {
  const { checkpoint } = parseSignedCheckpoint(text);
  for (const signature of parseSignatureLines(lines)) {
    const seconds = verifyCosignature(checkpoint, signature, key);
    if (seconds !== undefined) return new Date(seconds * MS_PER_SECOND).toISOString();
  }
  throw new Failure(EXIT.integrity, `no line is a cosignature of ${key.name} on this checkpoint`);
}
