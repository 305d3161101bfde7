import { Argument, type Command, InvalidArgumentError } from 'commander';
import {
  MESH_CLAIMS_PAGE,
  MESH_TTL_MAX_S,
  MeshAddress,
  MeshClaimDraft,
  MeshClaimKind,
  MeshSubject,
} from '@macronode/contracts';
import { type Globals, integer, tokenOf } from '../command-line.ts';
import { EXIT } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { NodeClient } from '../node-client.ts';
import { note, paint, print, table, type Terminal } from '../terminal.ts';
import { MeshClient } from './mesh-client.ts';
import { claimRows, peerRows, standingRows, statusRows } from './mesh-rows.ts';
import { createIdentity, readIdentity } from './node-identity.ts';

const DEFAULT_OPS_URL = 'http://127.0.0.1:9080';
const DEFAULT_CLAIMS = 100;

const meshAddress = (text: string): string => {
  if (!MeshAddress.safeParse(text).success) throw new InvalidArgumentError('an IPv4 or IPv6 address');
  return text;
};

const meshSubject = (text: string): string => {
  if (!MeshSubject.safeParse(text).success) throw new InvalidArgumentError('an address, a service or a node id');
  return text;
};

const score = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('a number, 0 to 1');
  return value;
};

const claimKind = (): Argument => new Argument('<kind>', 'what is said of the subject').choices(MeshClaimKind.options);

function opened(command: Command, terminal: Terminal): { client: MeshClient; json: boolean } {
  const globals = command.optsWithGlobals<Globals>();
  const [url = DEFAULT_OPS_URL, ...others] = globals.ops;
  if (others.length > 0) command.error('error: name one ops address: that of the gateway');
  const { signal } = terminal;
  const client = new NodeClient({ url, timeoutMs: globals.timeout, signal, ...tokenOf(globals, terminal) });
  return { client: new MeshClient(client), json: globals.json };
}

/** `mesh status|peers|claims|publish|revoke|standing|reload`, over the ops port of a gateway; `mesh id`, from a key file. */
export function addMeshCommands(program: Command, terminal: Terminal): void {
  const mesh = program
    .command('mesh')
    .description('the mesh of a gateway, over its ops port (--ops); asks for the admin token (--token, RONCTL_TOKEN)');
  addReads(mesh, terminal);
  addLists(mesh, terminal);
  addChanges(mesh, terminal);
  addReload(mesh, terminal);
  addIdentity(mesh, terminal);
}

const labelled = (terminal: Terminal, rows: string[][]): string[] =>
  table(rows, (cell, column) => (column === 0 ? paint(terminal, 'dim', cell) : cell));

function addReads(mesh: Command, terminal: Terminal): void {
  mesh
    .command('status')
    .description('whether it runs, who this node is, when it refuses clients, what it knows')
    .action(async (_options: unknown, self: Command) => {
      const { client, json } = opened(self, terminal);
      const status = await client.status();
      print(terminal, json, status, () => labelled(terminal, statusRows(status)));
    });
  mesh
    .command('standing')
    .description('what a request of an address would meet; counts as a lookup')
    .argument('<address>', 'address of a client', meshAddress)
    .action(async (address: string, _options: unknown, self: Command) => {
      const { client, json } = opened(self, terminal);
      const standing = await client.standing(address);
      print(terminal, json, standing, () => labelled(terminal, standingRows(standing)));
    });
}

function addLists(mesh: Command, terminal: Terminal): void {
  const plain = (cell: string): string => cell;
  mesh
    .command('peers')
    .description('the nodes it is connected with, one line each')
    .action(async (_options: unknown, self: Command) => {
      const { client, json } = opened(self, terminal);
      const list = await client.peers();
      print(terminal, json, list, () => (list.peers.length === 0 ? [] : table(peerRows(list.peers), plain)));
      if (!json && list.peers.length === 0) note(terminal, 'no node is connected');
    });
  mesh
    .command('claims')
    .description('claims in its table, one line each')
    .option('--subject <subject>', 'only those of one address, service or node', meshSubject)
    .option('--limit <n>', 'at most this many', integer(1, MESH_CLAIMS_PAGE), DEFAULT_CLAIMS)
    .action(async ({ subject, limit }: { subject?: string; limit: number }, self: Command) => {
      const { client, json } = opened(self, terminal);
      const list = await client.claims(limit, subject);
      print(terminal, json, list, () => (list.claims.length === 0 ? [] : table(claimRows(list.claims), plain)));
      if (!json && list.claims.length === limit)
        note(terminal, 'there may be more: raise --limit, or name a --subject');
    });
}

