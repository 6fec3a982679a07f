"""Holds what sipspan says against schemas/: events as CloudEvents, events in Kafka (topic, key, headers, value, by
schemas/asyncapi.yaml), the report. Stricter than a consumer may be: what is not described is a mistake."""
import collections
import functools
import json
import pathlib
import re

import jsonschema
import yaml

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
SAMPLES = 1000  # of each type, beyond which only each hundredth event is looked at


def inlined(node, definitions):
    """Without references: to follow them each time takes jsonschema longer than all the rest."""
    if isinstance(node, list):
        return [inlined(value, definitions) for value in node]
    if not isinstance(node, dict):
        return node
    plain = {key: inlined(value, definitions) for key, value in node.items() if key not in ("$ref", "$defs")}
    if "$ref" not in node:
        return plain
    return {**inlined(definitions[node["$ref"].removeprefix("#/$defs/")], definitions), **plain}


def close_objects(schema):
    """Consumers must bear new fields; what sipspan gives must be described."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        for value in schema.values():
            close_objects(value)
    elif isinstance(schema, list):
        for value in schema:
            close_objects(value)
    return schema


def validator_of(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@functools.lru_cache(maxsize=None)
def schema_of(name):
    """The closed schema of an event type, or of "report"; None: there is none."""
    paths = [path for path in SCHEMAS.glob("**/*.schema.json") if path.name == f"{name}.schema.json"]
    if not paths:
        return None
    schema = json.loads(paths[0].read_text())
    return close_objects(inlined(schema, schema.get("$defs", {})))


@functools.lru_cache(maxsize=None)
def validator(name):
    return validator_of(schema_of(name)) if schema_of(name) else None


@functools.lru_cache(maxsize=None)
def data_validator(name):
    return validator_of(schema_of(name)["properties"]["data"])


def first_error(validator_, value, what):
    for error in validator_.iter_errors(value):
        return f"{what}: {error.json_path}: {error.message}"
    return None


def event_problem(event):
    """What is wrong with this event, None if nothing is."""
    known = validator(event.get("type"))
    return first_error(known, event, event["type"]) if known else f"no schema for {event.get('type')}"


def sampled(things, type_of):
    """All of them, of types with very many a sample."""
    seen = collections.Counter()
    for thing in things:
        type_ = type_of(thing)
        seen[type_] += 1
        if seen[type_] <= SAMPLES or seen[type_] % 100 == 0:
            yield thing


def events_problem(events):
    """The first problem of many."""
    return next(filter(None, map(event_problem, sampled(events, lambda event: event.get("type")))), None)


def read_events(lines):
    """The events of an NDJSON file or pipe. ValueError: one does not fit its schema."""
    events = [json.loads(line) for line in lines]
    problem = events_problem(events)
    if problem:
        raise ValueError(problem)
    return events


def report_problem(report):
    return first_error(validator("report"), report, "report")


# --- in Kafka

@functools.lru_cache(maxsize=None)
def asyncapi():
    return yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())


def resolved(node):
    """What a reference inside the document leads to."""
    while isinstance(node, dict) and "$ref" in node:
        target = asyncapi()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


@functools.lru_cache(maxsize=None)
def messages():
    """By type: (topic, message)."""
    return {resolved(message)["name"]: (channel["address"], resolved(message))
            for channel in asyncapi()["channels"].values() for message in channel["messages"].values()}


@functools.lru_cache(maxsize=None)
def headers_validator():
    return validator_of(close_objects(dict(asyncapi()["components"]["schemas"]["headers"])))


def stream_key(data):
    """SSRC and endpoints, as event_record.c puts them together."""
    ends = (data["stream"]["src"], data["stream"]["dst"])
    return " ".join([data["stream"]["ssrc"], *(f"[{end['ip']}]:{end['port']}" if ":" in end["ip"] else
                                               f"{end['ip']}:{end['port']}" for end in ends)])


def key_problem(type_, headers, key, data):
    if not key or headers["ce_partitionkey"] != key:
        return f"{type_}: key {key!r}, partition key {headers['ce_partitionkey']!r}"
    title = messages()[type_][1]["bindings"]["kafka"]["key"]["title"]
    call = headers.get("ce_subject")
    wanted = headers["ce_source"] if title == "Sensor" else stream_key(data) if "stream" in title and not call else call
    return None if key == wanted else f"{type_}: key {key!r} instead of {wanted!r}"


def kafka_problem(topic, key, headers, value):
    """What is wrong with this message; headers is a dict of texts, value the text of the message."""
    problem = first_error(headers_validator(), headers, "headers")
    if problem:
        return problem
    type_ = headers["ce_type"]
    if type_ not in messages():
        return f"{type_} is in no channel of asyncapi.yaml"
    if topic != messages()[type_][0]:
        return f"{type_} in topic {topic}"
    if headers["ce_dataschema"] != schema_of(type_)["$id"]:
        return f"{type_}: dataschema {headers['ce_dataschema']}"
    data = json.loads(value)
    return first_error(data_validator(type_), data, type_) or key_problem(type_, headers, key, data)


def kafka_topic_problem(topic, messages_):
    """The first problem of the topic's (key, headers, value)."""
    some = sampled(messages_, lambda message: message[1].get("ce_type"))
    return next(filter(None, (kafka_problem(topic, *message) for message in some)), None)


# --- the schemas themselves

def event_schema_files():
    return sorted((SCHEMAS / "events").glob("*.schema.json"))


def fields(node):
    """Names of what a schema describes, at any depth."""
    if isinstance(node, list):
        return set().union(*map(fields, node))
    if not isinstance(node, dict):
        return set()
    return set(node.get("properties", {})).union(*map(fields, node.values()))


def enums(node, name=None):
    """(name, words) of each property that is one of several words."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        if "enum" in node:
            yield name, set(node["enum"])
        for key, value in node.items():
            yield from enums(value, key)


def fields_in_code(source):
    """What a file that writes JSON gives as names: json_put_text(w, "call_id", …), set_count(object, "total", …)."""
    return set(re.findall(r'\b(?:json_|add_|put_|set_)\w+\(\w+, "([a-z]\w*)"', source))


def names_in_code(source, function):
    """The words that a function like cause_code_name knows."""
    body = re.search(rf"\b{function}\(.*?^}}", source, re.DOTALL | re.MULTILINE).group()
    return set(re.findall(r'"([^"]+)"', body))
