// Run as a process of its own: starts the gateway as it is built, and prints what was loaded for that and which threads run.
import { registerHooks } from 'node:module';

interface Report {
  readonly workers: readonly unknown[];
}

const modules: string[] = [];
registerHooks({
  load(url, context, next) {
    modules.push(url);
    return next(url, context);
  },
});
const { InProcessLink } = await import('@macronode/bus');
const { startNode } = await import('@macronode/service');
const { gatewayService } = await import('@macronode/gateway');

const link = new InProcessLink();
await link.start();
const node = await startNode({ services: [gatewayService], profile: 'micronode', env: process.env, link });
await (await fetch(`${node.httpUrl ?? ''}/openapi.json`)).arrayBuffer();
const { workers } = process.report.getReport() as unknown as Report;
await node.close();
process.stdout.write(JSON.stringify({ modules, threads: workers.length }));
