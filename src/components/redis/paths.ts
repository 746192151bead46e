export const CONFIG_PATH = "/etc/redis/redis.conf";
export const ACL_PATH = "/etc/redis/users.acl";
export const LIBRARY_PATH = "/etc/redis/session.lua";
export const START_PATH = "/etc/redis/start.sh";
export const HEALTH_PATH = "/etc/redis/health.sh";
export const ADMIN_PASSWORD_PATH = "/etc/redis/admin.password";
export const MONITOR_PASSWORD_PATH = "/etc/redis/monitor.password";
export const DATA_PATH = "/data";
/** Beside the data, the one folder that Redis may write to wherever it runs. */
export const SOCKET_PATH = "/data/redis.sock";
export const REDIS_PORT = 6379;