interface Said {
  readonly score: number;
  readonly ttl?: number;
}

function addChanges(mesh: Command, terminal: Terminal): void {
  mesh
    .command('publish')
    .description('have this node say something of a client, a service or a node; its reason is `operator`')
    .addArgument(claimKind())
    .argument('<subject>', 'an address, the name of a service, or a node id: the kind decides', meshSubject)
    .option('--score <score>', '0 to 1; higher is worse', score, 1)
    .option('--ttl <s>', 'seconds it holds (default: an hour)', integer(1, MESH_TTL_MAX_S))
    .action(async (kind: MeshClaimKind, subject: string, options: Said, self: Command) => {
      const { client, json } = opened(self, terminal);
      const draft = MeshClaimDraft.safeParse({ kind, subject, score: options.score, ttl_s: options.ttl });
      if (!draft.success) throw new Failure(EXIT.usage, `${subject} is no subject of a claim ${kind}`);
      const taken = await client.publish(draft.data);
      print(terminal, json, taken, () => [`${taken.kind} ${taken.subject}`]);
      if (!json) note(terminal, `said with score ${draft.data.score}, for ${draft.data.ttl_s} s`);
    });
  mesh
    .command('revoke')
    .description('take back what this node said; what other nodes say of it stays')
    .addArgument(claimKind())
    .argument('<subject>', 'as it was published', meshSubject)
    .action(async (kind: MeshClaimKind, subject: string, _options: unknown, self: Command) => {
      const { client, json } = opened(self, terminal);
      const taken = await client.revoke(kind, subject);
      print(terminal, json, taken, () => [`${taken.kind} ${taken.subject}`]);
      if (!json) note(terminal, 'taken back');
    });
}

function addReload(mesh: Command, terminal: Terminal): void {
  mesh
    .command('reload')
    .description('have the node read its trust list again')
    .action(async (_options: unknown, self: Command) => {
      const { client, json } = opened(self, terminal);
      const { result, nodes, problem } = await client.reload();
      if (result === 'kept') {
        throw new Failure(EXIT.error, `the trust list was refused: ${problem ?? 'the node did not say why'}`, {
          hint: `the ${nodes} nodes trusted before stay trusted; mend the file and try again`,
          details: { result, nodes },
        });
      }
      print(terminal, json, { result, nodes, problem }, () => [`${nodes} nodes are trusted`]);
    });
}

interface IdOptions {
  readonly keyFile?: string;
  readonly create?: string;
}

function addIdentity(mesh: Command, terminal: Terminal): void {
  mesh
    .command('id')
    .description('the node id of a key file, for the trust lists of others; asks no node')
    .option('--key-file <file>', 'key file of a node')
    .option('--create <file>', 'key file to make; an existing one is never replaced')
    .action(({ keyFile, create }: IdOptions, self: Command) => {
      const { json } = self.optsWithGlobals<Globals>();
      if (keyFile !== undefined && create !== undefined)
        throw new Failure(EXIT.usage, '--key-file and --create exclude each other');
      const file = keyFile ?? create;
      if (file === undefined)
        throw new Failure(EXIT.usage, 'name a key file with --key-file, or make one with --create');
      const identity = create === undefined ? readIdentity(file) : createIdentity(file);
      print(terminal, json, identity, () => [identity.node_id]);
      if (!json && create !== undefined)
        note(
          terminal,
          `key in ${file}: keep it secret and backed up; what is printed goes to the trust lists of others`,
        );
    });
}
