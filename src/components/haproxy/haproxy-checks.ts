import type { BrokerInterface } from "../broker-interface";

/** MQTT 3.1.1 CONNECT, clean session, keepalive 10 s. The empty client id keeps checks from evicting each other. */
const CONNECT = "100c00044d5154540402000a0000";
/** Any return code will do: a refusal also comes from a broker that works, so no credentials are needed. */
const CONNACK = "^2002";
const DISCONNECT = "e000";

/** How HAProxy asks a broker whether it is alive. */
export function checkLines({ check, proxyProtocol }: BrokerInterface): string[] {
  if (check.kind === "http") {
    return [
      "option httpchk",
      `http-check send meth GET uri ${check.path} ver HTTP/1.1 hdr Host broker`,
      "http-check expect status 200",
    ];
  }
  return [
    "option tcp-check",
    "tcp-check connect",
    ...(proxyProtocol ? [`tcp-check send-binary ${proxyHeader(check.port)}`] : []),
    `tcp-check send-binary ${CONNECT}`,
    `tcp-check expect rbinary ${CONNACK}`,
    `tcp-check send-binary ${DISCONNECT}`,
  ];
}

/**
 * A PROXY v1 header, sent as bytes. The header of HAProxy's own checks names no client (v2 LOCAL, v1 UNKNOWN), and
 * neither RabbitMQ nor EMQX accepts a connection without one.
 */
function proxyHeader(port: number): string {
  return Buffer.from(`PROXY TCP4 127.0.0.1 127.0.0.1 1 ${port}\r\n`).toString("hex");
}
