import { App, Testing } from "cdktf";
import { ProductionStack } from "../../stacks/production";

const stack = new ProductionStack(new App());
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

test("needs the one provider that its resources are of", () => {
  expect(Object.keys(plan.provider)).toEqual(["kubernetes"]);
});
