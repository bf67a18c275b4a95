// A broker for one test, out of the process that `kbroker run` has started: POST /brokers makes it in milliseconds, with
// topics, groups, faults and a clock of its own. Any verb of docs/control.md is one POST.

export async function newBroker () {
  const { number, broker } = await post(`${process.env.KBROKER_CONTROL}/brokers`)
  return {
    bootstrap: broker.bootstrap,
    ask: (verb, args) => post(`http://${broker.http}/control/${verb}`, args),
    drop: () => ask('DELETE', `${process.env.KBROKER_CONTROL}/brokers/${number}`)
  }
}

const post = (url, args = {}) => ask('POST', url, JSON.stringify(args))

async function ask (method, url, body) {
  const response = await fetch(url, { method, body, headers: { 'Content-Type': 'application/json' } })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${url}: ${answer.error.message}`)
  return answer
}
