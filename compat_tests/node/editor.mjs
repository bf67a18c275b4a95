// What an editor's plug-in on @platformatic/kafka asks for: a tree of brokers, topics and groups, each with its page.

import { Admin, Producer, Consumer, ConfigResourceTypes, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { assert, bootstrap, fail, prefix, step } from './steps.mjs'

const options = { clientId: 'editor', bootstrapBrokers: [bootstrap] }
const topic = `${prefix}-topic`
const group = `${prefix}-group`

async function offsets (admin, timestamp) {
  const partitions = [0, 1].map(partitionIndex => ({ partitionIndex, timestamp }))
  const [{ partitions: found }] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
  return found.map(one => Number(one.offset))
}

try {
  const admin = new Admin(options)
  await step('connect', async () => {
    const { brokers, controllerId } = await admin.metadata({})
    assert.equal(brokers.has(controllerId), true)
  })
  await step('make and fill a topic', async () => {
    await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 })
    const producer = new Producer({ ...options, autocreateTopics: true, serializers: stringSerializers })
    const messages = Array.from({ length: 10 }, (_, at) => ({ topic, partition: at % 2, key: `k${at}`, value: `v${at}` }))
    await producer.send({ messages, acks: -1 })
    await producer.close()
  })
  await step('topics', async () => {
    const names = await admin.listTopics()
    const { topics } = await admin.metadata({ topics: names })
    assert.equal(topics.get(topic).partitionsCount, 2)
    assert.equal(topics.get(topic).partitions[1].isr.length, 1)
  })
  await step('configs', async () => {
    const { brokers } = await admin.metadata({})
    const resources = [
      { resourceType: ConfigResourceTypes.BROKER, resourceName: `${[...brokers.keys()][0]}` },
      { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
    ]
    for (const resource of resources) {
      const [{ configs }] = await admin.describeConfigs({ resources: [resource] })
      assert.equal(configs.some(one => /^(log\.)?cleanup\.policy$/.test(one.name) && one.value === 'delete'), true)
    }
  })
  await step('read a topic', async () => {
    const consumer = new Consumer({ ...options, groupId: group, deserializers: stringDeserializers })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true, maxWaitTime: 500 })
    const seen = []
    for await (const message of stream) {
      seen.push(message.value)
      if (seen.length === 10) break
    }
    assert.equal(new Set(seen).size, 10)
    await consumer.close(true)
  })
  await step('a group', async () => {
    assert.equal((await admin.listGroups()).has(group), true)
    const described = (await admin.describeGroups({ groups: [group] })).get(group)
    assert.equal(described.state, 'EMPTY')
    const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] })
    assert.deepEqual(topics.map(one => one.name), [topic])
    assert.deepEqual([await offsets(admin, -2n), await offsets(admin, -1n)], [[0, 0], [5, 5]])
    assert.deepEqual(await offsets(admin, BigInt(Date.now() + 1e9)), [-1, -1])
  })
  await step('purge and delete', async () => {
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 5n }] }] })
    assert.deepEqual(await offsets(admin, -2n), [5, 0])
    await admin.deleteGroups({ groups: [group] })
    await admin.deleteTopics({ topics: [topic] })
  })
  await admin.close()
} catch (error) { fail(error) }
process.exit(0)
