import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testDatabase } from '../testing/index.ts';
import { createNotifications, type Notifications } from './notifications.ts';

/** Listens and says when the connection is there, and what came. */
function listen(notifications: Notifications, channel: string) {
  const payloads: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let connections = 0;
  let { promise: connected, resolve } = Promise.withResolvers<void>();
  const listening = notifications.listen(channel, {
    notified(payload) {
      payloads.push(payload);
      for (const one of waiting) if (payloads.length >= one.count) one.resolve();
    },
    connected() {
      connections++;
      resolve();
    },
  });
  return {
    payloads,
    listening,
    connected: () => connected,
    connections: () => connections,
    async reconnected() {
      ({ promise: connected, resolve } = Promise.withResolvers<void>());
      await connected;
    },
    async received(count: number) {
      if (payloads.length >= count) return;
      const { promise, resolve: done } = Promise.withResolvers<void>();
      waiting.push({ count, resolve: done });
      await promise;
    },
  };
}

it('brings what is sent to every listener of the channel and to no other', async () => {
  await using db = await testDatabase();
  await using notifications = createNotifications(db.pool, { url: db.url });
  const [first, second, other] = [listen(notifications, 'a'), listen(notifications, 'a'), listen(notifications, 'b')];
  await Promise.all([first.connected(), second.connected(), other.connected()]);

  await db.pool.query("select pg_notify('a', 'one')");
  notifications.send('a', 'key', 'two');

  await Promise.all([first.received(2), second.received(2)]);
  assert.deepEqual(first.payloads, ['one', 'two']);
  assert.deepEqual(other.payloads, []);
});

it('sends only the last of several with the same key', async () => {
  await using db = await testDatabase();
  await using notifications = createNotifications(db.pool, { url: db.url });
  const heard = listen(notifications, 'a');
  await heard.connected();

  for (let index = 1; index <= 100; index++) notifications.send('a', 'log', String(index));
  notifications.send('a', 'other', 'end');

  while (!(heard.payloads.includes('100') && heard.payloads.includes('end'))) {
    await heard.received(heard.payloads.length + 1);
  }
  assert.ok(heard.payloads.length <= 3);
});

it('connects again by itself and says so, because something may have been missed', async () => {
  await using db = await testDatabase();
  const errors: Error[] = [];
  await using notifications = createNotifications(db.pool, { url: db.url, onError: (error) => errors.push(error) });
  const heard = listen(notifications, 'a');
  await heard.connected();

  const again = heard.reconnected();
  await db.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'eve-listen' and datname = current_database()`,
  );
  await again;
  await db.pool.query("select pg_notify('a', 'after')");

  await heard.received(1);
  assert.equal(heard.connections(), 2);
  assert.equal(errors.length, 1);
});

it('tells a listener that has left nothing more', async () => {
  await using db = await testDatabase();
  await using notifications = createNotifications(db.pool, { url: db.url });
  const [left, stays] = [listen(notifications, 'a'), listen(notifications, 'a')];
  await Promise.all([left.connected(), stays.connected()]);

  left.listening[Symbol.dispose]();
  await db.pool.query("select pg_notify('a', 'one')");

  await stays.received(1);
  assert.deepEqual(left.payloads, []);
});
