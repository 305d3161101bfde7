// A witness of the log under verification: it cosigns what it is sent, until it goes away.
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SigningKey } from '@macronode/keys';
import { cosign, formatSignatureLines, formatVkey, noteKey, type NoteSigner, parseAddCheckpoint } from '@macronode/log';

const NAME = 'witness.example/verify';

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export class RigWitness implements Disposable {
  readonly #signer: NoteSigner;
  readonly #port: number;
  #server: Server | undefined;

  constructor(port: number) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const { publicKeyHex } = new SigningKey('ed25519', privateKey);
    const key = noteKey(NAME, 'cosignature-ed25519', publicKeyHex);
    this.#signer = { key, sign: (message) => sign(null, message, privateKey) };
    this.#port = port;
  }

  /** As `REGISTRY_WITNESSES` names it. */
  get setting(): string {
    return `${formatVkey(this.#signer.key)}=http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#server = server;
  }

  /** Nobody answers from here on. */
  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { checkpoint } = parseAddCheckpoint(await bodyOf(request)).checkpoint;
    const line = cosign(checkpoint, Math.floor(Date.now() / 1_000), this.#signer);
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(formatSignatureLines([line]));
  }
}
