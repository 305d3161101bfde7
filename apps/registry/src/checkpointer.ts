import {
  addSignatures,
  type Checkpoint,
  formatCheckpoint,
  formatNote,
  formatVkey,
  type Note,
  type NoteKey,
  noteKey,
  type NoteSignature,
  type NoteSigner,
  signCheckpoint,
  type SignedCheckpoint,
} from '@macronode/log';
import type { SigningKey } from '@macronode/keys';
import type { Clock } from './clock.ts';
import type { RegistryMetrics } from './metrics.ts';
import type { Published } from './published.ts';

/** Signs the bytes of a note: its first line is what our keys call the domain, so that the two agree on every byte. */
function signerOf(key: NoteKey, signing: SigningKey): NoteSigner {
  return {
    key,
    sign(message) {
      const cut = message.indexOf(0x0a) + 1;
      const domain = Buffer.from(message.subarray(0, cut)).toString('utf8');
      return Buffer.from(signing.sign(domain, message.subarray(cut)), 'base64');
    },
  };
}

/** The keys a log signs its checkpoints with and cosigns them with, as others know them. */
export const noteKeysOf = (
  log: string,
  logKey: Pick<SigningKey, 'publicKeyHex'>,
  cosignerKey: Pick<SigningKey, 'publicKeyHex'>,
): { readonly log: NoteKey; readonly cosigner: NoteKey } => ({
  log: noteKey(log, 'ed25519', logKey.publicKeyHex),
  cosigner: noteKey(`${log}/cosigner`, 'cosignature-ed25519', cosignerKey.publicKeyHex),
});

export interface CheckpointerOptions {
  /** Name of the log: the origin of its checkpoints and the name of its key. */
  readonly log: string;
  readonly logKey: SigningKey;
  readonly cosignerKey: SigningKey;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
}

/** The checkpoint others see: signed by the log, cosigned with a time by this node and, later, by witnesses. */
export class Checkpointer implements Published {
  readonly vkey: string;
  readonly cosignerVkey: string;
  readonly #options: CheckpointerOptions;
  readonly #log: NoteSigner;
  readonly #cosigner: NoteSigner;
  #checkpoint: Checkpoint | undefined;
  #note: Note | undefined;
  #text: string | undefined;
  #signedAt = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    const keys = noteKeysOf(options.log, options.logKey, options.cosignerKey);
    this.#log = signerOf(keys.log, options.logKey);
    this.#cosigner = signerOf(keys.cosigner, options.cosignerKey);
    this.vkey = formatVkey(this.#log.key);
    this.cosignerVkey = formatVkey(this.#cosigner.key);
    options.metrics.checkpointAge.collect(() => this.ageSeconds());
  }

  /** This node as a witness of others: the same key that cosigns its own checkpoints. */
  get cosigner(): NoteSigner {
    return this.#cosigner;
  }

  /** Signs a new size. Whoever calls has made sure that it is the only root this log signs for it. */
  publish(size: number, root: Uint8Array): void {
    const checkpoint = { origin: this.#options.log, size, root, extensions: [] };
    this.#checkpoint = checkpoint;
    this.#note = { text: formatCheckpoint(checkpoint), signatures: [signCheckpoint(checkpoint, 0, this.#log)] };
    this.resign();
  }

  /** Says again, with the time of now, that this is the newest there is. Signatures of others stay. */
  resign(): void {
    if (this.#note === undefined || this.#checkpoint === undefined) return;
    this.#signedAt = this.#options.clock.wallMs();
    const own = signCheckpoint(this.#checkpoint, Math.floor(this.#signedAt / 1_000), this.#cosigner);
    this.#note = addSignatures(this.#note, [own]);
    this.#text = undefined;
  }

  /** Adds the cosignatures of a witness, unless the log has gone on since. */
  embed(size: number, signatures: readonly NoteSignature[]): void {
    if (this.#note === undefined || this.#checkpoint?.size !== size) return;
    this.#note = addSignatures(this.#note, signatures);
    this.#text = undefined;
  }

  /** The signed note; undefined before anything was signed. */
  get text(): string | undefined {
    if (this.#note === undefined) return undefined;
    this.#text ??= formatNote(this.#note);
    return this.#text;
  }

  get signed(): SignedCheckpoint | undefined {
    if (this.#checkpoint === undefined || this.#note === undefined) return undefined;
    return { checkpoint: this.#checkpoint, signatures: this.#note.signatures };
  }

  ageSeconds(): number {
    return this.#note === undefined ? 0 : Math.max(0, this.#options.clock.wallMs() - this.#signedAt) / 1_000;
  }
}
