import { type Command, InvalidArgumentError } from 'commander';
import { isContentId } from '@macronode/content';
import { clientOf } from '../command-line.ts';
import type { Failure } from '../failure.ts';
import { note, type Terminal } from '../terminal.ts';
import { RegistryClient } from './registry-client.ts';

export const proposalId = (text: string): string => {
  if (!isContentId(text)) throw new InvalidArgumentError('a proposal id: b3: followed by 64 lower-case hex digits');
  return text;
};

/** A client of the registry that the command line names; repeated writes are told on standard error. */
export function opened(command: Command, terminal: Terminal): { registry: RegistryClient; json: boolean } {
  const { client, globals } = clientOf(command, terminal);
  const onRetry = (failure: Failure, waitMs: number): void => {
    const when = `in ${(waitMs / 1_000).toFixed(1)} s`;
    note(terminal, `ronctl: ${failure.message}; what became of it is unknown: signing and sending it again ${when}`);
  };
  return { registry: new RegistryClient(client, onRetry), json: globals.json };
}
