// KafkaJS 2: its README's producer, consumer and admin client; transactions; two members of a group.

import kafkajs from 'kafkajs'
import { assert, bootstrap, fail, prefix, step } from './steps.mjs'

const { Kafka, CompressionTypes, logLevel, Partitioners } = kafkajs
const kafka = new Kafka({ clientId: 'kafkajs-program', brokers: [bootstrap], logLevel: logLevel.ERROR })
const topic = `${prefix}-topic`
const output = `${prefix}-output`

function producer (options = {}) {
  return kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...options })
}

async function read (options, count) {
  const consumer = kafka.consumer({ groupId: `${prefix}-${Math.random()}`, ...options })
  const seen = []
  await consumer.connect()
  await consumer.subscribe({ topic: options.topic, fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer.on('consumer.crash', event => reject(event.payload.error))
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        seen.push({ partition, key: String(message.key), value: String(message.value), headers: message.headers })
        if (seen.length === count) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return seen
}

try {
  const admin = kafka.admin()
  await admin.connect()
  await step('create topics', async () => {
    assert.equal(await admin.createTopics({
      topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '3600000' }] }, { topic: output }]
    }), true)
    assert.equal(await admin.createTopics({ topics: [{ topic }] }), false)
  })
  await step('describe', async () => {
    const cluster = await admin.describeCluster()
    assert.equal(cluster.brokers.length >= 1, true)
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    assert.equal(topics[0].partitions.length, 3)
    const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type: 2, name: topic }] })
    const retention = resources[0].configEntries.find(entry => entry.configName === 'retention.ms')
    assert.equal(retention.configValue, '3600000')
  })
  await step('alter configs', async () => {
    await admin.alterConfigs({
      resources: [{ type: 2, name: topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }]
    })
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    assert.equal((await admin.fetchTopicOffsets(topic)).length, 4)
  })
  await step('produce', async () => {
    const plain = producer()
    await plain.connect()
    const messages = Array.from({ length: 100 }, (_, at) => ({ key: `k${at}`, value: `v${at}`, headers: { at: `${at}` } }))
    await plain.send({ topic, messages, acks: -1, compression: CompressionTypes.GZIP })
    await plain.disconnect()
    const idempotent = producer({ idempotent: true, maxInFlightRequests: 1 })
    await idempotent.connect()
    await idempotent.sendBatch({ topicMessages: [{ topic, messages: [{ key: 'last', value: 'v' }] }] })
    await idempotent.disconnect()
  })
  await step('consume in a group', async () => {
    const seen = await read({ topic, groupId: `${prefix}-group` }, 101)
    assert.deepEqual(new Set(seen.map(one => one.key)).size, 101)
    assert.equal(String(seen.find(one => one.key === 'k7').headers.at), '7')
    const [{ partitions }] = await admin.fetchOffsets({ groupId: `${prefix}-group`, topics: [topic] })
    assert.equal(partitions.reduce((sum, one) => sum + Math.max(Number(one.offset), 0), 0), 101)
  })
  await step('transactions', async () => {
    const transactional = producer({ transactionalId: `${prefix}-txn`, idempotent: true, maxInFlightRequests: 1 })
    await transactional.connect()
    const aborted = await transactional.transaction()
    await aborted.send({ topic: output, messages: [{ key: 'no', value: 'aborted' }] })
    await aborted.abort()
    const committed = await transactional.transaction()
    await committed.send({ topic: output, messages: [{ key: 'yes', value: 'committed' }] })
    await committed.sendOffsets({
      consumerGroupId: `${prefix}-offsets`, topics: [{ topic, partitions: [{ partition: 0, offset: '5' }] }]
    })
    await committed.commit()
    await transactional.disconnect()
    assert.deepEqual((await read({ topic: output }, 1)).map(one => one.value), ['committed'])
    const [{ partitions }] = await admin.fetchOffsets({ groupId: `${prefix}-offsets`, topics: [topic] })
    assert.equal(partitions.find(one => one.partition === 0).offset, '5')
  })
  await step('two members share', async () => {
    const members = [0, 1].map(() => kafka.consumer({ groupId: `${prefix}-shared`, rebalanceTimeout: 5000 }))
    const held = [[], []]
    await Promise.all(members.map(async (member, at) => {
      member.on('consumer.group_join', event => { held[at] = event.payload.memberAssignment[topic] ?? [] })
      await member.connect()
      await member.subscribe({ topic })
      await member.run({ eachMessage: async () => {} })
    }))
    while (held[0].length !== 2 || held[1].length !== 2) await new Promise(resolve => setTimeout(resolve, 50))
    assert.deepEqual([...held[0], ...held[1]].sort(), [0, 1, 2, 3])
    const { groups } = await admin.describeGroups([`${prefix}-shared`])
    assert.equal(groups[0].state, 'Stable')
    assert.equal(groups[0].members.length, 2)
    await Promise.all(members.map(member => member.disconnect()))
  })
  await step('seek and delete', async () => {
    await admin.setOffsets({ groupId: `${prefix}-group`, topic, partitions: [{ partition: 0, offset: '1' }] })
    assert.equal((await admin.fetchTopicOffsets(output))[0].low, '0') // it deletes records only of topics that it has met
    await admin.deleteTopicRecords({ topic: output, partitions: [{ partition: 0, offset: '1' }] })
    assert.equal((await admin.fetchTopicOffsets(output))[0].low, '1')
    const { groups } = await admin.listGroups()
    assert.equal(groups.some(one => one.groupId === `${prefix}-group`), true)
    await admin.deleteGroups([`${prefix}-group`])
    await admin.deleteTopics({ topics: [topic, output] })
  })
  await admin.disconnect()
} catch (error) { fail(error) }
process.exit(0)
