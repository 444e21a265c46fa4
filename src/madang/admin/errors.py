"""Problems of administration."""

from madang.kit.problems import Conflict, Forbidden, Text


class NoProvenEmail(Conflict):
    code = "no-proven-email"
    title = Text("This account has no proven address", "인증된 이메일이 없는 계정입니다")
    detail = Text(
        "A code to choose a new password can only be mailed to an address that its owner has proven.",
        "비밀번호 재설정 코드는 본인이 인증한 이메일로만 보낼 수 있습니다.",
    )


class NotActive(Conflict):
    code = "account-not-active"
    title = Text("This account is closed", "닫힌 계정입니다")
    detail = Text(
        "It is disabled or deleted, so nobody acts for it; open it again first.",
        "정지되었거나 삭제된 계정은 대신할 수 없습니다. 먼저 다시 여세요.",
    )


class NotYourself(Conflict):
    code = "not-yourself"
    title = Text("That is your own account", "본인의 계정입니다")
    detail = Text("Nobody acts for themselves.", "본인을 대신할 수는 없습니다.")


class AdministratorsOnly(Forbidden):
    code = "administrators-only"
    title = Text("Only an administrator may change this", "관리자만 바꿀 수 있습니다")
    detail = Text("{field} is not for the account itself.", "{field}은(는) 본인이 바꿀 수 없습니다.")
