"""Problems of API keys."""

from madang.kit.problems import Conflict, Forbidden, Invalid, NotFound, Text, Unauthenticated


class InvalidApiKey(Unauthenticated):
    code = "invalid-api-key"
    title = Text("The API key is not valid", "API 키가 유효하지 않습니다")
    detail = Text(
        "It is mistyped, expired or revoked. Make a new one while signed in.",
        "잘못 입력되었거나 만료되었거나 폐기되었습니다. 로그인해 새로 만드세요.",
    )


class ApiKeyNotFound(NotFound):
    code = "api-key-not-found"
    title = Text("No such API key", "그런 API 키가 없습니다")
    detail = Text("You have no API key of this id.", "이 id의 API 키가 없습니다.")


class ScopeOutOfReach(Forbidden):
    code = "scope-out-of-reach"
    title = Text("You may not give these scopes", "줄 수 없는 권한입니다")
    detail = Text(
        "A key reaches no more than you do now. Out of reach: {scopes}.",
        "키는 지금 나의 권한을 넘을 수 없습니다. 넘는 권한: {scopes}.",
    )


class ExpiryOutOfRange(Invalid):
    pointer = "/expires_at"
    code = "expiry-out-of-range"
    title = Text("The expiry is out of range", "만료 시각이 범위를 벗어났습니다")
    detail = Text(
        "It must be in the future and within ten years; leave it out for a key without end.",
        "지금 이후 10년 이내여야 합니다. 만료가 없는 키는 비워 두세요.",
    )


class TooManyApiKeys(Conflict):
    code = "too-many-api-keys"
    title = Text("You have too many API keys", "API 키가 너무 많습니다")
    detail = Text("Revoke one of your {limit} keys first.", "{limit}개의 키 가운데 하나를 먼저 폐기하세요.")
