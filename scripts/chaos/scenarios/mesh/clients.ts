// Clients that are cut at one gateway, and what the others make of it.
import { ROUTES } from '@macronode/contracts';
import { comesTrue } from '../../../poll.ts';
import { AddressedClient, type AddressedAnswer } from '../../../rig/addressed-client.ts';
import { ACCOUNTED, requestsGoOn } from '../../expectation.ts';
import type { Load } from '../../load.ts';
import { CLIENT_BURST, CUT_MS, type MeshedGateway, type MeshedNode } from '../../meshed-node.ts';
import type { Scenario, Surroundings } from '../../scenario.ts';
import { onMesh } from './on-mesh.ts';

const ABUSER = '127.0.0.2';
const INNOCENT = '127.0.0.3';
/** What one gateway knows another one does within it. */
const TOLD_TIMEOUT_MS = 2_000;
const LIFTED_TIMEOUT_MS = 2_000;
/** More than it takes to be cut: what may come at once, what comes back meanwhile, and the refusals that are put up with. */
const STORM = 10 * CLIENT_BURST;
/** Nobody but a gateway has a say in it. */
const BROUGHT = '0.001';

/** A read of something small that is there, which tells the score of who asks. */
export const askedBy = ({ url }: MeshedGateway, { book }: Load) =>
  ({ url, route: ROUTES.objectGet, at: book.objects[0] ?? '' }) as const;

interface Asking {
  readonly client: AddressedClient;
  readonly load: Load;
}

const ask = (gateway: MeshedGateway, { client, load }: Asking): Promise<AddressedAnswer> =>
  client.ask(askedBy(gateway, load));

/** Asks until an answer is so; undefined when none was in time. */
async function answers(
  gateway: MeshedGateway,
  asking: Asking,
  timeoutMs: number,
  is: (answer: AddressedAnswer) => boolean,
): Promise<number | undefined> {
  const from = performance.now();
  const came = await comesTrue(timeoutMs, async () => is(await ask(gateway, asking)));
  return came ? Math.round(performance.now() - from) : undefined;
}

const passes = ({ status, score }: AddressedAnswer): boolean => status === 200 && score !== undefined;
const isDenied = ({ status }: AddressedAnswer): boolean => status === 403;

/** Known at the others within the bound, and refused by none of them on the word of one. */
async function abuse({ gateways: [first, enforcing, advisory] }: MeshedNode, { load, find, note }: Surroundings) {
  const asking = { client: new AddressedClient(ABUSER, load.client.ledger), load };
  const { client } = asking;
  if (!(await client.storm(askedBy(first, load), STORM))) find('a client over its share was not cut');
  for (const gateway of [enforcing, advisory]) {
    const ms = await answers(gateway, asking, TOLD_TIMEOUT_MS, passes);
    if (ms === undefined)
      find(`${gateway.name} does not know who was cut at ${first.name} after ${TOLD_TIMEOUT_MS / 1_000} s`);
    else note(`known at ${gateway.name} after ${ms} ms`);
  }
  if (isDenied(await ask(enforcing, asking))) find('one source alone had a client refused');
  if (!(await client.storm(askedBy(advisory, load), STORM))) find('it was not cut at the second gateway');
  const ms = await answers(enforcing, asking, TOLD_TIMEOUT_MS, isDenied);
  if (ms === undefined)
    find(`who two gateways accuse is not refused after ${TOLD_TIMEOUT_MS / 1_000} s where scores are enforced`);
  else note(`refused after ${ms} ms`);
  const isCut = ({ reason }: AddressedAnswer): boolean => reason === 'client_cut';
  const again = await answers(advisory, asking, 2 * CUT_MS, (answer) => !isCut(answer));
  if (again === undefined || !passes(await ask(advisory, asking))) find('an advisory gateway refuses by a score');
  await innocentsPass([first, enforcing, advisory], load, find);
  return async (): Promise<void> => {
    for (const gateway of [first, advisory]) await gateway.desk.revoke('rate_saturation', ABUSER);
    const lifted = await answers(enforcing, asking, LIFTED_TIMEOUT_MS, ({ status }) => status === 200);
    if (lifted === undefined) find('a client stays refused after both have taken it back');
    client[Symbol.dispose]();
  };
}

/** Nobody else is refused or has a score, also where they bring one. */
async function innocentsPass(
  gateways: readonly MeshedGateway[],
  load: Load,
  find: Surroundings['find'],
): Promise<void> {
  using client = new AddressedClient(INNOCENT, load.client.ledger);
  for (const gateway of gateways)
    for (const headers of [{}, { 'X-Macronode-Mesh-Score': BROUGHT }]) {
      const { status, score } = await client.ask({ ...askedBy(gateway, load), headers });
      if (status !== 200) find(`an innocent client was answered ${status} by ${gateway.name}`);
      if (score !== undefined) find(`an innocent client has the score ${score} at ${gateway.name}`);
    }
}

export const clients: readonly Scenario[] = [
  onMesh({
    name: 'mesh_abuser',
    what: 'a client storms one gateway until it is cut, then another one; a third hears of it from both, and refuses it; then they take it back',
    seconds: 2,
    expects: requestsGoOn({ recovery: 5 }, ACCOUNTED),
    make: abuse,
  }),
];
