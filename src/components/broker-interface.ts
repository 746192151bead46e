/** What other programs must know of a broker, whichever it is. */
export interface BrokerInterface {
  /** MQTT over TCP. */
  readonly tcpPort: number;
  /** MQTT over WebSocket, and its URL path; `undefined` when switched off. */
  readonly ws?: { readonly port: number; readonly path: string };
  /** HTTP dashboard for operators. */
  readonly dashboardPort?: number;
  /** The MQTT listeners insist on a PROXY protocol header. */
  readonly proxyProtocol: boolean;
  readonly check: BrokerCheck;
}

/** What proves that the broker process answers, and not only that its port is open. */
export type BrokerCheck =
  | { readonly kind: "http"; readonly port: number; readonly path: string }
  /** A CONNECT on the MQTT port that is answered by a CONNACK, preceded by a PROXY header if the listener wants one. */
  | { readonly kind: "mqtt-connect"; readonly port: number };
