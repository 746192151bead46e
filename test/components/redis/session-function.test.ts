import * as fc from "fast-check";
import { describeWithPrograms, freePort, temporaryFolder } from "../../support/programs";
import { RealRedis } from "./real-redis";

const T0 = 1_732_000_000_000;
const DAY = 86_400;

function connection(node: string, connectedAt: number, more: object = {}) {
  const common = { clientid: "c", node, username: "u", peername: `10.0.0.1:${connectedAt % 60_000}` };
  return {
    connected: (extra: object = {}) => ({
      event: "client.connected",
      ...common,
      connected_at: connectedAt,
      timestamp: connectedAt + 1,
      clean_start: true,
      expiry_interval: 0,
      ...more,
      ...extra,
    }),
    disconnected: (reason = "normal", extra: object = {}) => ({
      event: "client.disconnected",
      ...common,
      ...more,
      connected_at: connectedAt,
      disconnected_at: connectedAt + 5000,
      timestamp: connectedAt + 5000,
      reason,
      disconn_props: {},
      ...extra,
    }),
    subscribed: (topic: string, qos = 1, extra: object = {}) => ({
      event: "session.subscribed",
      ...common,
      ...more,
      topic,
      qos,
      timestamp: connectedAt + 2,
      ...extra,
    }),
    unsubscribed: (topic: string) => ({
      event: "session.unsubscribed",
      ...common,
      ...more,
      topic,
      qos: 0,
      timestamp: connectedAt + 3,
    }),
  };
}

