"""What travels over the webhook channel, both ways, as /docs shows it."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.base import ATTACHMENTS, Automatic, Inbound, Received, Reply, Sender
from adapters.bodies import Email, Id, Name, Posted, PostedAttachment, Text, Tier
from adapters.webhook.signatures import ID, SIGNATURE, TIMESTAMP

EXAMPLE: Final[dict[str, Any]] = {
    "conversation": "ticket-4711",
    "customer": {"id": "c-1009", "name": "Mina Okafor", "email": "mina@larkspur.example", "tier": "vip"},
    "text": "My parcel says delivered, but nothing is here.",
    "attachments": [{"name": "door.jpg", "url": "https://files.larkspur.example/door.jpg"}],
}


class PostedCustomer(Posted):
    id: Id = Field(description="Your own id of the customer.")
    name: Name = None
    email: Email = None
    tier: Tier = Field(default=None, description="A tier of signoff.toml; left out, what is known stays as it is.")


class PostedMessage(Posted):
    """A customer's message."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id | None = Field(default=None, description=f"Your own id of the message. Left out: the {ID} header.")
    conversation: Id = Field(description="Your own id of the conversation: replies come back with it.")
    customer: PostedCustomer
    text: Text = Field(description="Plain text. May be empty only where there are attachments.")
    attachments: Annotated[tuple[PostedAttachment, ...], Field(max_length=ATTACHMENTS)] = ()
    automatic: Automatic | None = Field(default=None, description="Why no person wrote it: kept, but never answered.")

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not self.text and not self.attachments:
            raise ValueError("text is empty, and there is no attachment")
        return self

    def inbound(self, *, channel: str, webhook_id: str) -> Inbound:
        sender = self.customer
        return Inbound(
            channel=channel,
            thread=self.conversation,
            external_id=self.id or webhook_id,
            sender=Sender(external_id=sender.id, name=sender.name, email=sender.email, tier=sender.tier),
            text=self.text,
            attachments=tuple(each.attachment() for each in self.attachments),
            automatic=self.automatic,
        )


class Accepted(BaseModel):
    """The message is committed. Posted again, it is answered with the same ids and `repeated`."""

    message_id: str
    conversation_id: str
    repeated: bool

    @classmethod
    def of(cls, received: Received) -> Self:
        return cls(message_id=received.message_id, conversation_id=received.conversation_id, repeated=received.repeated)


class RepliedCustomer(BaseModel):
    id: str


class PostedReply(BaseModel):
    """An approved reply, as it is posted to your URL. Treat `id` (and the webhook-id header) as the idempotency key."""

    type: Literal["reply"] = "reply"
    id: str
    conversation: str
    customer: RepliedCustomer
    text: str
    author: str
    in_reply_to: str | None
    sequence: int
    timestamp: datetime

    @classmethod
    def of(cls, reply: Reply) -> Self:
        return cls(
            id=reply.key,
            conversation=reply.thread,
            customer=RepliedCustomer(id=reply.to),
            text=reply.text,
            author=reply.author,
            in_reply_to=reply.in_reply_to,
            sequence=reply.sequence,
            timestamp=reply.written_at,
        )


class ReplyTaken(BaseModel):
    """Optional: your own id of the reply."""

    id: str | None = None


class Problem(BaseModel):
    """Why a request was refused."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[dict[str, str]] = []


def described_request() -> dict[str, Any]:
    """The part of the OpenAPI operation that FastAPI cannot see: we read the raw body, because it is signed."""
    return {
        "parameters": [
            _header(
                ID, "The message's id, the same on every attempt: the idempotency key.", "msg_2KWPBgLlAfxdpx2AI54p"
            ),
            _header(
                TIMESTAMP, "When this attempt was signed: whole seconds since 1970, within 5 minutes.", "1674087231"
            ),
            _header(
                SIGNATURE,
                "`v1,` and the base64 of HMAC-SHA256(secret, `{id}.{timestamp}.{body}`); several may be listed, "
                "separated by spaces. See standardwebhooks.com.",
                "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _inlined(PostedMessage), "example": EXAMPLE}},
        },
    }


def described_refusals(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `model` would document them as application/json, which refusals are not."""
    content = {"application/problem+json": {"schema": _inlined(Problem)}}
    return {status.value: {"description": status.phrase, "content": content} for status in statuses}


def _header(name: str, description: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema without `$defs`: references into them do not survive inside an OpenAPI document."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            beside = {key: each for key, each in node.items() if key != "$ref"}
            return resolved({**parts[node["$ref"].rpartition("/")[2]], **beside})
        return {key: resolved(each) for key, each in node.items()}

    return {key: resolved(each) for key, each in schema.items()}
