export { bounded, counter, gauge, histogram, MAX_SERIES, MetricDeclarationError } from './declarations.ts';
export type {
  BoundedLabel,
  CounterDeclaration,
  Declaration,
  GaugeDeclaration,
  HistogramDeclaration,
  HistogramOptions,
  LabelSpec,
  LabelSpecs,
  LabelValues,
  MetricOptions,
  NoLabels,
  Unit,
} from './declarations.ts';
export { CounterCell, GaugeCell, HistogramCell } from './cells.ts';
export type { HandleOf, HandlesOf, LabelledCounter, LabelledGauge, LabelledHistogram } from './handles.ts';
export { type Holder, Holders } from './holders.ts';
export type { Occupancy, OccupancyKind, OccupancyReader, ServiceOccupancy } from './occupancy.ts';
export { expositionFor } from './accept.ts';
export { bindLane, Lanes } from './lanes.ts';
export { MetricsRegistry, registryMetrics } from './registry.ts';
export { MetricsScope } from './scope.ts';
export {
  buildInfo,
  configValue,
  goldenMetrics,
  HTTP_CODES,
  HTTP_METHODS,
  readyzState,
  refusalMetrics,
  UNMATCHED_ROUTE,
} from './golden.ts';
export type { BuildInfo, GoldenOptions, HttpCode } from './golden.ts';
export { processMetrics, registerProcessMetrics } from './process-metrics.ts';
