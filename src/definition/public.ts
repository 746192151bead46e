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
export { ExistingBrokersProps } from "./existing-brokers";
export { Monitoring, PrometheusMonitoringProps, WebhookProps } from "./monitoring";
export { Secret, SecretSource } from "./secret";
export { RedisProps, SessionStore } from "./session-store";
export { DockerTargetProps, Target } from "./target";
export {
  VmBastionProps,
  VmHostProps,
  VmPackageProps,
  VmProvisioning,
  VmSshProps,
  VmsTargetProps,
  VmVirtualAddressProps,
} from "./vms";
