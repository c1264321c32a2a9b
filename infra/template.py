"""Lints the template, makes plain CloudFormation of it, and deploys it to an emulation of AWS.

Started by tests/template-check, which says what the arguments mean.
"""

import argparse
import copy
import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

# The translator wants to know a region, and nothing here may reach a cloud.
os.environ.update(AWS_DEFAULT_REGION="eu-central-1", AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")

import boto3  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

# It has much to say about features of its own that are off.
logging.getLogger("samtranslator").setLevel(logging.CRITICAL)

INFRA = pathlib.Path(__file__).resolve().parent
TEMPLATE = INFRA / "template.yaml"
STAND_INS = {"MongoHost": "cluster.example.net"}
JWT = {"AuthorizerMode": "jwt", "IssuerUrl": "https://issuer.example", "IssuerAudience": "api://default"}
# What a function becomes at least, besides its role and log: itself, a version, an alias, a deployment group.
OF_A_FUNCTION = ("AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::CodeDeploy::DeploymentGroup")

# The emulation makes none of these, or only where other services run, too.
NOT_EMULATED = (
    "AWS::ApiGatewayV2::",
    "AWS::CloudWatch::",
    "AWS::CodeDeploy::",
    "AWS::Lambda::",
    "AWS::Route53::",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::",
)


def plain(parameters):
    """The template as CloudFormation without SAM."""
    template = yaml_parse(TEMPLATE.read_text())
    for resource in template["Resources"].values():
        # Code is uploaded when it is deployed; the translator wants to see an address.
        if resource["Type"] == "AWS::Serverless::Function":
            folder = resource["Properties"]["CodeUri"].strip("/")
            resource["Properties"]["CodeUri"] = f"s3://artifacts/{folder}.zip"
    given = {name: one["Default"] for name, one in template["Parameters"].items() if "Default" in one}
    given.update(STAND_INS, **parameters)
    unknown = given.keys() - template["Parameters"].keys()
    if unknown:
        sys.exit(f"template-check: no such parameter: {', '.join(sorted(unknown))}")
    made = Translator({}, Parser()).translate(template, given)
    for name, value in given.items():
        made["Parameters"][name]["Default"] = value
    return made


def names_in(node):
    """What a part of a template refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
                yield from names_in(value)
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from names_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from names_in(value)


def for_emulation(template):
    """Without what the emulation cannot make, and without whatever refers to that."""
    template = copy.deepcopy(template)
    resources, outputs = template["Resources"], template["Outputs"]
    gone = {name for name, one in resources.items() if one["Type"].startswith(NOT_EMULATED)}
    while True:
        more = {name for name, one in resources.items() if name not in gone and gone.intersection(names_in(one))}
        if not more:
            break
        gone |= more
    template["Resources"] = {name: one for name, one in resources.items() if name not in gone}
    template["Outputs"] = {name: one for name, one in outputs.items() if not gone.intersection(names_in(one))}
    template.pop("Rules", None)
    for one in template["Resources"].values():
        # The service takes the pattern of an archive as it stands; the emulation wants its text.
        if one["Type"] == "AWS::Events::Archive":
            one["Properties"]["EventPattern"] = json.dumps(one["Properties"]["EventPattern"])
    return template


def lint():
    """cfn-lint's findings, none of which is let through; exceptions stand in the template, each with its reason."""
    program = pathlib.Path(sys.executable).with_name("cfn-lint")
    command = [program, "--non-zero-exit-code", "informational", "--", TEMPLATE]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit("template-check: cfn-lint has something to say")
    lines = TEMPLATE.read_text().splitlines()
    for before, line in zip(lines, lines[1:]):
        if "ignore_checks" in line and not before.lstrip().startswith("#"):
            sys.exit(f"template-check: a check is ignored without a reason: {line.strip()}")


def check_transformed():
    """Both modes become CloudFormation, whole and within the limits of a stack."""
    for mode, parameters in (("authorizer", {}), ("jwt", JWT)):
        made = plain(parameters)
        types = [one["Type"] for one in made["Resources"].values()]
        wrong = [kind for kind in types if kind.startswith("AWS::Serverless")]
        assert not wrong, wrong
        functions = types.count("AWS::Lambda::Function")
        for kind in OF_A_FUNCTION:
            assert types.count(kind) == functions, (kind, types.count(kind), functions)
        for name, one in made["Resources"].items():
            if one["Type"] == "AWS::Lambda::Alias":
                assert "CodeDeployLambdaAliasUpdate" in one["UpdatePolicy"], name
            if one["Type"] == "AWS::Lambda::EventSourceMapping":
                assert "Ref" in one["Properties"]["FunctionName"], f"{name} does not follow an alias"
        body = next(one for one in made["Resources"].values() if one["Type"] == "AWS::ApiGatewayV2::Api")
        paths = body["Properties"]["Body"]["paths"]
        size = len(json.dumps(made, separators=(",", ":")))
        assert len(types) <= 500 and size <= 1_000_000, (len(types), size)
        print(f"template-check: {mode}: {len(types)} resources, {len(paths)} paths, {size} bytes", file=sys.stderr)


class Emulation:
    """An emulation of AWS on loopback, for as long as the block lasts."""

    def __enter__(self):
        moto = INFRA.parent / "tests" / "services" / "moto"
        self.process = subprocess.Popen([str(moto)], stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            sys.exit("template-check: the emulation does not start")
        return self

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url)

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=10)