describeWithPrograms(["redis-server", "redis-cli"], "the session function", () => {
  const redis = new RealRedis(temporaryFolder(), freePort());
  const client = () => redis.hash("mqtt:client:c");
  const subscriptions = () => redis.hash("mqtt:sub:c");
  const timeToLive = (key: string) => Number(redis.command("admin", "TTL", key));

  beforeAll(() => redis.startAndWait());
  afterAll(() => redis.process.end("SIGTERM"));
  beforeEach(() => redis.command("admin", "FLUSHALL"));

  test("keeps who is connected where, since when, and subscribed to what", () => {
    const a = connection("emqx@node-1", T0);
    expect(redis.event(a.connected())).toBe(1);
    expect(redis.event(a.subscribed("x/+", 1))).toBe(1);
    expect(redis.event(a.subscribed("y/#", 2))).toBe(1);
    expect(redis.event(a.subscribed("y/#", 0))).toBe(1);
    expect(redis.event(a.unsubscribed("x/+"))).toBe(1);
    expect(client()).toEqual({
      state: "connected",
      node: "emqx@node-1",
      username: "u",
      peername: "10.0.0.1:40000",
      connected_at: `${T0}`,
      session_since: `${T0}`,
      clean_start: "true",
      expiry_interval: "0",
    });
    expect(subscriptions()).toEqual({ "y/#": "0" });
    expect(timeToLive("mqtt:client:c")).toBe(-1);
    expect(timeToLive("mqtt:sub:c")).toBe(-1);
  });

  test("a client without a user name has an empty one", () => {
    redis.event(connection("n1", T0).connected({ username: null }));
    expect(client().username).toBe("");
  });

  describe("the end of a session", () => {
    test.each([
      ["no expiry interval", 0, "normal", {}, { left: {}, sub: -2, client: DAY }],
      ["an expiry interval", 7200, "normal", {}, { left: { t: "1" }, sub: 7200, client: 7200 + DAY }],
      ["an interval of for ever", 4294967295, "normal", {}, { left: { t: "1" }, sub: -1, client: -1 }],
      [
        "an interval changed when leaving",
        7200,
        "normal",
        { "Session-Expiry-Interval": 30 },
        { left: { t: "1" }, sub: 30, client: 30 + DAY },
      ],
      ["kicked out", 7200, "kicked", {}, { left: {}, sub: -2, client: DAY }],
      ["discarded by a clean start elsewhere", 7200, "discarded", {}, { left: {}, sub: -2, client: DAY }],
      ["taken over by a connection elsewhere", 0, "takenover", {}, { left: { t: "1" }, sub: DAY, client: 2 * DAY }],
    ])("%s", (_, expiry, reason, properties, expected) => {
      const a = connection("n1", T0);
      redis.event(a.connected({ clean_start: false, expiry_interval: expiry }));
      redis.event(a.subscribed("t"));
      expect(redis.event(a.disconnected(reason, { disconn_props: properties }))).toBe(1);
      expect(client()).toMatchObject({ state: "disconnected", reason, disconnected_at: `${T0 + 5000}` });
      expect(subscriptions()).toEqual(expected.left);
      for (const [key, seconds] of [
        ["mqtt:sub:c", expected.sub],
        ["mqtt:client:c", expected.client],
      ] as const) {
        expect(Math.abs(timeToLive(key) - seconds)).toBeLessThanOrEqual(2);
      }
    });

    test("coming back keeps the subscriptions, a clean start drops them", () => {
      redis.event(connection("n1", T0).connected({ expiry_interval: 60 }));
      redis.event(connection("n1", T0).subscribed("t"));
      redis.event(connection("n1", T0).disconnected());
      redis.event(connection("n2", T0 + 9000).connected({ clean_start: false, expiry_interval: 60 }));
      expect(subscriptions()).toEqual({ t: "1" });
      expect(timeToLive("mqtt:sub:c")).toBe(-1);
      expect(timeToLive("mqtt:client:c")).toBe(-1);
      expect(client()).toMatchObject({ state: "connected", node: "n2", session_since: `${T0}` });
      expect(client()).not.toHaveProperty("reason");
      redis.event(connection("n2", T0 + 20_000).connected());
      expect(subscriptions()).toEqual({});
    });

    test("a subscription that comes after the end does not stay for ever", () => {
      const a = connection("n1", T0);
      redis.event(a.connected());
      redis.event(a.disconnected());
      redis.event(a.subscribed("late"));
      expect(timeToLive("mqtt:sub:c")).toBeGreaterThan(DAY - 5);
    });
  });

  describe("events of two connections out of order", () => {
    const a = connection("n1", T0);
    const b = connection("n2", T0 + 60_000);

    test.each([["takenover"], ["discarded"]])("the old node's %s, early and late", (reason) => {
      redis.event(a.connected());
      expect([redis.event(a.disconnected(reason)), redis.event(b.connected())]).toEqual([1, 1]);
      const early = client();
      redis.command("admin", "FLUSHALL");
      redis.event(a.connected());
      expect([redis.event(b.connected()), redis.event(a.disconnected(reason))]).toEqual([1, 0]);
      expect(client()).toEqual(early);
      expect(early).toMatchObject({ state: "connected", node: "n2" });
    });

    test("connected again to the same node", () => {
      const again = connection("n1", T0 + 60_000);
      redis.event(a.connected());
      redis.event(again.connected());
      expect(redis.event(a.disconnected("sock_closed"))).toBe(0);
      expect(client()).toMatchObject({ state: "connected", connected_at: `${T0 + 60_000}` });
    });

    test("two nodes in the same millisecond", () => {
      redis.event(connection("n1", T0).connected());
      redis.event(connection("n2", T0).connected());
      expect(redis.event(connection("n1", T0).disconnected("takenover"))).toBe(0);
      expect(client()).toMatchObject({ state: "connected", node: "n2" });
    });

    test("a request repeated, or late after the end of its connection, changes nothing", () => {
      redis.event(a.connected());
      redis.event(a.subscribed("t"));
      expect(redis.event(a.connected())).toBe(0);
      expect(subscriptions()).toEqual({ t: "1" });
      redis.event(a.disconnected());
      expect(redis.event(a.connected())).toBe(0);
      expect(client().state).toBe("disconnected");
    });

    test("however the two arrive, the later connection decides", () => {
      const first = [a.connected(), a.subscribed("old"), a.subscribed("both"), a.disconnected("discarded")];
      const topics = fc.subarray(["both", "new", "more"]);
      const scenario = fc.record({
        topics,
        dropped: topics,
        left: fc.boolean(),
        order: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      });
      fc.assert(
        fc.property(scenario, ({ topics, dropped, left, order }) => {
          redis.command("admin", "FLUSHALL");
          const second: object[] = [
            b.connected({ expiry_interval: 60 }),
            ...topics.map((topic) => b.subscribed(topic, 2)),
            ...dropped.map((topic) => b.unsubscribed(topic)),
            ...(left ? [b.disconnected()] : []),
          ];
          const queues: object[][] = [[...first], second];
          for (const late of order) {
            const event = (late ? queues[1] : queues[0]).shift() ?? queues[late ? 0 : 1].shift();
            if (event) {
              redis.event(event);
            }
          }
          expect(queues).toEqual([[], []]);
          expect(client()).toMatchObject({ state: left ? "disconnected" : "connected", node: "n2" });
          const kept = topics.filter((topic) => !dropped.includes(topic));
          expect(subscriptions()).toEqual(Object.fromEntries(kept.map((topic) => [topic, "2"])));
        }),
        { numRuns: 40 },
      );
    });
  });

  describe("what is no event of a session", () => {
    test.each([
      ["no JSON", "{", /^ERR .*(Expected|user_function)/],
      ["not an object", "7", /^ERR /],
      ["another event", '{"event":"message.publish"}', /unknown event message.publish/],
      ["no client id", '{"event":"client.connected","node":"n","connected_at":1}', /clientid must be a string/],
      ["no time", '{"event":"client.connected","node":"n","clientid":"c"}', /connected_at must be a number/],
      ["no topic", '{"event":"session.subscribed","clientid":"c","timestamp":1,"qos":1}', /topic must be a string/],
    ])("%s is an error and changes nothing", (_, json, message) => {
      expect(redis.command("writer", "FCALL", "session_event", "0", json)).toMatch(message);
      expect(redis.command("admin", "DBSIZE")).toBe(0);
    });
  });
});
