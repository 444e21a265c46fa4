"""Problems of webhooks."""

from madang.kit.problems import Conflict, Invalid, NotFound, Text


class WebhookNotFound(NotFound):
    code = "webhook-not-found"
    title = Text("No such webhook", "그런 웹훅이 없습니다")
    detail = Text("There is no such webhook.", "그런 웹훅이 없습니다.")


class DeliveryNotFound(NotFound):
    code = "delivery-not-found"
    title = Text("No such delivery", "그런 전송 기록이 없습니다")
    detail = Text("This webhook has no such delivery.", "이 웹훅에 그런 전송 기록이 없습니다.")


class TooManyWebhooks(Conflict):
    code = "too-many-webhooks"
    title = Text("There are too many webhooks", "웹훅이 너무 많습니다")
    detail = Text("There can be {most}; remove one first.", "{most}개까지 만들 수 있습니다. 먼저 하나를 삭제하세요.")


class UnknownEvents(Invalid):
    pointer = "/events"
    code = "unknown-events"
    title = Text("No such event", "그런 이벤트가 없습니다")
    detail = Text(
        "No event fits {events}; asyncapi.json lists those there are, and accounts.* or * take many.",
        "{events}에 해당하는 이벤트가 없습니다. 목록은 asyncapi.json에 있으며 accounts.* 또는 *도 쓸 수 있습니다.",
    )
