import { randomUUID } from 'node:crypto';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { isContentId } from '@macronode/content';
import { LIMITS, Name } from '@macronode/contracts';
import { addAuditCommands } from './audit/audit-commands.ts';
import { addBusCommands } from './bus-commands.ts';
import { clientOf, httpUrl, httpUrlFromEnv, integer } from './command-line.ts';
import { EXIT, EXIT_HELP } from './exit-codes.ts';
import { type Failure, toFailure } from './failure.ts';
import { acknowledge, payloadOf, receiveMessages, sendMessage, showPayload } from './mailbox.ts';
import { addMeshCommands } from './mesh/mesh-commands.ts';
import { getName, setName, type NameShown } from './names.ts';
import { getObject, putFile, putStdin } from './objects.ts';
import { addRegistryCommands } from './registry/registry-commands.ts';
import { addTasksCommand } from './tasks.ts';
import { exitCodeOfStatus, readStatus, type ServiceStatus } from './status.ts';
import { note, paint, print, table, type Terminal } from './terminal.ts';

const DEFAULT_TIMEOUT_MS = 15_000;

const collect = (value: string, list: readonly string[]): string[] => [...list, httpUrl(value)];

const contentId = (text: string): string => {
  if (!isContentId(text)) throw new InvalidArgumentError('b3: followed by 64 lower-case hex digits');
  return text;
};

const recordName = (text: string): string => {
  if (!Name.safeParse(text).success) throw new InvalidArgumentError('labels of a-z 0-9 _ - joined by dots');
  return text;
};

