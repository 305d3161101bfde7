import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bootstrap.mjs';

interface Panel {
  readonly panels?: readonly Panel[];
  readonly targets?: readonly { readonly expr?: string }[];
}

/** Four scrapes, as Grafana works it out from the data source's `timeInterval`. */
const RATE_INTERVAL = '20s';

/** Every query of a dashboard as Grafana sends it with all variables at All. */
export function panelQueries(dashboard: string): readonly string[] {
  const file = join(ROOT, 'grafana', 'dashboards', `${dashboard}.json`);
  return queriesOf(JSON.parse(readFileSync(file, 'utf8')) as Panel);
}

function queriesOf({ panels = [], targets = [] }: Panel): readonly string[] {
  const own = targets.flatMap(({ expr }) => (expr === undefined ? [] : [withoutVariables(expr)]));
  return [...own, ...panels.flatMap(queriesOf)];
}

const withoutVariables = (expr: string): string =>
  expr.replaceAll(/\$__(rate_)?interval\b/g, RATE_INTERVAL).replaceAll(/\$(\w+|\{[^}]+\})/g, '.+');
