"""The template in an emulation of AWS: deployed by CloudFormation, looked at, and told to those who run functions."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import boto3

from transform import REGION, for_emulation, plain

MOTO = pathlib.Path(__file__).resolve().parent.parent / "tests" / "services" / "moto"
QUEUES = {"TicketQueue": "projector-ticket", "HistoryQueue": "projector-history", "DirectoryQueue": "projector-directory"}
FOURTEEN_DAYS_S = 14 * 24 * 3600


class Emulation:
    """AWS at a URL; without one, an emulation is started on loopback for as long as the block lasts."""

    def __init__(self, url=None):
        self.url, self.process = url, None

    def __enter__(self):
        if self.url is None:
            self.process = subprocess.Popen([str(MOTO)], stdout=subprocess.PIPE, text=True, start_new_session=True)
            self.url = self.process.stdout.readline().strip()
            if not self.url:
                sys.exit("template-check: the emulation does not start")
        return self

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url)

    def __exit__(self, *_):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=10)


class Stack:
    """The template as it stands in an emulation."""

    def __init__(self, emulation, name, parameters):
        self.emulation, self.name = emulation, name
        self.template = plain(parameters)
        cloudformation = emulation.client("cloudformation")
        body = json.dumps(for_emulation(self.template))
        cloudformation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        made = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        assert made["StackStatus"] == "CREATE_COMPLETE", made
        self.id = made["StackId"]
        self.outputs = {one["OutputKey"]: self.here(one["OutputValue"]) for one in made["Outputs"]}
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [one for page in pages for one in page["StackResourceSummaries"]]
        self.physical = {one["LogicalResourceId"]: one.get("PhysicalResourceId") for one in resources}

    def functions(self):
        """Each function as a process: its binary, handler and settings, and the queue that feeds it."""
        resources = self.template["Resources"]
        fed = {
            one["Properties"]["FunctionName"]["Ref"].removesuffix("Aliaslive"): one["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
            for one in resources.values()
            if one["Type"] == "AWS::Lambda::EventSourceMapping"
        }
        functions = {}
        for name, one in resources.items():
            if one["Type"] != "AWS::Lambda::Function" or not self.holds(one.get("Condition")):
                continue
            properties = one["Properties"]
            variables = {key: self.value(value) for key, value in properties["Environment"]["Variables"].items()}
            functions[properties["Handler"]] = {
                "binary": pathlib.PurePath(properties["Code"]["S3Key"]).stem,
                "name": self.value(properties["FunctionName"]),
                "settings": {key: value for key, value in variables.items() if value is not None},
                "queue": self.outputs[fed[name]] if name in fed else None,
            }
        return functions

    def routes(self):
        """What the API does with each route key: the function behind it, whether tokens are looked at before, and the
        scopes of which the service itself wants one."""
        routes = {}
        for path, methods in self.template["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
            for method, one in methods.items():
                if method == "parameters":
                    continue
                integration = one["x-amazon-apigateway-integration"]["$ref"].rsplit("/", 1)[1]
                key = path[1:] if path == "/$default" else f"{method.upper()} {path}"
                callers = [self.value(scheme["caller"]) for scheme in one.get("security", [])]
                scopes = [scope for scopes in callers for scope in scopes]
                routes[key] = {"function": integration, "guarded": bool(callers), "scopes": scopes}
        return routes

    def holds(self, condition):
        """Whether a condition of the template holds."""
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        [(kind, of)] = condition.items()
        match kind:
            case "Condition":
                return self.holds(of)
            case "Fn::Not":
                return not self.holds(of[0])
            case "Fn::And":
                return all(self.holds(one) for one in of)
            case "Fn::Equals":
                return str(self.value(of[0])) == str(self.value(of[1]))
        raise ValueError(f"a condition of an unknown kind: {kind}")

    def value(self, node):
        """What CloudFormation makes of a value; addresses of the service become those of the emulation."""
        if not isinstance(node, dict):
            return node
        [(kind, of)] = node.items()
        match kind:
            case "Ref":
                return self.reference(of)
            case "Fn::GetAtt" if of == ["PublicUrl", "Value"]:
                # Only the service itself could tell the address of an API that is not there.
                return "https://desk.example"
            case "Fn::GetAtt" if of == ["Bus", "Name"]:
                return self.outputs["BusName"]
            case "Fn::If":
                return self.value(of[1] if self.holds(of[0]) else of[2])
            case "Fn::Join":
                parts = self.value(of[1])
                return of[0].join(parts if isinstance(parts, list) else parts.split(","))
            case "Fn::Sub":
                text = re.sub(r"\$\{([^}]+)\}", lambda name: str(self.reference(name[1])), of)
                return self.here(text)
        raise ValueError(f"a setting of an unknown kind: {kind}")

    def here(self, text):
        """Queues' addresses of AWS as those of the emulation."""
        return text.replace(f"https://sqs.{REGION}.amazonaws.com/", f"{self.emulation.url}/")

    def reference(self, name):
        pseudo = {
            "AWS::AccountId": self.id.split(":")[4],
            "AWS::NoValue": None,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.template["Parameters"]:
            return self.template["Parameters"][name]["Default"]
        return self.physical[name]


def keys(table):
    kinds = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    return lambda schema: [(one["AttributeName"], kinds[one["AttributeName"]], one["KeyType"]) for one in schema]


def check_tables(stack):
    dynamodb = stack.emulation.client("dynamodb")
    store = dynamodb.describe_table(TableName=stack.outputs["StoreTable"])["Table"]
    of = keys(store)
    assert of(store["KeySchema"]) == [("stream", "S", "HASH"), ("version", "N", "RANGE")], store
    [feed] = store["GlobalSecondaryIndexes"]
    assert (feed["IndexName"], feed["Projection"]["ProjectionType"]) == ("feed", "KEYS_ONLY"), feed
    assert of(feed["KeySchema"]) == [("bucket", "S", "HASH"), ("at", "N", "RANGE")], feed
    assert store["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST", store
    identity = dynamodb.describe_table(TableName=stack.outputs["IdentityTable"])["Table"]
    assert keys(identity)(identity["KeySchema"]) == [("subject", "S", "HASH"), ("part", "S", "RANGE")], identity


def check_rules(stack):
    events, sqs = stack.emulation.client("events"), stack.emulation.client("sqs")
    assert stack.outputs["BusName"] == stack.name, stack.outputs
    bus = events.describe_event_bus(Name=stack.name)["Arn"]
    found = {}
    # The archive has a rule of its own, which the service manages.
    rules = events.list_rules(EventBusName=stack.name)["Rules"]
    for rule in (one for one in rules if not one["Name"].startswith("Events-Archive")):
        [target] = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=stack.name)["Targets"]
        found[target["Id"]] = target["Arn"]
    assert found.keys() == set(QUEUES.values()), found
    for output, consumer in QUEUES.items():
        attributes = sqs.get_queue_attributes(QueueUrl=stack.outputs[output], AttributeNames=["All"])["Attributes"]
        assert attributes["QueueArn"] == found[consumer], (attributes, found)
        redrive = json.loads(attributes["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(f":{stack.name}-{consumer}-dead"), redrive
        assert int(attributes["VisibilityTimeout"]) >= 180, attributes
        assert int(attributes["MessageRetentionPeriod"]) == FOURTEEN_DAYS_S, attributes
    [archive] = events.list_archives(EventSourceArn=bus)["Archives"]
    assert archive["RetentionDays"] == 14, archive


def check_delivery(stack):
    """Each type of event reaches the queues of those who take it, and no other."""
    events, sqs = stack.emulation.client("events"), stack.emulation.client("sqs")
    expected = {
        "ticket.opened": {"TicketQueue", "HistoryQueue"},
        "message.posted": {"TicketQueue", "HistoryQueue"},
        "user.registered": {"DirectoryQueue", "HistoryQueue"},
        "employee.changed": {"DirectoryQueue", "HistoryQueue"},
        "roster.admin_added": {"HistoryQueue"},
    }
    entries = [
        {"EventBusName": stack.name, "Source": "eventdesk", "DetailType": kind, "Detail": json.dumps({"type": kind})}
        for kind in expected
    ]
    foreign = {"EventBusName": stack.name, "Source": "somebody-else", "DetailType": "ticket.opened", "Detail": "{}"}
    assert events.put_events(Entries=[*entries, foreign])["FailedEntryCount"] == 0
    got = {kind: set() for kind in expected}
    for output in QUEUES:
        queue = stack.outputs[output]
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                assert body["source"] == "eventdesk", body
                got[body["detail-type"]].add(output)
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert got == expected, got


def check_settings(stack):
    """What functions are told is there, in the emulation as on AWS."""
    sqs = stack.emulation.client("sqs")
    functions = stack.functions()
    for name, function in functions.items():
        settings = function["settings"]
        told = {settings.get("EVENTDESK_STORE_TABLE"), settings.get("EVENTDESK_STORE_IDENTITY_TABLE")} - {None}
        assert told <= {stack.outputs["StoreTable"], stack.outputs["IdentityTable"]}, (name, told)
        assert settings.get("EVENTDESK_BUS_NAME", stack.name) == stack.name, (name, settings)
        if function["queue"] is not None:
            # Functions find their queue and its dead letters by the names of bus and consumer.
            queues = [f"{settings['EVENTDESK_BUS_NAME']}-{name}{end}" for end in ("", "-dead")]
            urls = [sqs.get_queue_url(QueueName=queue)["QueueUrl"] for queue in queues]
            assert stack.here(urls[0]) == function["queue"], (name, urls)
    assert {name for name, one in functions.items() if one["queue"]} == set(QUEUES.values()), functions


def check_deployment():
    """Deploys the template once, to an emulation of its own, and looks at what is there."""
    started = time.monotonic()
    with Emulation() as emulation:
        stack = Stack(emulation, "eventdesk-check", {})
        check_tables(stack)
        check_rules(stack)
        check_delivery(stack)
        check_settings(stack)
    taken = time.monotonic() - started
    print(f"template-check: {len(stack.physical)} resources stood in the emulation, {taken:.1f} s", file=sys.stderr)
