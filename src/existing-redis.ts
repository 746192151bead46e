import { setupScript } from "./components/redis/setup-script";

/** A Redis that somebody else runs, as `SessionStore.existingRedis()` takes it. */
export class ExistingRedis {
  /**
   * A shell script for whoever runs that Redis: it makes the users `writer` and `access`, each with just the rights that it
   * needs, and loads the functions that brokers call. It holds no secrets; its head says how it is run.
   */
  public static setupScript(): string {
    return setupScript();
  }

  private constructor() {}
}
