import { type Problem, problem } from "../definition/problems";

/** Provider packages are optional: only who uses a target needs its own. Said as a problem, not as a module that is missing. */
export function missingPackage(path: string, value: unknown, name: string): Problem[] {
  try {
    require.resolve(`${name}/package.json`);
    return [];
  } catch {
    return [problem(path, value, `needs the package ${name}, which is not installed: npm install ${name}`)];
  }
}
