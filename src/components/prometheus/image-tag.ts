/** Tags of the Prometheus project: `v3.5.0`. There is none for `3.5`. */
export function imageTag(version: string): string {
  return `v${/^\d+\.\d+$/.test(version) ? `${version}.0` : version}`;
}
