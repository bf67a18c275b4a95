// @platformatic/kafka: producer, streaming consumer in both group protocols where it has them, admin client.

import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { assert, bootstrap, fail, prefix, step } from './steps.mjs'

const options = { clientId: 'platformatic-program', bootstrapBrokers: [bootstrap] }
const topic = `${prefix}-topic`

try {
  const admin = new Admin(options)
  await step('create topics', async () => {
    const [made] = await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 })
    assert.equal(made.name, topic)
  })
  await step('produce', async () => {
    const producer = new Producer({ ...options, serializers: stringSerializers, idempotent: true })
    const messages = Array.from({ length: 20 }, (_, at) => ({ topic, key: `k${at}`, value: `v${at}`, headers: { at: `${at}` } }))
    const { offsets } = await producer.send({ messages, acks: -1, compression: 'gzip' })
    assert.equal(offsets.length >= 1, true)
    await producer.close()
  })
  for (const groupProtocol of ['classic', 'consumer']) {
    await step(`consume in a group, ${groupProtocol}`, async () => {
      const groupId = `${prefix}-${groupProtocol}`
      const consumer = new Consumer({ ...options, groupId, groupProtocol, deserializers: stringDeserializers })
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 500 })
      const seen = []
      for await (const message of stream) {
        seen.push(message)
        if (seen.length === 20) break
      }
      assert.deepEqual(new Set(seen.map(one => one.key)).size, 20)
      assert.equal(seen.find(one => one.key === 'k7').headers.get('at'), '7')
      await consumer.close(true)
    })
  }
  await step('admin', async () => {
    const groups = await admin.listGroups()
    assert.equal(groups.has(`${prefix}-classic`), true)
    assert.equal((await admin.listTopics()).includes(topic), true)
    await admin.deleteGroups({ groups: [`${prefix}-classic`] })
    await admin.deleteTopics({ topics: [topic] })
  })
  await admin.close()
} catch (error) { fail(error) }
process.exit(0)
