export { Access, MqttUserProps, PasswordAccessProps, RedisAccessProps, TopicAction, TopicRuleProps } from "./access";
export {
  Balancer,
  BalancerAlgorithm,
  BalancerProps,
  ClientLimitsProps,
  HaproxyBalancerProps,
  NginxBalancerProps,
} from "./balancer";
export {
  Broker,
  BrokerListenersProps,
  EmqxBrokerProps,
  MqttLimitsProps,
  RabbitmqBrokerProps,
  RabbitmqPartitionHandling,
} from "./broker";
export { ClusterDefinitionProps } from "./cluster";
export { DockerTargetProps } from "./docker";
export { DockerSwarmTargetProps, SwarmHostProps } from "./docker-swarm";
export { ExistingBrokersProps } from "./existing-brokers";
export {
  KubernetesBrokerMaker,
  KubernetesHardeningProps,
  KubernetesResourcesProps,
  KubernetesSchedulingProps,
  KubernetesServiceProps,
  KubernetesServiceType,
  KubernetesStorageProps,
  KubernetesTargetProps,
  KubernetesTolerationProps,
} from "./kubernetes";
export { Monitoring, PrometheusMonitoringProps, PrometheusOperatorMonitoringProps, WebhookProps } from "./monitoring";
export { Secret, SecretSource } from "./secret";
export { ExistingRedisProps, RedisProps, SessionStore } from "./session-store";
export { Target } from "./target";
export {
  VmBastionProps,
  VmHostProps,
  VmPackageProps,
  VmProvisioning,
  VmSshProps,
  VmsTargetProps,
  VmVirtualAddressProps,
} from "./vms";
