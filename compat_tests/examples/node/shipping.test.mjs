// kbroker run -- npm test

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { newBroker } from './broker.mjs'
import { startShipping } from './shipping.mjs'

let broker, stop

beforeEach(async () => {
  broker = await newBroker()
  await broker.ask('topics/create', { name: 'orders' })
  stop = await startShipping(broker.bootstrap)
})

afterEach(async () => {
  await stop()
  await broker.drop()
})

const order = value => broker.ask('records/produce', { topic: 'orders', records: [{ value }] })
const shipments = async count =>
  (await broker.ask('records/wait', { topic: 'shipments', count, timeout: 30 })).map(record => record.value)

test('an order is shipped', async () => {
  await order('1')
  assert.deepEqual(await shipments(1), ['order 1 is on its way'])
})

test('a lost answer ships nothing twice', async () => {
  await broker.ask('faults/install', {
    match: { api: ['Produce'], topic: 'shipments' }, when: { times: 1 }, effect: { drop: 'after' }
  })
  await order('1')
  await order('2')
  assert.deepEqual(await shipments(2), ['order 1 is on its way', 'order 2 is on its way'])
})

test('a member that is put out of its group comes back', async () => {
  await broker.ask('groups/wait_assigned', { group: 'shipping', timeout: 30 })
  await broker.ask('groups/evict', { group: 'shipping', member: 'shipping' })
  await order('1')
  assert.deepEqual(await shipments(1), ['order 1 is on its way'])
})
