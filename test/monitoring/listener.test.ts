import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMonitoring } from '../../src/monitoring/listener.ts';

test('metrics, health, readiness and the page are served, and nothing else', async () => {
  let why: string | undefined;
  const served = await openMonitoring(
    { address: '127.0.0.1', port: 0 },
    {
      scrape: async () => ({ text: 'isthmus_build_info 1\n', type: 'text/plain; version=0.0.4' }),
      notReady: () => why,
      page: () => '<p>page</p>',
    },
  );
  const get = async (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${served.port}${path}`, init);
  try {
    const metrics = await get('/metrics');
    assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.equal(await metrics.text(), 'isthmus_build_info 1\n');
    assert.equal((await get('/healthz')).status, 200);
    assert.equal((await get('/readyz')).status, 200);
    why = 'draining';
    const notReady = await get('/readyz');
    assert.deepEqual([notReady.status, await notReady.text()], [503, 'draining\n']);
    assert.equal((await get('/healthz')).status, 200);
    const page = await get('/');
    assert.equal(await page.text(), '<p>page</p>');
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal((await get('/anything')).status, 404);
    assert.equal((await get('/', { method: 'POST', body: 'x' })).status, 404);
  } finally {
    await served.close();
  }
});