/** Runs one command line and resolves with the exit code. Never throws and never ends the process. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const outcome = { exitCode: EXIT.ok as number };
  try {
    await buildProgram(terminal, outcome).parseAsync([...argv], { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const failure = toFailure(error);
    report(terminal, failure, argv.includes('--json'));
    return failure.exitCode;
  }
}

function report(terminal: Terminal, failure: Failure, json: boolean): void {
  if (json) {
    note(terminal, JSON.stringify(failure.toJson()));
    return;
  }
  const { code, corrId, hint } = failure.options;
  const facts = [code, corrId === undefined ? undefined : `corr_id ${corrId}`].filter((fact) => fact !== undefined);
  note(terminal, `ronctl: ${failure.message}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`);
  if (hint !== undefined) note(terminal, `  ${hint}`);
}

function buildProgram(terminal: Terminal, outcome: { exitCode: number }): Command {
  const program = new Command('ronctl')
    .description('Objects, names, messages, the registry and the mesh of a macronode, from the command line.')
    .option('--url <url>', 'address of the gateway (env RONCTL_URL)', httpUrl, httpUrlFromEnv(terminal))
    .option('--ops <url>', 'ops address, for bus, mesh, status and tasks; the last two take several', collect, [])
    .option('--token <token>', 'capability, or admin token, to send with every request (env RONCTL_TOKEN)')
    .option('--timeout <ms>', 'give up when no byte moves for this long', integer(1, 3_600_000), DEFAULT_TIMEOUT_MS)
    .option('--json', 'one JSON document on standard output; errors as JSON on standard error', false)
    .addHelpText('after', EXIT_HELP)
    .exitOverride()
    .showHelpAfterError('(ronctl --help lists the commands)')
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    });
  addObjectCommands(program, terminal);
  addNameCommands(program, terminal);
  addMailboxCommands(program, terminal, outcome);
  addStatusCommand(program, terminal, outcome);
  addRegistryCommands(program, terminal);
  addBusCommands(program, terminal);
  addMeshCommands(program, terminal);
  addAuditCommands(program, terminal);
  addTasksCommand(program, terminal);
  return program;
}

function addObjectCommands(program: Command, terminal: Terminal): void {
  program
    .command('put')
    .description('store a file, or standard input with -; prints the content id')
    .argument('<file>', 'path, or - for standard input')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      const stored = file === '-' ? await putStdin(client, terminal) : await putFile(client, terminal, file);
      print(terminal, globals.json, stored, () => [stored.id]);
      if (!globals.json) note(terminal, `${stored.size} bytes ${stored.created ? 'stored' : 'were already there'}`);
    });
  program
    .command('get')
    .description('read an object by id or by name, verifying every byte against the id')
    .argument('<id>', 'b3:… or a name')
    .option('-o, --output <file>', 'write to this file: whole and verified, or not at all')
    .action(async (what: string, options: { output?: string }, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      const file = options.output === '-' ? undefined : options.output;
      const fetched = await getObject(client, terminal, what, file);
      if (file === undefined) return;
      print(terminal, globals.json, { ...fetched, file }, () => [file]);
      if (!globals.json) note(terminal, `${fetched.size} bytes verified against ${fetched.id}`);
    });
}

function showName(terminal: Terminal, json: boolean, shown: NameShown): void {
  const { record } = shown.record;
  print(terminal, json, shown, () =>
    table(
      [
        ['name', record.name],
        ['target', record.target],
        ['seq', String(record.seq)],
        ['owner', record.owner],
        ['ttl', `${record.ttl_s} s`],
        ['not after', record.not_after],
        ['etag', shown.etag],
      ],
      (cell, column) => (column === 0 ? paint(terminal, 'dim', cell) : cell),
    ),
  );
}

function addNameCommands(program: Command, terminal: Terminal): void {
  const name = program.command('name').description('publish and read names');
  name
    .command('set')
    .description('point a name at an object; the node signs the record with its own key')
    .argument('<name>', 'labels of a-z 0-9 _ - joined by dots', recordName)
    .argument('<id>', 'b3:…', contentId)
    .option('--if-match <etag>', 'only when this is the current record')
    .option('--new', 'only when the name does not exist yet', false)
    .action(async (key: string, target: string, options: { ifMatch?: string; new: boolean }, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      const conditions = {
        mustBeNew: options.new,
        ...(options.ifMatch === undefined ? {} : { ifMatch: options.ifMatch }),
      };
      showName(terminal, globals.json, await setName(client, key, target, conditions));
    });
  name
    .command('get')
    .description('the signed record of a name')
    .argument('<name>', 'labels of a-z 0-9 _ - joined by dots', recordName)
    .action(async (key: string, _options: unknown, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      showName(terminal, globals.json, await getName(client, key));
    });
}

function addMailboxCommands(program: Command, terminal: Terminal, outcome: { exitCode: number }): void {
  const mailbox = program.command('mailbox').description('send, receive and acknowledge messages');
  mailbox
    .command('send')
    .description('send one message; prints its id')
    .argument('<topic>')
    .option('--payload <text>', 'the payload as text')
    .option('--file <file>', 'the payload from a file, or - for standard input')
    .option('--key <key>', 'idempotency key: a repeat answers the first message id (default: a fresh one)')
    .action(async (topic: string, options: { payload?: string; file?: string; key?: string }, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      const payload = await payloadOf(terminal, options.payload, options.file);
      const sent = await sendMessage(client, { topic, payload, key: options.key ?? randomUUID() });
      print(terminal, globals.json, sent, () => [sent.msg_id]);
      if (sent.duplicate && !globals.json) note(terminal, 'this key was sent before; no second message was made');
    });
  addRecv(mailbox, terminal);
  mailbox
    .command('ack')
    .description('acknowledge deliveries by their receipts; a receipt that starts with - goes after --')
    .argument('<receipts...>')
    .action(async (receipts: string[], _options: unknown, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      const acked = await acknowledge(client, receipts);
      print(terminal, globals.json, acked, () => acked.results.map((result, i) => `${result}\t${receipts[i] ?? ''}`));
      if (acked.results.some((result) => result !== 'ok')) outcome.exitCode = EXIT.error;
    });
}

function addRecv(mailbox: Command, terminal: Terminal): void {
  const visibility = integer(LIMITS.mailbox_visibility_min_ms.value, LIMITS.mailbox_visibility_max_ms.value);
  mailbox
    .command('recv')
    .description('lease messages; one line each: id, attempt, receipt, payload')
    .argument('<topic>')
    .option('--max <n>', 'at most this many', integer(1, LIMITS.mailbox_batch.value), 1)
    .option('--visibility <ms>', 'how long they are yours before they are delivered again', visibility, 30_000)
    .option('--wait <ms>', 'wait this long for the first one', integer(0, LIMITS.mailbox_wait_max_ms.value), 0)
    .action(async (topic: string, options: { max: number; visibility: number; wait: number }, command: Command) => {
      const { client, globals } = clientOf(command, terminal);
      const { max, visibility: visibilityMs, wait: waitMs } = options;
      const received = await receiveMessages(client, { topic, max, visibilityMs, waitMs });
      print(terminal, globals.json, received, () =>
        received.messages.map((m) => [m.msg_id, m.attempt, m.receipt, showPayload(m.payload_b64)].join('\t')),
      );
    });
}

function addStatusCommand(program: Command, terminal: Terminal, outcome: { exitCode: number }): void {
  program
    .command('status')
    .description('readiness of every service, from the ops ports; exit code 4 when one is not ready')
    .addHelpText('after', '\nWithout --ops: ports 9080 to 9085 of this machine.')
    .action(async (_options: unknown, command: Command) => {
      const { globals } = clientOf(command, terminal);
      const services = await readStatus(globals.ops, globals.timeout, terminal.signal);
      print(terminal, globals.json, { services }, () => statusTable(terminal, services));
      outcome.exitCode = exitCodeOfStatus(services);
    });
}

const STATE_COLOUR = { ready: 'green', 'read-only': 'yellow', 'not ready': 'red', down: 'red' } as const;

const isState = (text: string): text is ServiceStatus['state'] => Object.hasOwn(STATE_COLOUR, text);

function statusTable(terminal: Terminal, services: readonly ServiceStatus[]): string[] {
  const rows = services.map((row) => [
    row.service,
    row.state,
    row.missing.length === 0 ? '-' : row.missing.join(', '),
    row.ops,
  ]);
  return table([['SERVICE', 'STATE', 'MISSING', 'OPS'], ...rows], (cell, column) =>
    column === 1 && isState(cell) ? paint(terminal, STATE_COLOUR[cell], cell) : cell,
  );
}
