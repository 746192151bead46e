import { Access, Broker, type ClusterDefinitionProps, Monitoring, Secret, SessionStore } from "../src";

/** The cluster that all environments share. An environment adds where it runs, and what differs there. */
export const definition: ClusterDefinitionProps = {
  broker: Broker.emqx({ nodes: 3 }),
  sessionStore: SessionStore.redis(),
  access: Access.passwords({
    users: [
      { name: "sensors", password: Secret.variable("sensors_password") },
      { name: "backend", password: Secret.variable("backend_password") },
    ],
    rules: [
      { users: ["sensors"], action: "publish", topics: ["sensors/${clientid}/#"] },
      { users: ["sensors"], action: "subscribe", topics: ["commands/${clientid}/#"] },
      { users: ["backend"], action: "subscribe", topics: ["sensors/#"] },
      { users: ["backend"], action: "publish", topics: ["commands/#"] },
    ],
  }),
  monitoring: Monitoring.prometheus(),
};
