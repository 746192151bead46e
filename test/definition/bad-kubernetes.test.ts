import { Fn, TerraformStack, TerraformVariable, Testing } from "cdktf";
import {
  Access,
  Balancer,
  Broker,
  cluster,
  emqx,
  only,
  problemsOf,
  rabbitmq,
  rules,
  Secret,
  Target,
  users,
} from "../support/bad-input";

const kubernetes = (more: object = {}, others: object = {}) => ({
  ...others,
  target: Target.kubernetes({ namespace: "mqtt", ...more }),
});
const clients = (given: unknown) => kubernetes({ clients: given });
const password = (secret: unknown) =>
  kubernetes({}, { access: Access.passwords({ users: [{ name: "sensors", password: secret }], rules }) });

test.each<[string, object, ...string[]]>([
  ["nothing", { target: Target.kubernetes() }, "target.namespace = (missing): must be"],
  ["no namespace", { target: Target.kubernetes({}) }, "target.namespace = (missing): must be"],
  ["a misspelt option", kubernetes({ nameSpace: "a" }), "target.nameSpace = (not shown): unknown option"],
  ...["Mqtt", "mqtt_prod", "-mqtt", "a".repeat(64), "mqtt.prod", ""].map((namespace): [string, object, string] => [
    `namespace ${JSON.stringify(namespace)}`,
    kubernetes({ namespace }),
    "target.namespace = ",
  ]),
  // The service of clients
  [
    "service type",
    clients({ type: "Ingress" }),
    'target.clients.type = "Ingress": must be one of "ClusterIP", "NodePort", "LoadBalancer"',
  ],
  [
    "a service inside of the cluster with options for those outside",
    clients({
      nodePorts: { mqtt: 31883 },
      externalTrafficPolicy: "Local",
      loadBalancerClass: "internal",
      sourceRanges: ["203.0.113.0/24"],
    }),
    "target.clients.nodePorts = (an object with mqtt): has no meaning for a service of type ClusterIP: leave it out, or choose NodePort or LoadBalancer",
    'target.clients.externalTrafficPolicy = "Local": has no meaning for a service of type ClusterIP',
    'target.clients.loadBalancerClass = "internal": has no meaning for a service of type ClusterIP: leave it out, or choose LoadBalancer',
    "target.clients.sourceRanges = (a list of 1): has no meaning for a service of type ClusterIP, which nobody outside reaches",
  ],
  [
    "node ports",
    clients({ type: "NodePort", nodePorts: { mqtt: 1883, amqp: 31000 } }),
    "target.clients.nodePorts.mqtt = 1883: must be a whole number from 30000 to 32767",
    "target.clients.nodePorts.amqp = 31000: is no port of the service; known: mqtt, ws",
  ],
  [
    "one node port twice",
    clients({ type: "NodePort", nodePorts: { mqtt: 31883, ws: 31883 } }),
    "target.clients.nodePorts = (an object with mqtt, ws): has one port twice",
  ],
  [
    "subnets",
    clients({ type: "LoadBalancer", sourceRanges: ["203.0.113.0", "::/0"] }),
    'target.clients.sourceRanges[0] = "203.0.113.0": must be a subnet',
    'target.clients.sourceRanges[1] = "::/0": must be a subnet',
  ],
  [
    "subnets that would keep nobody out",
    clients({ type: "NodePort", sourceRanges: ["203.0.113.0/24"], externalTrafficPolicy: "Cluster" }),
    "target.clients.sourceRanges = (a list of 1): cannot be kept with externalTrafficPolicy",
  ],
  [
    "annotations",
    clients({ annotations: { "example.com/a b": "1", "example.com/ok": 1 } }),
    'target.clients.annotations["example.com/a b"] = "1": stands under what is no name of a label',
    'target.clients.annotations["example.com/ok"] = 1: must be text',
  ],
  [
    "nobody at all",
    clients({ type: "LoadBalancer", sourceRanges: [] }),
    "sourceRanges = []: must be a list of at least one",
  ],
  // Where
  [
    "a namespace that takes claims along",
    kubernetes({ createNamespace: true }),
    "target.createNamespace = true: has the namespace destroyed together with the cluster, and every claim in it",
  ],
  ...["./kubeconfig", "$HOME/.kube/config", ""].map((kubeconfig): [string, object, string] => [
    `kubeconfig ${JSON.stringify(kubeconfig)}`,
    kubernetes({ kubeconfig }),
    "target.kubeconfig = ",
  ]),
  // Names
  [
    "a domain that makes hosts too long",
    kubernetes({ namespace: "n".repeat(63), clusterDomain: `${"d".repeat(60)}.${"e".repeat(60)}.${"f".repeat(60)}` }),
    "longer than the 253 characters that DNS allows",
  ],
  ["a name that is too long", kubernetes({}, { name: "a".repeat(31) }), "name = "],
  // Storage
  [
    "sizes",
    kubernetes({ storage: { sizes: { broker: "20 GB", balancer: "1GB" } } }),
    'target.storage.sizes.broker = "20 GB": must be a size from 1GB to 16384GB',
    'target.storage.sizes.balancer = "1GB": is no workload with data; known: broker, session-store, prometheus, alertmanager',
  ],
  [
    "storage class",
    kubernetes({ storage: { storageClass: "Fast SSD" } }),
    'target.storage.storageClass = "Fast SSD": must be the name of a storage class',
  ],
  [
    "what becomes of data",
    kubernetes({ storage: { whenDestroyed: "Delete" } }),
    'target.storage.whenDestroyed = "Delete": must be one of "retain", "delete"',
  ],
  // Who makes the brokers
  [
    "RabbitMQ by a chart",
    kubernetes({ brokersBy: "helm" }, rabbitmq({})),
    'target.brokersBy = "helm": must be "statefulSet" with RabbitMQ',
  ],
  ["brokers by nobody", kubernetes({ brokersBy: "ansible" }), 'target.brokersBy = "ansible": must be one of'],
  [
    "an operator for nobody",
    kubernetes({ installOperator: true }),
    'target.installOperator = true: has no effect with brokersBy "statefulSet"',
  ],
  [
    "a chart in a domain that it does not know",
    kubernetes({ brokersBy: "helm", clusterDomain: "example.internal" }),
    'target.clusterDomain = "example.internal": must be cluster.local with the chart emqx 5.8.9',
  ],
  [
    "EMQX too old for its operator",
    kubernetes({ brokersBy: "operator" }, { ...emqx({ version: "5.8.1" }), balancer: Balancer.none() }),
    'broker.version = "5.8.1"',
  ],
  // Secrets
  [
    "a secret in a file of a host",
    password(Secret.file("/etc/mqtt/password")),
    'access.users[0].password = "Secret /etc/mqtt/password": is kept in a file of a host, which pods cannot read; use Secret.kubernetes',
  ],
  [
    "a secret without its key",
    password(Secret.kubernetes("mqtt-users", "")),
    "access.users[0].password = (not shown): a Kubernetes secret has a name",
  ],
  [
    "a key that is none",
    password(Secret.kubernetes("mqtt-users", "a/b")),
    "access.users[0].password = (not shown): a Kubernetes secret has a name",
  ],
  [
    "a key that is forgotten",
    password(Secret.kubernetes("mqtt-users")),
    "access.users[0].password = (not shown): a Kubernetes secret has a name",
  ],
  [
    "a secret of a name that is none",
    password(Secret.kubernetes("Mqtt_Users", "sensors")),
    "access.users[0].password = (not shown): a Kubernetes secret has a name",
  ],
  // The rest
  [
    "resources",
    kubernetes({ resources: { haproxy: { memoryLimit: "2Gi", cpuRequest: 0 }, squid: {} } }),
    'target.resources.haproxy.memoryLimit = "2Gi": must be a size',
    "target.resources.haproxy.cpuRequest = 0: must be a number from 0.01 to 256",
    "target.resources.squid = {}: is not a program of this package",
  ],
  [
    "requests beyond limits, and memory that the definition gives",
    kubernetes({
      resources: {
        haproxy: { memoryRequest: "2GB", memoryLimit: "1GB", cpuRequest: 2, cpuLimit: 1 },
        emqx: { memoryLimit: "1GB" },
        redis: { memoryRequest: "1GB" },
      },
    }),
    "target.resources.haproxy.memoryRequest = 2147483648: must not be more than memoryLimit",
    "target.resources.haproxy.cpuRequest = 2: must not be more than cpuLimit",
    "target.resources.emqx.memoryLimit = 1073741824: is for broker.memory to say",
    "target.resources.redis.memoryRequest = 1073741824: is for sessionStore.memory to say",
  ],
  [
    "hardening",
    kubernetes({ hardening: { nonRoot: "no", rootless: true } }),
    'target.hardening.nonRoot = "no": must be true or false',
    "target.hardening.rootless = true: unknown option",
  ],
  [
    "scheduling",
    kubernetes({ scheduling: { nodeSelector: ["a"], tolerations: { key: "a" }, spread: "always" } }),
    "target.scheduling.nodeSelector = (a list of 1): must be an object of texts by label",
    "target.scheduling.tolerations = (an object with key): must be a list",
    'target.scheduling.spread = "always": must be one of "required", "preferred"',
  ],
  [
    "times",
    kubernetes({ minReady: 30, rolloutTimeout: "10s" }),
    "target.minReady = 30: must be a duration",
    'target.rolloutTimeout = "10s": must be a duration from 1m to 2h',
  ],
  [
    "less time than brokers must be ready",
    kubernetes({ minReady: "10m", rolloutTimeout: "20m" }),
    'target.rolloutTimeout = "1200s": must be more than minReady for each of the brokers: 1800s',
  ],
  [
    "labels of nodes",
    kubernetes({ scheduling: { nodeSelector: { a: "b c" }, tolerations: [{ key: "a", value: "a$b" }] } }),
    'target.scheduling.nodeSelector.a = "b c": must be a value of a Kubernetes label',
    'target.scheduling.tolerations[0].value = "a$b": must be a value of a Kubernetes label',
  ],
  [
    "nodes without data where nobody makes them",
    kubernetes({ replicants: 2 }),
    'target.replicants = 2: has no effect with brokersBy "statefulSet"',
  ],
  [
    "nodes without data of open-source EMQX",
    kubernetes({ brokersBy: "operator", replicants: 2 }),
    "target.replicants = 2: open-source EMQX 5.8.9 has none",
  ],
  [
    "a version that changes under its name",
    kubernetes({ brokersBy: "helm" }, emqx({ version: "5.8" })),
    'broker.version = "5.8": must have three parts with brokersBy "helm"',
  ],
  [
    "a name that the operator's labels have no room for",
    kubernetes({ brokersBy: "operator" }, { ...emqx({}), name: "a".repeat(30) }),
    "must have at most 29 characters with EMQX's operator",
  ],
  ["users of images", kubernetes({ userIds: { rabbitmq: 0 } }), "target.userIds.rabbitmq = 0: must be a whole number"],
  ["too many balancers", kubernetes({}, { balancer: Balancer.haproxy({ replicas: 10 }) }), "balancer.replicas = 10"],
])("%s", (_, props, ...lines) => {
  expect(problemsOf(cluster(props))).toEqual(only(...lines));
});

test("values that only Terraform will know", () => {
  const stack = new TerraformStack(Testing.app(), "dev");
  const variable = new TerraformVariable(stack, "v", { type: "string" });
  const later = { namespace: variable.stringValue, storage: { storageClass: Fn.lower("a") } };
  expect(problemsOf(cluster(kubernetes(later)), stack)).toEqual(
    only("target.namespace = (a value known only to Terraform): must be known", "target.storage.storageClass = "),
  );
});

test("other targets do not read Kubernetes' secrets", () => {
  const props = users({ password: Secret.kubernetes("mqtt-users", "sensors") });
  expect(problemsOf(cluster({ ...props, broker: Broker.emqx() }))).toEqual(
    only(
      'access.users[0].password = "Secret mqtt-users/sensors": is kept in a Kubernetes secret, which Docker cannot read',
    ),
  );
});
