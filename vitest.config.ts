import { defineConfig } from 'vitest/config';

const roots = ['packages/*/src', 'apps/*/src', 'scripts', 'grafana', 'infra', 'k6'];
const everyTest = roots.map((root) => `${root}/**/*.test.ts`);
/** Need the published vectors, which are not part of this repository: run where VECTORS_DIR says where they are. */
const vectorTests = process.env['VECTORS_DIR'] ? [] : roots.map((root) => `${root}/**/*.vectors.test.ts`);
const redisTests = roots.map((root) => `${root}/**/*.redis.test.ts`);
const prometheusTests = roots.map((root) => `${root}/**/*.prometheus.test.ts`);
const browserTests = roots.map((root) => `${root}/**/*.browser.test.ts`);

// Projects over the same folders: what needs nothing, a Redis (REDIS_URL), Prometheus with promtool, or a browser (CHROMIUM).
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: everyTest,
          exclude: [
            '**/node_modules/**',
            '**/dist/**',
            ...redisTests,
            ...prometheusTests,
            ...browserTests,
            ...vectorTests,
          ],
        },
      },
      {
        extends: true,
        test: { name: 'conformance', include: redisTests, exclude: ['**/node_modules/**', '**/dist/**'] },
      },
      {
        extends: true,
        test: { name: 'prometheus', include: prometheusTests, exclude: ['**/node_modules/**', '**/dist/**'] },
      },
      {
        extends: true,
        test: { name: 'browser', include: browserTests, exclude: ['**/node_modules/**', '**/dist/**'] },
      },
    ],
  },
});
