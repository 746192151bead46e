import type { PodParts } from "../../src/formats/pod-parts";

/** Of three brokers called `dev-mqtt-broker`, as hard as the Pod Security standard "restricted" wants them. */
export function samplePodParts(overrides: Partial<PodParts> = {}): PodParts {
  const labels = { "app.kubernetes.io/instance": "dev-mqtt", "app.kubernetes.io/component": "broker" };
  const files = ["emqx.conf", "base.hocon", "acl.conf", "users.csv"];
  return {
    name: "dev-mqtt-broker",
    namespace: "mqtt",
    clusterDomain: "cluster.local",
    replicas: 3,
    replicants: 2,
    image: "registry.example.com:5000/emqx/emqx:5.8.9@sha256:0f",
    imageRepository: "registry.example.com:5000/emqx/emqx",
    imageTag: "5.8.9@sha256:0f",
    imagePullSecrets: [{ name: "registry" }],
    imagePullSecretNames: ["registry"],
    labels,
    annotations: { "mqtt-cluster/files": "0f" },
    podSecurityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    containerSecurityContext: {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    },
    initContainers: [
      {
        name: "files",
        image: "emqx/emqx:5.8.9",
        command: ["true"],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        volumeMounts: [{ name: "files", mountPath: "/run/files" }],
      },
    ],
    volumes: [
      { name: "files", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
      { name: "tmp", emptyDir: {} },
    ],
    volumeMounts: [
      ...files.map((file) => ({ name: "files", mountPath: `/opt/emqx/etc/${file}`, subPath: file, readOnly: true })),
      { name: "tmp", mountPath: "/tmp" },
    ],
    env: [],
    ports: [{ name: "mqtt", containerPort: 1883, protocol: "TCP" }],
    resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { memory: "2Gi" } },
    startupProbe: { httpGet: { port: 18083, path: "/status" }, periodSeconds: 2, failureThreshold: 90 },
    readinessProbe: { exec: { command: ["true"] }, periodSeconds: 10 },
    livenessProbe: { httpGet: { port: 18083, path: "/status" }, failureThreshold: 6 },
    lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } },
    terminationGracePeriodSeconds: 125,
    minReadySeconds: 30,
    serviceAccountName: "dev-mqtt-broker",
    nodeSelector: { disk: "ssd" },
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: labels } },
          },
        ],
      },
    },
    tolerations: [{ key: "dedicated", operator: "Equal", value: "mqtt" }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: labels },
      },
    ],
    priorityClassName: "",
    claim: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "8Gi" } } },
    claimSize: "8Gi",
    storageClass: "",
    ...overrides,
  };
}
