import { App, Testing } from "cdktf";
import { StagingStack } from "../../stacks/staging";

const stack = new StagingStack(new App());
const plan = JSON.parse(Testing.synth(stack));

test("logical ids are a contract with every deployed environment", () => {
  expect(
    Object.fromEntries(
      Object.entries(plan.resource).map(([type, resources]) => [type, Object.keys(resources as object)]),
    ),
  ).toMatchSnapshot();
});

test("the summary says what the environment is", () => {
  expect(stack.cluster.summary).toMatchSnapshot();
});

test("needs no provider", () => {
  expect(plan.provider).toBeUndefined();
  expect(plan.terraform?.required_providers).toBeUndefined();
});
