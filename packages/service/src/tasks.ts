import { type Task, type TaskList, TASKS_PATH } from '@macronode/contracts';
import type { MetricsRegistry, ServiceOccupancy } from '@macronode/metrics';
import type { FastifyInstance } from 'fastify';
import type { AdminGuard } from './admin-guard.ts';

const toTask = (occupancy: ServiceOccupancy): Task => ({
  service: occupancy.service,
  kind: occupancy.kind,
  name: occupancy.name,
  held: occupancy.held,
  bound: occupancy.bound ?? null,
  unit: occupancy.unit ?? 'count',
  waiting: occupancy.waiting ?? 0,
  oldest_ms: occupancy.oldestMs ?? null,
  oldest_waiting_ms: occupancy.oldestWaitingMs ?? null,
});

/**
 * Adds to an ops port what the process is busy with: every semaphore, queue and running handler. It shows names, counts
 * and ages, and is guarded as the admin routes are: what a node waits for is of use to whoever wants to overload it.
 */
export function addTasks(
  http: FastifyInstance,
  { guard, metrics }: { readonly guard: AdminGuard; readonly metrics: MetricsRegistry },
): void {
  http.get(TASKS_PATH, (request): TaskList => {
    guard.check(request.headers.authorization);
    return { tasks: metrics.occupancies().map(toTask) };
  });
}
