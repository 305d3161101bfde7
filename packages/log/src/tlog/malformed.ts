/**
 * Why an input of the log's formats is refused. `too_large` and `encoding` are of the whole input, the others name the
 * part of the format that is not as its specification says.
 */
export type TlogMalformedReason =
  | 'too_large'
  | 'encoding'
  | 'vkey'
  | 'note_text'
  | 'signature_count'
  | 'signature_line'
  | 'checkpoint_lines'
  | 'origin'
  | 'tree_size'
  | 'root_hash'
  | 'entry_bundle'
  | 'proof_header'
  | 'proof_extra'
  | 'proof_index'
  | 'proof_path'
  | 'old_size'
  | 'consistency_proof';

/** Thrown for input that came from outside and is not in its format. Messages never quote the input. */
export class TlogMalformed extends Error {
  override readonly name = 'TlogMalformed';
  readonly reason: TlogMalformedReason;

  constructor(reason: TlogMalformedReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
