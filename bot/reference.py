"""/docs: the customer channels' HTTP interface as one page that loads nothing from anywhere else."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader

_PAGES: Final = Path(__file__).with_name("pages")
_STYLE: Final = (_PAGES / "reference.css").read_text(encoding="utf-8")
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_TEMPLATE: Final = Environment(
    loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True
).get_template("reference.html")

CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'"
)


def page(described: dict[str, Any]) -> str:
    """The page for an OpenAPI document as FastAPI makes it."""
    operations = [
        {"method": method.upper(), "path": path, **_operation(operation, described)}
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]
    groups: dict[str, list[dict[str, Any]]] = {}
    for operation in operations:
        groups.setdefault(operation["tag"], []).append(operation)
    return _TEMPLATE.render(info=described["info"], groups=groups, style=_STYLE)


def _operation(operation: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(body.get("schema", {}), described)
    return {
        "tag": (operation.get("tags") or ["Other"])[0],
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [
            {**parameter, "kind": _kind(parameter.get("schema", {}), described)}
            for parameter in operation.get("parameters", [])
        ],
        "fields": _fields(schema, described, prefix="", depth=0),
        "example": _example(body, schema),
        "responses": {
            status: response.get("description", "") for status, response in operation.get("responses", {}).items()
        },
    }


def _resolved(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    """The schema itself where it only refers to one, or is one of a kind and null."""
    found: Any = schema
    if "$ref" in schema:
        found = described
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    elif len(present := [each for each in schema.get("anyOf", []) if each.get("type") != "null"]) == 1:
        found = {**schema, **_resolved(present[0], described)}
    return dict(found)


def _fields(schema: dict[str, Any], described: dict[str, Any], *, prefix: str, depth: int) -> list[dict[str, Any]]:
    rows = []
    for name, each in schema.get("properties", {}).items():
        field = _resolved(each, described)
        rows.append(
            {
                "name": f"{prefix}{name}",
                "kind": _kind(each, described),
                "required": name in schema.get("required", ()),
                "description": each.get("description") or field.get("description", ""),
            }
        )
        below = _resolved(field.get("items", {}), described) if field.get("type") == "array" else field
        if depth < 3:
            mark = "[]." if field.get("type") == "array" else "."
            rows += _fields(below, described, prefix=f"{prefix}{name}{mark}", depth=depth + 1)
    return rows


def _kind(schema: dict[str, Any], described: dict[str, Any]) -> str:
    field = _resolved(schema, described)
    words = str(field.get("type", "any"))
    if "enum" in field:
        words = " | ".join(json.dumps(each) for each in field["enum"])
    if "maxLength" in field:
        words += f", at most {field['maxLength']:,} characters"
    if "maxItems" in field:
        words += f", at most {field['maxItems']}"
    return words


def _example(body: dict[str, Any], schema: dict[str, Any]) -> str:
    named = [each["value"] for each in body.get("examples", {}).values() if "value" in each]
    examples = [body["example"]] if "example" in body else named or schema.get("examples", [])
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""
