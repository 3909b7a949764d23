"""Prints the document as the generators read it best: document.py openapi/posthouse.json.

Every error is the same problem document, so it is said once for an operation; what is not JSON is octets; lists in pages are
marked, for those templates that walk through them."""

import json
import sys

METHODS = ("get", "put", "post", "delete", "patch")

#: They ask for a reply without a body, where the clients promise one.
NOT_ASKED = ("prefer", "if-none-match")

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)

# It stands at the head of every generated file.
document["info"]["description"] = document["info"]["description"].split("\n\n")[0]

# A server in the document would only be a wrong default.
document.pop("servers", None)


def resolve(schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def octets(content):
    """JSON stays; anything else has no type that a client could use."""
    if "application/json" in content:
        return {"application/json": content["application/json"]}
    return {media: {"schema": {"type": "string", "format": "binary"}} for media in list(content)[:1]}


def item_of(response):
    """The name of the schema of the items of a page."""
    schema = resolve(response.get("content", {}).get("application/json", {}).get("schema", {}))
    properties = schema.get("properties", {})
    if "next_cursor" in properties:
        return properties["items"]["items"]["$ref"].rsplit("/", 1)[1]
    return None


for path in document["paths"].values():
    for method in METHODS:
        operation = path.get(method)
        if not operation:
            continue
        parameters = [it for it in operation.get("parameters", []) if it["name"].lower() not in NOT_ASKED]
        operation["parameters"] = parameters
        good = {status: reply for status, reply in operation["responses"].items() if status < "300"}
        for reply in good.values():
            if "content" in reply:
                reply["content"] = octets(reply["content"])
        if "204" in good and len(good) > 1:
            # There may be nothing to show.
            operation["x-maybe"] = True
        problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"] = good | {"default": {"description": "An error.", "content": problem}}
        body = operation.get("requestBody")
        if body:
            body["content"] = octets(body["content"])
        if any(it["in"] == "query" for it in parameters):
            operation["x-options"] = True
        item = next(filter(None, map(item_of, good.values())), None)
        if item and any(it["name"] == "cursor" for it in parameters):
            operation["x-item"] = item

json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
