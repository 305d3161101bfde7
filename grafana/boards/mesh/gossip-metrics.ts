import { gossipsubMetrics } from '@macronode/mesh';
import type { CounterDeclaration, Declaration, GaugeDeclaration, HistogramDeclaration } from '@macronode/metrics';
import type { Target } from '../../panel.ts';
import { gateway } from './faces.ts';

const isOf = <T extends Declaration['type']>(
  declaration: Declaration | undefined,
  type: T,
): declaration is Extract<Declaration, { readonly type: T }> => declaration?.type === type;

function found<T extends Declaration['type']>(name: string, type: T): Extract<Declaration, { readonly type: T }> {
  const declaration = gossipsubMetrics[name];
  if (!isOf(declaration, type)) throw new Error(`gossipsub has no ${type} ${name}`);
  return declaration;
}

/** Metrics that gossipsub named, by their names without `gossipsub_`. */
const counterOf = (name: string): CounterDeclaration => found(`gossipsub_${name}`, 'counter');
export const gaugeOf = (name: string): GaugeDeclaration => found(`gossipsub_${name}`, 'gauge');
export const histogramOf = (name: string): HistogramDeclaration => found(`gossipsub_${name}`, 'histogram');
/** Those whose names gossipsub spells in another way. */
export const misspelt = (name: string): HistogramDeclaration => found(name, 'histogram');
export const misspeltCounter = (name: string): CounterDeclaration => found(name, 'counter');
export const misspeltGauge = (name: string): GaugeDeclaration => found(name, 'gauge');

/** Per second, of all gateways together. */
export const perSecond = (name: string, legend: string): Target => ({
  expr: gateway.rate(counterOf(name), ''),
  legend,
});

/** The same below the axis. */
export const mirrored = (name: string, legend: string): Target => ({
  expr: `-${gateway.rate(counterOf(name), '')}`,
  legend,
});

/** Per second by one of its labels. */
export const perSecondBy = (name: string, label: string, legend = `{{${label}}}`): Target => ({
  expr: gateway.rate(counterOf(name), label),
  legend,
});
