import { type Command, InvalidArgumentError } from 'commander';
import { BUS_DLQ_PAGE, BusDeadLetterId, BusServiceName } from '@macronode/contracts';
import { type Chosen, dropLetters, letterRows, listLetters, replayLetters, showLetter, shownRows } from './bus-dlq.ts';
import { NodeClient } from './node-client.ts';
import { note, paint, print, table, type Terminal } from './terminal.ts';

export const DEFAULT_OPS_URL = 'http://127.0.0.1:9080';

interface Options {
  readonly token?: string;
  readonly timeout: number;
  readonly json: boolean;
  readonly ops: readonly string[];
  readonly service: string;
  readonly limit: number;
  readonly after?: string;
  readonly all?: boolean;
}

const letterId = (text: string): string => {
  if (!BusDeadLetterId.safeParse(text).success) throw new InvalidArgumentError('an id such as 1700000000000-0');
  return text;
};

const letterIds = (text: string, ids: readonly string[] | undefined): string[] => [...(ids ?? []), letterId(text)];

const serviceName = (text: string): string => {
  if (!BusServiceName.safeParse(text).success) throw new InvalidArgumentError('the name of a service');
  return text;
};

const pageSize = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > BUS_DLQ_PAGE)
    throw new InvalidArgumentError(`a whole number, 1 to ${BUS_DLQ_PAGE}`);
  return value;
};

function opened(command: Command, terminal: Terminal): { client: NodeClient; options: Options } {
  const options = command.optsWithGlobals<Options>();
  const [url = DEFAULT_OPS_URL, ...others] = options.ops;
  if (others.length > 0) command.error('error: name one ops address: any service reads the dead letters of all');
  const token = options.token ?? terminal.env['RONCTL_TOKEN'];
  const client = new NodeClient({
    url,
    timeoutMs: options.timeout,
    signal: terminal.signal,
    ...(token === undefined || token === '' ? {} : { token }),
  });
  return { client, options };
}

/** `bus dlq list|show|replay|drop`, over the ops port of a node. */
export function addBusCommands(program: Command, terminal: Terminal): void {
  const dlq = program
    .command('bus')
    .description('the bus of a node, over its ops port (--ops)')
    .command('dlq')
    .description('dead letters: what a service could not handle; asks for the admin token (--token, RONCTL_TOKEN)');
  const verb = (name: string, description: string): Command =>
    dlq
      .command(name)
      .description(description)
      .requiredOption('--service <name>', 'the service whose dead letters these are', serviceName);
  verb('list', 'the oldest dead letters, one line each')
    .option('--limit <n>', 'at most this many by one request', pageSize, BUS_DLQ_PAGE)
    .option('--after <id>', 'only those behind this one', letterId)
    .option('--all', 'every one, page by page', false)
    .action(async (_options: unknown, command: Command) => {
      const { client, options } = opened(command, terminal);
      const { service, limit, after, all = false } = options;
      const page = await listLetters(client, { service, limit, all, ...(after === undefined ? {} : { after }) });
      print(terminal, options.json, page, () =>
        page.letters.length === 0 ? [] : table(letterRows(page.letters), (cell) => cell),
      );
      if (!options.json && page.next !== null) note(terminal, `there are more: --after ${page.next}, or --all`);
    });
  verb('show', 'one dead letter, with its original bytes as base64')
    .argument('<id>', 'id of the letter', letterId)
    .action(async (id: string, _options: unknown, command: Command) => {
      const { client, options } = opened(command, terminal);
      const letter = await showLetter(client, options.service, id);
      const dimmed = (cell: string, column: number): string => (column === 0 ? paint(terminal, 'dim', cell) : cell);
      print(terminal, options.json, letter, () => table(shownRows(letter), dimmed));
    });
  addChange(
    verb('replay', 'send dead letters to where they came from again, as first attempts'),
    terminal,
    replayLetters,
  );
  addChange(verb('drop', 'remove dead letters for good'), terminal, dropLetters);
}

/** A verb that acts on some letters, or on all; prints how many. */
function addChange<T extends object>(
  command: Command,
  terminal: Terminal,
  change: (client: NodeClient, chosen: Chosen) => Promise<T>,
): void {
  command
    .argument('[ids...]', 'ids of letters', letterIds)
    .option('--all', 'all that are there now, oldest first', false)
    .option('--limit <n>', 'with --all: at most this many by one request', pageSize, BUS_DLQ_PAGE)
    .action(async (ids: readonly string[] | undefined, _options: unknown, self: Command) => {
      const { client, options } = opened(self, terminal);
      const { service, limit, all = false } = options;
      const onProgress = (done: number): void => {
        if (all && terminal.stderrIsTty) terminal.stderr.write(`\r\u001b[K${self.name()}: ${done}`);
      };
      try {
        const result = await change(client, { service, ids: ids ?? [], all, limit, onProgress });
        if (all && terminal.stderrIsTty) terminal.stderr.write('\r\u001b[K');
        print(terminal, options.json, result, () => Object.entries(result).map(([word, count]) => `${count} ${word}`));
      } catch (error) {
        if (all && terminal.stderrIsTty) terminal.stderr.write('\n');
        throw error;
      }
    });
}
