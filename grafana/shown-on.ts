import { BOARDS } from './boards/index.ts';
import { CATALOGUE } from './lint/catalogue.ts';
import { shownOn } from './lint/usage.ts';
import { UNUSED } from './unused.ts';

/** What every title begins with. */
const PRODUCT = 'Macronode / ';

/** For the page of metrics: the boards that show one, else the reason why none does; what is left is read by rules alone. */
export function boardsShowing(): (metric: string) => string {
  const shown = shownOn(BOARDS, CATALOGUE);
  return (metric) =>
    shown
      .get(metric)
      ?.map((title) => title.slice(PRODUCT.length))
      .join(', ') ??
    UNUSED[metric] ??
    'Through its recorded series.';
}
