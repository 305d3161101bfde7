import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from './exit-codes.ts';
import { Failure } from './failure.ts';
import { NodeClient } from './node-client.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Options every command takes. */
export interface Globals {
  readonly url: string;
  readonly token?: string;
  readonly timeout: number;
  readonly json: boolean;
  readonly ops: readonly string[];
}

export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number, ${min} to ${max}`);
    return value;
  };

export const httpUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new InvalidArgumentError('an address such as http://host:8080');
  return text.replace(/\/+$/, '');
};

/** The address of the gateway when none is given on the command line. */
export function httpUrlFromEnv(terminal: Terminal): string {
  const given = terminal.env['RONCTL_URL'];
  if (given === undefined || given === '') return DEFAULT_URL;
  try {
    return httpUrl(given);
  } catch {
    throw new Failure(EXIT.usage, `RONCTL_URL is not an address: ${given}`);
  }
}

/** The token of the command line or the environment, when there is one. */
export function tokenOf(globals: Globals, terminal: Terminal): { readonly token?: string } {
  const token = globals.token ?? terminal.env['RONCTL_TOKEN'];
  return token === undefined || token === '' ? {} : { token };
}

/** A client of the gateway that the command line names. */
export function clientOf(command: Command, terminal: Terminal): { client: NodeClient; globals: Globals } {
  const globals = command.optsWithGlobals<Globals>();
  const client = new NodeClient({
    url: globals.url,
    timeoutMs: globals.timeout,
    signal: terminal.signal,
    ...tokenOf(globals, terminal),
  });
  return { client, globals };
}
