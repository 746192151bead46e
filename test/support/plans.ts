interface SynthesisedPlan {
  readonly resource?: Readonly<Record<string, object>>;
}

/** Logical ids by type of resource: what a deployed environment's state is bound to. */
export function logicalIds({ resource = {} }: SynthesisedPlan): Record<string, string[]> {
  return Object.fromEntries(Object.entries(resource).map(([type, resources]) => [type, Object.keys(resources)]));
}
