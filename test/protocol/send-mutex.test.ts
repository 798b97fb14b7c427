import test from 'ava';
import { SendMutex } from '../../src/protocol/send-mutex.ts';

test('who finds it free has it at once', async (t) => {
  const mutex = new SendMutex();
  t.false(mutex.held);
  await mutex.acquire();
  t.true(mutex.held);
  mutex.release();
  t.false(mutex.held);
});

test('it is handed to the waiting in the order in which they came', async (t) => {
  const mutex = new SendMutex();
  const order: number[] = [];
  await mutex.acquire();
  const turns = [1, 2, 3].map(async (number) => {
    await mutex.acquire();
    order.push(number);
    mutex.release();
  });
  mutex.release();
  await Promise.all(turns);
  t.deepEqual(order, [1, 2, 3]);
  t.false(mutex.held);
});

test('handed over, it is never free in between', async (t) => {
  const mutex = new SendMutex();
  await mutex.acquire();
  const second = mutex.acquire();
  mutex.release();
  t.true(mutex.held);
  await second;
  t.true(mutex.held);
  mutex.release();
  t.false(mutex.held);
});

test('of many only one holds it at a time', async (t) => {
  const mutex = new SendMutex();
  let holders = 0;
  const work = async (): Promise<void> => {
    for (let round = 0; round < 20; round += 1) {
      await mutex.acquire();
      holders += 1;
      await Promise.resolve();
      if (holders !== 1) t.fail(`${holders} holders`);
      holders -= 1;
      mutex.release();
    }
  };
  await Promise.all(Array.from({ length: 10 }, work));
  t.false(mutex.held);
});
