import { App, Testing } from "cdktf";
import { StagingStack } from "../../stacks/staging";
import { logicalIds } from "../support/plans";

const stack = new StagingStack(new App());
const plan = JSON.parse(Testing.synth(stack));

test("logical ids are a contract with every deployed environment", () => {
  expect(logicalIds(plan)).toMatchSnapshot();
});

test("the summary says what the environment is", () => {
  expect(stack.cluster.summary).toMatchSnapshot();
});

test("needs no provider", () => {
  expect(plan.provider).toBeUndefined();
  expect(plan.terraform?.required_providers).toBeUndefined();
});
