// The service under test: ships what is ordered.

import kafkajs from 'kafkajs'

export async function startShipping (bootstrap) {
  const kafka = new kafkajs.Kafka({ clientId: 'shipping', brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  const consumer = kafka.consumer({ groupId: 'shipping', heartbeatInterval: 100, retry: { initialRetryTime: 20 } })
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      await producer.send({ topic: 'shipments', messages: [{ value: `order ${message.value} is on its way` }] })
    }
  })
  return async () => {
    await consumer.disconnect()
    await producer.disconnect()
  }
}