def deployed(emulation, stack):
    """The stack's outputs and the physical names of its resources, once it stands."""
    cloudformation = emulation.client("cloudformation")
    body = json.dumps(for_emulation(plain({})))
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    cloudformation.create_stack(StackName=stack, TemplateBody=body, Capabilities=capabilities)
    made = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    assert made["StackStatus"] == "CREATE_COMPLETE", made
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    physical = {one["LogicalResourceId"]: one.get("PhysicalResourceId") for page in pages for one in page["StackResourceSummaries"]}
    return {one["OutputKey"]: one["OutputValue"] for one in made["Outputs"]}, physical


def keys(table):
    kinds = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    return lambda schema: [(one["AttributeName"], kinds[one["AttributeName"]], one["KeyType"]) for one in schema]


def check_tables(emulation, outputs):
    dynamodb = emulation.client("dynamodb")
    store = dynamodb.describe_table(TableName=outputs["StoreTable"])["Table"]
    of = keys(store)
    assert of(store["KeySchema"]) == [("stream", "S", "HASH"), ("version", "N", "RANGE")], store
    [feed] = store["GlobalSecondaryIndexes"]
    assert (feed["IndexName"], feed["Projection"]["ProjectionType"]) == ("feed", "KEYS_ONLY"), feed
    assert of(feed["KeySchema"]) == [("bucket", "S", "HASH"), ("at", "N", "RANGE")], feed
    assert store["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST", store
    identity = dynamodb.describe_table(TableName=outputs["IdentityTable"])["Table"]
    assert keys(identity)(identity["KeySchema"]) == [("subject", "S", "HASH"), ("part", "S", "RANGE")], identity


QUEUES = {"TicketQueue": "projector-ticket", "HistoryQueue": "projector-history", "DirectoryQueue": "projector-directory"}


def check_rules(emulation, stack, outputs):
    events, sqs = emulation.client("events"), emulation.client("sqs")
    assert outputs["BusName"] == stack, outputs
    assert events.describe_event_bus(Name=stack)["Arn"].endswith(f":event-bus/{stack}")
    rules = events.list_rules(EventBusName=stack)["Rules"]
    found = {}
    # The archive has a rule of its own, which the service manages.
    for rule in (one for one in rules if not one["Name"].startswith("Events-Archive")):
        [target] = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=stack)["Targets"]
        found[target["Id"]] = (json.loads(rule["EventPattern"]), target["Arn"])
    assert found.keys() == set(QUEUES.values()), found
    for output, consumer in QUEUES.items():
        attributes = sqs.get_queue_attributes(QueueUrl=outputs[output], AttributeNames=["All"])["Attributes"]
        assert attributes["QueueArn"] == found[consumer][1], (attributes, found)
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{stack}-{consumer}-dead"), redrive
        assert int(attributes["VisibilityTimeout"]) >= 180, attributes
        assert int(attributes["MessageRetentionPeriod"]) == 14 * 24 * 3600, attributes
    [archive] = events.list_archives(EventSourceArn=events.describe_event_bus(Name=stack)["Arn"])["Archives"]
    assert archive["RetentionDays"] == 14, archive


def check_delivery(emulation, stack, outputs):
    """Each type of event reaches the queues of those who take it, and no other."""
    events, sqs = emulation.client("events"), emulation.client("sqs")
    expected = {
        "ticket.opened": {"TicketQueue", "HistoryQueue"},
        "message.posted": {"TicketQueue", "HistoryQueue"},
        "user.registered": {"DirectoryQueue", "HistoryQueue"},
        "employee.changed": {"DirectoryQueue", "HistoryQueue"},
        "roster.admin_added": {"HistoryQueue"},
    }
    entries = [
        {"EventBusName": stack, "Source": "eventdesk", "DetailType": kind, "Detail": json.dumps({"type": kind})}
        for kind in expected
    ]
    foreign = {"EventBusName": stack, "Source": "somebody-else", "DetailType": "ticket.opened", "Detail": "{}"}
    assert events.put_events(Entries=[*entries, foreign])["FailedEntryCount"] == 0
    got = {kind: set() for kind in expected}
    for output in QUEUES:
        while messages := sqs.receive_message(QueueUrl=outputs[output], MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                assert body["source"] == "eventdesk", body
                got[body["detail-type"]].add(output)
                sqs.delete_message(QueueUrl=outputs[output], ReceiptHandle=message["ReceiptHandle"])
    assert got == expected, got


def check_deployment():
    started = time.monotonic()
    with Emulation() as emulation:
        stack = "eventdesk-check"
        outputs, physical = deployed(emulation, stack)
        check_tables(emulation, outputs)
        check_rules(emulation, stack, outputs)
        check_delivery(emulation, stack, outputs)
    print(
        f"template-check: {len(physical)} resources stood in the emulation, {time.monotonic() - started:.1f} s",
        file=sys.stderr,
    )


def main():
    parser = argparse.ArgumentParser(prog="tests/template-check")
    parser.add_argument("--transform", metavar="OUT.json", type=pathlib.Path)
    parser.add_argument("--emulator", action="store_true")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args()
    if asked.transform is None:
        if asked.emulator or asked.parameter:
            parser.error("--emulator and --parameter belong to --transform")
        lint()
        check_transformed()
        check_deployment()
        print("template-check: passed", file=sys.stderr)
        return
    if any("=" not in one for one in asked.parameter):
        parser.error("a parameter is NAME=VALUE")
    template = plain(dict(one.split("=", 1) for one in asked.parameter))
    template = for_emulation(template) if asked.emulator else template
    asked.transform.write_text(json.dumps(template, indent=1) + "\n")


if __name__ == "__main__":
    main()
