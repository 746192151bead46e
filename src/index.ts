export * from "./definition/public";
export { ClusterEndpoints, Deployed } from "./deployed";
export { ExistingRedis } from "./existing-redis";
export { MqttBalancer, MqttBalancerProps } from "./mqtt-balancer";
export { MqttCluster, MqttClusterProps } from "./mqtt-cluster";
export { RedisSessionStore, RedisSessionStoreProps } from "./redis-session-store";
