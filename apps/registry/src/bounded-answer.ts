/** Thrown when another node answers with another status, with too much, or not what was asked for. */
export class AnswerFailed extends Error {
  override readonly name = 'AnswerFailed';
  /** Of the answer; undefined when the fault is in what it carries. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

/** The body of an answer, cut off over `maxBytes`. Leaving the loop early lets go of the connection. */
export async function* bodyOf(response: Response, maxBytes = Infinity): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  let received = 0;
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    received += piece.length;
    if (received > maxBytes) throw new AnswerFailed(`an answer is over ${maxBytes} bytes`);
    yield piece;
  }
}

/** The whole of a short answer. */
export async function textOf(response: Response, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bodyOf(response, maxBytes)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
