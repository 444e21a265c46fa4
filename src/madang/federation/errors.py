"""Problems of federated sign-in. Those in `RETURNED` bring the browser back to the page, with their code."""

from madang.kit.problems import Conflict, Forbidden, Invalid, NotFound, Problem, Text, Unauthenticated, Unavailable


class NoSuchProvider(NotFound):
    code = "provider-not-found"
    title = Text("No such provider", "그런 로그인 제공자가 없습니다")
    detail = Text(
        "See GET /api/v1/auth/providers for those of this server.",
        "이 서버의 제공자는 GET /api/v1/auth/providers 에서 볼 수 있습니다.",
    )


class UnsafeNext(Invalid):
    status = 400
    pointer = "#query/next"
    code = "unsafe-next"
    title = Text("next leads elsewhere", "next가 다른 곳을 가리킵니다")
    detail = Text(
        "Give a path that begins with one slash, or an address of this site or its front end.",
        "슬래시 하나로 시작하는 경로나 이 사이트 또는 프런트엔드의 주소를 보내세요.",
    )


class UnknownState(Problem):
    status = 400
    code = "unknown-sign-in-state"
    title = Text("This sign-in can't be finished", "로그인을 마칠 수 없습니다")
    detail = Text(
        "It was finished already, took over ten minutes, or was begun in another browser; begin again.",
        "이미 끝났거나 10분이 지났거나 다른 브라우저에서 시작한 로그인입니다. 다시 시작하세요.",
    )


class UnprovenIdentity(Problem):
    status = 400
    code = "unproven-identity"
    title = Text("The provider's answer proves nothing", "제공자의 응답을 확인할 수 없습니다")
    detail = Text(
        "Its answer did not pass the checks, so nobody was signed in; begin again.",
        "응답이 검증을 통과하지 못해 로그인하지 않았습니다. 다시 시작하세요.",
    )


class ProviderAway(Unavailable):
    code = "provider-unavailable"
    title = Text("The provider does not answer", "로그인 제공자가 응답하지 않습니다")
    detail = Text(
        "Try again in a moment, or sign in another way.", "잠시 뒤 다시 시도하거나 다른 방법으로 로그인하세요."
    )


class AccessDenied(Forbidden):
    code = "access-denied"
    title = Text("The provider signed nobody in", "제공자에서 로그인하지 않았습니다")
    detail = Text("It was cancelled or refused there.", "제공자에서 취소되었거나 거부되었습니다.")


class ProviderError(Forbidden):
    code = "provider-error"
    title = Text("The provider reports an error", "제공자가 오류를 알렸습니다")
    detail = Text("Try again, or sign in another way.", "다시 시도하거나 다른 방법으로 로그인하세요.")


class AccountDisabled(Forbidden):
    code = "account-disabled"
    title = Text("The account is switched off", "사용이 중지된 계정입니다")
    detail = Text("Ask an administrator.", "관리자에게 문의하세요.")


class ReauthenticationFailed(Unauthenticated):
    error = None
    code = "reauthentication-failed"
    title = Text("The provider did not ask again", "제공자가 다시 확인하지 않았습니다")
    detail = Text(
        "It does not say that you have just signed in there; sign out there first.",
        "방금 로그인했다는 확인이 없습니다. 제공자에서 로그아웃한 뒤 다시 시도하세요.",
    )


class LinkingEnded(Unauthenticated):
    error = None
    code = "linking-ended"
    title = Text("The session that asked has ended", "요청한 세션이 끝났습니다")
    detail = Text("Sign in again, then link the identity.", "다시 로그인한 뒤 연결하세요.")


class IdentityTaken(Conflict):
    code = "identity-taken"
    title = Text("This identity belongs to another account", "다른 계정에 연결되어 있습니다")
    detail = Text("Sign in with it, or remove it there first.", "그 계정으로 로그인하거나 먼저 연결을 해제하세요.")


class NoSuchIdentity(NotFound):
    code = "identity-not-found"
    title = Text("No such identity", "그런 연결이 없습니다")
    detail = Text("Your account has no linked identity with this id.", "내 계정에 이 번호의 연결이 없습니다.")


class LastWayIn(Conflict):
    code = "last-way-in"
    title = Text("This is the only way into the account", "계정에 들어올 수 있는 유일한 방법입니다")
    detail = Text("Set a password or link another identity first.", "먼저 비밀번호를 정하거나 다른 계정을 연결하세요.")


RETURNED = (
    ProviderAway,
    AccessDenied,
    ProviderError,
    AccountDisabled,
    ReauthenticationFailed,
    LinkingEnded,
    IdentityTaken,
)
