/**
 * As much of an MQTT broker as a balancer in front of it meets, in a process of its own that can be killed and stopped:
 *
 *   node tiny-broker.js <address> <MQTT port> <HTTP port> proxy|plain
 *
 * It answers CONNECT and PINGREQ, prints `listening` and then `<client id> <client address>` for each CONNECT, and its
 * HTTP port answers 200. With `proxy` it insists on a PROXY protocol header that names the client, as EMQX and RabbitMQ do.
 */
const http = require("node:http");
const net = require("node:net");

const [address, mqttPort, httpPort, header] = process.argv.slice(2);
const ANSWERS = { 1: Buffer.from([0x20, 2, 0, 0]), 12: Buffer.from([0xd0, 0]) };

net.createServer(serve).listen(Number(mqttPort), address, () => console.log("listening"));
http.createServer((_, response) => response.end()).listen(Number(httpPort), address);

function serve(socket) {
  let data = Buffer.alloc(0);
  let client = header === "proxy" ? undefined : `${socket.remoteAddress}:${socket.remotePort}`;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    data = Buffer.concat([data, chunk]);
    if (!client) {
      const proxy = readProxyHeader(data);
      if (!proxy) {
        return;
      }
      if (!proxy.client) {
        console.log("refused: the PROXY header names no client");
        socket.destroy();
        return;
      }
      client = proxy.client;
      data = data.subarray(proxy.length);
    }
    for (let packet = readPacket(data); packet; packet = readPacket(data)) {
      data = data.subarray(packet.length);
      if (packet.type === 1) {
        console.log(`${packet.body.subarray(12, 12 + packet.body.readUInt16BE(10))} ${client}`);
      }
      if (ANSWERS[packet.type]) {
        socket.write(ANSWERS[packet.type]);
      }
    }
  });
}

function readPacket(data) {
  let remaining = 0;
  for (let i = 1; i < Math.min(data.length, 5); i++) {
    remaining += (data[i] & 127) * 128 ** (i - 1);
    if (data[i] < 128) {
      const length = 1 + i + remaining;
      return data.length < length ? undefined : { type: data[0] >> 4, length, body: data.subarray(1 + i, length) };
    }
  }
  return undefined;
}

const V2_SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

function readProxyHeader(data) {
  if (data.subarray(0, 12).equals(V2_SIGNATURE)) {
    const length = data.length < 16 ? Number.POSITIVE_INFINITY : 16 + data.readUInt16BE(14);
    if (data.length < length) {
      return undefined;
    }
    const names = data[12] === 0x21 && data[13] === 0x11;
    return { length, client: names && `${[...data.subarray(16, 20)].join(".")}:${data.readUInt16BE(24)}` };
  }
  const end = data.indexOf("\r\n");
  if (end < 0) {
    return data.length < 108 ? undefined : { length: 0 };
  }
  const v1 = /^PROXY TCP4 (\S+) \S+ (\d+) \d+$/.exec(data.subarray(0, end).toString("latin1"));
  return { length: end + 2, client: v1 && `${v1[1]}:${v1[2]}` };
}
