import { Queue, QueueEvents, Worker } from 'bullmq';
import { type Contestant, SERVER_CONCURRENCY, type Venue } from '../contestant.ts';

const QUEUE = 'echo';
/** Finished jobs kept: a job that is gone before its caller asked for its end could not be answered. */
const FINISHED_KEPT = 2_000;

const connectionOf = ({ redisPort }: Venue) => ({
  host: '127.0.0.1',
  port: redisPort,
  maxRetriesPerRequest: null,
});

/** A job queue used for questions and answers: `add`, then `waitUntilFinished`. */
export const bullmq: Contestant = {
  serve: async (venue) => {
    const worker = new Worker(QUEUE, async (job): Promise<unknown> => job.data, {
      connection: connectionOf(venue),
      concurrency: SERVER_CONCURRENCY,
    });
    await worker.waitUntilReady();
  },
  connect: async (venue) => {
    const queue = new Queue(QUEUE, {
      connection: connectionOf(venue),
      defaultJobOptions: { removeOnComplete: { count: FINISHED_KEPT } },
    });
    // Each of them has a listener per job that is waited for.
    queue.setMaxListeners(0);
    const events = new QueueEvents(QUEUE, { connection: connectionOf(venue) });
    events.setMaxListeners(0);
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    return {
      call: async (payload) => {
        const job = await queue.add('echo', payload);
        return (await job.waitUntilFinished(events)) as unknown;
      },
    };
  },
};
