/** What goes wrong about programs that run already: somebody else's Redis, somebody else's Prometheus. */
import {
  cluster,
  Monitoring,
  only,
  PLAIN_SECRET,
  password,
  problemsOf,
  rabbitmq,
  SessionStore,
} from "../support/bad-input";

const existingRedis = (given: unknown) => ({ sessionStore: SessionStore.existingRedis(given) });
const operator = (given: unknown) => ({ monitoring: Monitoring.prometheusOperator(given) });

test.each<[what: string, props: object, ...lines: string[]]>([
  // A Redis that runs already
  [
    "existing Redis for RabbitMQ",
    rabbitmq({}, { sessionStore: existingRedis({ host: "redis.example.com" }).sessionStore }),
    'sessionStore = "existingRedis": RabbitMQ keeps the session',
  ],
  ["no host", existingRedis({}), "sessionStore.host = (missing): must be text: a host name or an IPv4 address"],
  [
    "existing Redis not described",
    existingRedis(undefined),
    "sessionStore = (missing): must be an object with host, po",
  ],
  [
    "URL for host",
    existingRedis({ host: "redis://r" }),
    'sessionStore.host = "redis://r": must be a host name or an IPv4',
  ],
  [
    "URL with password for host",
    existingRedis({ host: "redis://default:hunter2@r" }),
    'sessionStore.host = "redis://default:(not shown)@r": must be a host name',
  ],
  ["host with port", existingRedis({ host: "r:6379" }), 'sessionStore.host = "r:6379": must be a host name or an IPv4'],
  ...["localhost", "LOCALHOST", "127.0.0.1", "0.0.0.0"].map((given): [string, object, string] => [
    `Redis on ${given}`,
    existingRedis({ host: given }),
    `sessionStore.host = "${given}": would be the broker itself: give the address under which other machines reach this`,
  ]),
  ...[0, 65536, "6379", 1.5].map((port): [string, object, string] => [
    `Redis on port ${port}`,
    existingRedis({ host: "r", port }),
    `sessionStore.port = ${JSON.stringify(port)}: must be a whole number from 1 to 65535`,
  ]),
  [
    "Redis' password as text",
    existingRedis({ host: "r", writerPassword: PLAIN_SECRET }),
    "sessionStore.writerPassword = (not shown): must be a Secret",
  ],
  [
    "what only a Redis of one's own has",
    existingRedis({ host: "r", memory: "1GB", adminPassword: password }),
    "sessionStore.memory = (not shown): unknown option; allowed here: host, port, writerPassword, accessPassword",
    "sessionStore.adminPassword = (not shown): unknown option",
  ],
  // A Prometheus operator
  [
    "operator without Kubernetes",
    operator({}),
    'monitoring = "prometheusOperator": needs the Prometheus operator of a Kubernetes cluster, which Docker does not have',
  ],
  [
    "operator with what only a Prometheus of one's own has",
    operator({ retention: "15d", webhook: { url: "http://a" } }),
    "monitoring.retention = (not shown): unknown option; allowed here: labels, scrapeInterval",
    "monitoring.webhook = (an object with url): unknown option",
    'monitoring = "prometheusOperator"',
  ],
  [
    "labels as list",
    operator({ labels: ["release"] }),
    "monitoring.labels = (a list of 1): must be an object of texts by name of a Kubernetes label",
    "monitoring = ",
  ],
  [
    "labels that are none",
    operator({ labels: { "a b": "x", release: "my stack", team: 7, "Ex_ample/x": "", "example.com/x": "" } }),
    'monitoring.labels["a b"] = "x": stands under what is no name of a label',
    'monitoring.labels.release = "my stack": must be a value of a Kubernetes label',
    "monitoring.labels.team = 7: must be text: a value of a Kubernetes label",
    'monitoring.labels["Ex_ample/x"] = "": stands under what is no name',
    "monitoring = ",
  ],
  [
    "operator's interval",
    operator({ scrapeInterval: "2m" }),
    'monitoring.scrapeInterval = "2m": must be',
    "monitoring = ",
  ],
])("%s", (_, props, ...lines) => {
  expect(problemsOf(cluster(props))).toEqual(only(...lines));
});
