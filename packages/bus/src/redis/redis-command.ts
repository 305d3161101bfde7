import { Command } from 'ioredis';

export type RedisArg = string | number | Buffer;

/** Told once: why a command failed, or undefined and its reply, with texts as Buffers. */
export type Answered = (error: Error | undefined, reply: unknown) => void;

/** Writes a command to the connection; what it returns is written last. */
export type Wire = (connection: NodeJS.WritableStream) => string | Buffer;

/**
 * A command that is already spelled as RESP, and tells its answer by a callback: the library's own way walks over every
 * argument three times and answers by a promise.
 */
export class WireCommand extends Command {
  readonly #wire: Wire;

  constructor(name: string, wire: Wire, answered: Answered) {
    super(name);
    this.#wire = wire;
    this.resolve = (reply) => answered(undefined, reply);
    this.reject = (error) => answered(error, undefined);
  }

  override toWritable(connection: object): string | Buffer {
    // The library hands over the stream it is about to write to.
    return this.#wire(connection as NodeJS.WritableStream);
  }
}

/** The head of a command of so many parts, its name counted. */
export const respHead = (parts: number): string => `*${parts}\r\n`;

/** One part of a command. */
export function respPart(part: string | number): string {
  const text = String(part);
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** A whole command of texts and numbers. */
export const respCommand = (name: string, args: readonly (string | number)[]): string =>
  args.reduce<string>((wire, arg) => wire + respPart(arg), respHead(args.length + 1) + respPart(name));
