import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addKeyCommands } from './key-commands.ts';
import { addLogCommands } from './log-commands.ts';
import { addReadCommands } from './read-commands.ts';
import { addVerifyCommand } from './verify-command.ts';
import { addWitnessCommand } from './witness-commands.ts';
import { addWriteCommands } from './write-commands.ts';

/** `registry …`: the append-only log of a node, over its gateway or its own port. */
export function addRegistryCommands(program: Command, terminal: Terminal): void {
  const registry = program
    .command('registry')
    .description('the registry: propose, approve and commit versions; read, witness and verify them');
  addKeyCommands(registry, terminal);
  addWriteCommands(registry, terminal);
  addReadCommands(registry, terminal);
  addLogCommands(registry, terminal);
  addWitnessCommand(registry, terminal);
  addVerifyCommand(registry, terminal);
}
